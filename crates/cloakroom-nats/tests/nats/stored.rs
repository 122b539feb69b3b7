//! What is in the streams: nothing that opens a session, nothing in clear in a subject, no garbage; and what happens where a
//! message cannot be read.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::jetstream::{self, Context};
use cloakroom_core::{ErrorKind, Intent, Invalidate, Invalidated, Select, Store as _, Sweep, Wanted};
use cloakroom_nats::NatsStore;
use servers::Nats;
use tokio::task::spawn_blocking;

use crate::support::*;

struct Private {
    server: Nats,
    store: NatsStore,
    context: Context,
}

impl Private {
    async fn start(config: &'static str) -> Self {
        let server = spawn_blocking(|| Nats::options().config(config).start().unwrap()).await.unwrap();
        let store = NatsStore::connect(&server.url()).await.unwrap();
        let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
        Self { server, store, context }
    }

    /// Returns all messages of a stream: subject, headers, body.
    async fn dump(&self, stream: &str) -> Vec<(String, Vec<u8>)> {
        let stream = self.context.get_stream(stream).await.unwrap();
        let (mut messages, mut from) = (Vec::new(), 1);
        while let Ok(message) = stream.direct_get_next_for_subject(">", Some(from)).await {
            from = message.sequence + 1;
            let mut whole = format!("{:?}", message.headers).into_bytes();
            whole.extend_from_slice(&message.payload);
            messages.push((message.subject.to_string(), whole));
        }
        messages
    }

    async fn all(&self) -> Vec<(String, Vec<u8>)> {
        let mut all = self.dump("cloakroom").await;
        all.extend(self.dump("cloakroom-values").await);
        all.extend(self.dump("cloakroom-due").await);
        all
    }

    async fn put(&self, subject: &str, body: Vec<u8>) {
        self.context.publish(subject.to_owned(), body.into()).await.unwrap().await.unwrap();
    }
}

fn subject(handle: cloakroom_core::Handle) -> String {
    format!("cloakroom.s.cloakroom.m.{}", handle.to_string().replace('-', ""))
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn nothing_opens_a_session_and_no_subject_has_a_name() {
    let private = Private::start("").await;
    let first = session(&private.store, "basket", "x".repeat(3000)).await;
    let (second, signing_in) = sign_in(&first, "ada.lovelace");
    commit(&private.store, &signing_in).await;
    let all = private.all().await;
    assert!(all.iter().any(|(_, body)| holds(body, second.guard().proof.as_bytes())), "the proof is there");
    for (subject, body) in all {
        for name in ["basket", "ada", "lovelace"] {
            assert!(!subject.contains(name), "{subject}");
        }
        for ticket in [&first, &second] {
            let secret = &ticket.expose()[22..];
            assert!(!subject.contains(secret) && !holds(&body, secret.as_bytes()));
            assert!(!holds(&body, &decoded(secret)));
        }
    }
}

/// Returns the bytes of base 64.
fn decoded(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = text.bytes().flat_map(|digit| {
        let value = alphabet.bytes().position(|it| it == digit).unwrap();
        (0..6).rev().map(move |bit| (value >> bit) as u8 & 1)
    });
    let bits: Vec<u8> = bits.collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

#[tokio::test]
async fn values_that_nobody_needs_are_removed() {
    let private = Private::start("").await;
    let ticket = session(&private.store, "a", "x".repeat(3000)).await;
    for _ in 0..3 {
        commit(&private.store, &change(ticket.guard(), vec![set("a", "y".repeat(3000))])).await;
    }
    let one = eventually("one value is left", async || {
        let values = private.dump("cloakroom-values").await;
        (values.len() == 1).then_some(values)
    });
    assert!(one.await[0].1.ends_with(b"yyyy"));
    let ended = private.store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    assert!(matches!(ended, Invalidated::Done(ended) if ended.len() == 1));
    eventually("no value is left", async || private.dump("cloakroom-values").await.is_empty().then_some(()))
        .await;
}

#[tokio::test]
async fn a_commit_that_is_refused_leaves_no_values() {
    let private = Private::start("").await;
    let ticket = session(&private.store, "a", "1").await;
    let mut taken = create(ticket.guard(), vec![set("a", "x".repeat(3000))]);
    taken.changes.label = None;
    let outcome = private.store.commit(&taken).await.unwrap();
    assert!(matches!(outcome, cloakroom_core::Outcome::Taken), "{outcome:?}");
    eventually("no value is left", async || private.dump("cloakroom-values").await.is_empty().then_some(()))
        .await;
}

#[tokio::test]
async fn a_damaged_session_is_an_error_of_its_own_alone() {
    let private = Private::start("").await;
    let store = &private.store;
    let (damaged, sound) = (session(store, "a", "1").await, session(store, "a", "2").await);
    for body in [vec![9, 9], vec![1], b"nonsense".to_vec()] {
        private.put(&subject(damaged.handle()), body.clone()).await;
        let error = open(store, &damaged).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{body:?}");
        let error = try_commit(store, &change(damaged.guard(), vec![set("a", "3")])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{body:?}");
        assert_eq!(read(store, &sound, "a").await.unwrap().unwrap(), "2");
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_read_ends_with_its_principals_others() {
    let private = Private::start("").await;
    let store = &private.store;
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let ticket = session(store, "a", "1").await;
        let (next, signing_in) = sign_in(&ticket, "ada");
        commit(store, &signing_in).await;
        sessions.push(next);
    }
    let later = subject(sessions[0].handle());
    private.put(&later, b"of a later version".to_vec()).await;
    assert_eq!(store.sessions_of(&principal("ada")).await.unwrap().len(), 1);
    let end = Invalidate::Principal { principal: principal("ada"), except: None };
    let ended = store.invalidate(&end).await.unwrap();
    assert!(matches!(ended, Invalidated::Done(ended) if ended.len() == 1));
    let left = private.context.get_stream("cloakroom").await.unwrap();
    let left = left.get_last_raw_message_by_subject(&later).await.unwrap();
    assert!(left.payload.is_empty(), "it has ended for those who could read it");
    assert!(open(store, &sessions[0]).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_left_of_an_end_is_looked_at_soon() {
    let private = Private::start("").await;
    let ticket = session(&private.store, "a", "1").await;
    let notes = async || private.dump("cloakroom-due").await.into_iter().map(|(_, note)| moment(&note));
    let expires_at = notes().await.next().unwrap();
    let _ = private.store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    eventually("a note for a minute later", async || {
        notes().await.any(|it| it + 900_000 < expires_at).then_some(())
    })
    .await;
}

/// A sweep may look for the session before it is stored, where that takes as long as the session lives.
#[tokio::test]
async fn a_session_that_is_stored_late_is_handed_out_all_the_same() {
    let private = Private::start("").await;
    let (store, made) = (private.store.clone(), AtomicBool::new(false));
    let sweep = Sweep { limit: 100, lease: None, select: Select::default() };
    let creating = async {
        for _ in 0..150 {
            let ticket = cloakroom_core::Ticket::generate().unwrap();
            let large = ["a", "b", "c", "d"].map(|name| set(name, "x".repeat(200_000)));
            let commit = create(ticket.guard(), large.to_vec());
            try_commit(&store, &cloakroom_core::Commit { age: commit.age + INTERVAL, ..commit })
                .await
                .unwrap();
        }
        made.store(true, Ordering::Relaxed);
    };
    let sweeping = async || {
        let mut handed_out = 0;
        while !made.load(Ordering::Relaxed) {
            handed_out += store.sweep(&sweep).await.unwrap().len();
        }
        handed_out
    };
    let ((), one, two, three) = tokio::join!(creating, sweeping(), sweeping(), sweeping());
    let rest = AtomicUsize::new(one + two + three);
    eventually("all are handed out", async || {
        let more = store.sweep(&sweep).await.unwrap().len();
        (rest.fetch_add(more, Ordering::Relaxed) + more == 150).then_some(())
    })
    .await;
}

/// Returns when somebody must look, in milliseconds.
fn moment(note: &[u8]) -> u64 {
    u64::from_be_bytes(note.last_chunk::<8>().copied().unwrap())
}

#[tokio::test]
async fn a_value_that_is_lost_is_corrupt() {
    let private = Private::start("").await;
    let ticket = session(&private.store, "a", "x".repeat(3000)).await;
    private.context.get_stream("cloakroom-values").await.unwrap().purge().await.unwrap();
    assert_eq!(open(&private.store, &ticket).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn where_numbers_begin_again_nobody_meets_anothers_value() {
    let private = Private::start("").await;
    let (store, large) = (&private.store, |letter: &str| letter.repeat(3000));
    let one = session(store, "first", large("x")).await;
    private.context.delete_stream("cloakroom-values").await.unwrap();
    let other = session(store, "first", large("y")).await;
    commit(store, &change(one.guard(), vec![set("second", large("x"))])).await;
    assert_eq!(private.dump("cloakroom-values").await.len(), 2);
    assert_eq!(open(store, &one).await.unwrap_err().kind(), ErrorKind::Corrupt);
    let mirrored = NatsStore::builder().mirrored(true).connect(&private.server.url()).await.unwrap();
    eventually("a whole mirror", async || {
        let _ = mirrored.ping().await;
        mirrored.mirror_state().unwrap().lag.filter(|_| mirrored.mirror_state().unwrap().bytes > 6000)
    })
    .await;
    assert_eq!(open(&mirrored, &one).await.unwrap_err().kind(), ErrorKind::Corrupt);
    let _ = store.invalidate(&Invalidate::Ticket(one.guard())).await.unwrap();
    eventually("what was theirs is removed", async || {
        (private.dump("cloakroom-values").await.len() < 2).then_some(())
    })
    .await;
    assert_eq!(read(store, &other, "first").await.unwrap().unwrap(), large("y"));
}

#[tokio::test]
async fn where_numbers_begin_again_a_session_does_not_take_one_of_its_values_for_another() {
    let private = Private::start("").await;
    let ticket = session(&private.store, "first", "x".repeat(3000)).await;
    private.context.delete_stream("cloakroom-values").await.unwrap();
    commit(&private.store, &change(ticket.guard(), vec![set("second", "y".repeat(3000))])).await;
    assert_eq!(open(&private.store, &ticket).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_session_whose_values_are_lost_is_handed_out_without_them() {
    let private = Private::start("").await;
    let store = &private.store;
    let ticket = cloakroom_core::Ticket::generate().unwrap();
    let mut brief = create(ticket.guard(), vec![set("large", "x".repeat(3000)), set("small", "1")]);
    if let Intent::Create(creation) = &mut brief.intent {
        creation.max_inactive_interval = Duration::from_millis(200);
    }
    commit(store, &brief).await;
    private.context.get_stream("cloakroom-values").await.unwrap().purge().await.unwrap();
    let select = Select { values: Wanted::Everything, names: false };
    let sweep = Sweep { limit: 10, lease: None, select };
    let ended = eventually("it is handed out", async || store.sweep(&sweep).await.unwrap().pop()).await;
    assert_eq!((ended.handle, ended.names.len(), ended.attributes.len()), (ticket.handle(), 2, 0));
}

#[tokio::test]
async fn a_value_may_be_larger_than_a_message_and_a_manifest_may_not() {
    let private = Private::start("max_payload: 8192").await;
    let ticket = session(&private.store, "large", "x".repeat(50_000)).await;
    assert_eq!(read(&private.store, &ticket, "large").await.unwrap().unwrap().len(), 50_000);
    let many = (0..400).map(|number| set(&format!("attribute {number}"), "")).collect();
    let error = try_commit(&private.store, &change(ticket.guard(), many)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
    assert_eq!(open(&private.store, &ticket).await.unwrap().unwrap().names.unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_server_refuses_and_drops_nothing() {
    let private = Private::start("").await;
    let builder = NatsStore::builder().streams("small").unwrap().max_bytes(200_000);
    let store = builder.connect(&private.server.url()).await.unwrap();
    let first = session(&store, "a", "x".repeat(3000)).await;
    let full = eventually("it is full", async || {
        let ticket = cloakroom_core::Ticket::generate().unwrap();
        try_commit(&store, &create(ticket.guard(), vec![set("a", "x".repeat(20_000))])).await.err()
    });
    assert_eq!(full.await.kind(), ErrorKind::Full);
    assert_eq!(read(&store, &first, "a").await.unwrap().unwrap().len(), 3000);
    let ended = store.invalidate(&Invalidate::Ticket(first.guard())).await.unwrap();
    assert!(matches!(ended, Invalidated::Done(ended) if ended.len() == 1), "a logout is possible");
}

/// A server drops the oldest message where it takes one that does not fit, so that must not come to pass.
#[tokio::test]
async fn a_stream_that_is_almost_full_takes_no_further_session() {
    let private = Private::start("").await;
    let connect = async || {
        let builder = NatsStore::builder().streams("small").unwrap().max_bytes(100_000);
        builder.connect(&private.server.url()).await.unwrap()
    };
    let ticket = session(&connect().await, "a", "1").await;
    private.context.publish("small.s.other.p.1", vec![0; 95_000].into()).await.unwrap().await.unwrap();
    let store = connect().await;
    let another = cloakroom_core::Ticket::generate().unwrap();
    let refused = try_commit(&store, &create(another.guard(), Vec::new())).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Full);
    let large = change(ticket.guard(), vec![set("a", "x".repeat(2000))]);
    assert_eq!(try_commit(&store, &large).await.unwrap_err().kind(), ErrorKind::Full);
    commit(&store, &change(ticket.guard(), vec![set("a", "2")])).await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap().unwrap(), "2");
    let ended = store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    assert!(matches!(ended, Invalidated::Done(ended) if ended.len() == 1), "a logout is possible");
}

/// Otherwise a session would be lost when it is stored again at the account's limit.
#[tokio::test]
async fn where_an_account_has_a_limit_the_streams_must_have_one() {
    let config = "accounts { A { jetstream { max_mem: 120K }, users: [ { user: a, password: a } ] } }\nno_auth_user: a";
    let server = spawn_blocking(|| Nats::options().config(config).start().unwrap()).await.unwrap();
    let without =
        NatsStore::builder().streams("boundless").unwrap().connect(&server.url()).await.unwrap_err();
    assert_eq!(without.kind(), ErrorKind::Refused);
    let on_disk = NatsStore::builder().streams("disk").unwrap().storage(cloakroom_nats::Storage::File);
    on_disk.connect(&server.url()).await.unwrap();
    NatsStore::builder().max_bytes(30_000).connect(&server.url()).await.unwrap();
}

#[tokio::test]
async fn a_stream_of_somebody_else_is_left_alone() {
    let private = Private::start("").await;
    let theirs = jetstream::stream::Config { name: "mail".to_owned(), ..Default::default() };
    private.context.create_stream(theirs).await.unwrap();
    let error =
        NatsStore::builder().streams("mail").unwrap().connect(&private.server.url()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}
