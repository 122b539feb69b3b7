//! A node that holds every session.

use std::time::Duration;

use cloakroom_core::{
    ErrorKind, Freshness, Intent, Invalidate, Load, Loaded, Select, Store as _, Ticket, Touch, Version,
    Wanted,
};
use cloakroom_nats::{MirrorState, NatsStore};
use servers::Nats;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::support::*;

/// How old an answer from memory may be here.
const BOUND: Duration = Duration::from_secs(5);

/// No answer within this is none from memory.
const MOMENT: Duration = Duration::from_millis(500);

struct Servers {
    server: Nats,
    here: NatsStore,
    there: NatsStore,
}

impl Servers {
    /// Starts a server of its own, with a node that has a mirror and one that has none.
    async fn start() -> Self {
        let server = spawn_blocking(|| Nats::start().unwrap()).await.unwrap();
        let builder = NatsStore::builder().mirrored(true).max_staleness(BOUND);
        let here = builder.connect(&server.url()).await.unwrap();
        let there = NatsStore::connect(&server.url()).await.unwrap();
        whole(&here).await;
        Self { server, here, there }
    }

    /// Lets the server stand still.
    async fn stop(&self) {
        self.server.pause();
        let moment = Duration::from_millis(50);
        eventually("no answer", async || timeout(moment, self.there.ping()).await.err()).await;
    }

    /// Loads while the server stands still, with a mirror that was up to date a moment ago; `None`: no answer.
    async fn without_the_server(&self, load: &Load) -> Option<Loaded> {
        whole(&self.here).await;
        self.stop().await;
        let answer = timeout(MOMENT, self.here.load(load)).await.ok();
        self.server.resume();
        answer.map(|answer| answer.unwrap())
    }

    /// Waits until memory alone answers so.
    async fn memory_has(&self, ticket: &Ticket, attribute: &str, value: &str) {
        eventually(value, async || {
            let opened = opened(self.without_the_server(&asking(ticket)).await?)?;
            let found = opened.attributes.into_iter().find(|it| it.name.as_str() == attribute)?;
            (found.value == value).then_some(())
        })
        .await;
    }
}

fn state(store: &NatsStore) -> MirrorState {
    store.mirror_state().unwrap()
}

async fn whole(store: &NatsStore) {
    eventually("a whole mirror", async || {
        let _ = timeout(MOMENT, store.ping()).await;
        state(store).lag.filter(|lag| *lag < Duration::from_secs(1))
    })
    .await;
}

async fn holds(store: &NatsStore, sessions: usize) {
    eventually("this many sessions", async || (state(store).sessions == sessions).then_some(())).await;
}

fn asking(ticket: &Ticket) -> Load {
    let select = Select { values: Wanted::Everything, names: true };
    Load { guard: ticket.guard(), select, touch: Touch::Never, freshness: Freshness::Any }
}

fn opened(loaded: Loaded) -> Option<cloakroom_core::Opened> {
    if let Loaded::Open(opened) = loaded { Some(*opened) } else { None }
}

#[tokio::test]
async fn loads_are_answered_from_memory_within_the_bound_and_not_beyond_it() {
    let servers = Servers::start().await;
    let large = "x".repeat(200_000);
    let ticket = session(&servers.there, "small", "1").await;
    commit(&servers.there, &change(ticket.guard(), vec![set("large", large.clone())])).await;
    eventually("the value", async || (state(&servers.here).bytes > large.len()).then_some(())).await;
    whole(&servers.here).await;
    servers.stop().await;
    for _ in 0..100 {
        if state(&servers.here).lag.is_none_or(|lag| lag > BOUND / 2) {
            break;
        }
        let answer = timeout(MOMENT, read(&servers.here, &ticket, "large")).await.unwrap();
        assert!(answer.unwrap().unwrap() == large);
    }
    eventually("no answer from memory", async || {
        let lag = state(&servers.here).lag;
        let answer = timeout(MOMENT, open(&servers.here, &ticket)).await;
        let is_answered = answer.is_ok_and(|answer| answer.is_ok());
        assert!(!is_answered || lag.is_some_and(|lag| lag <= BOUND), "{lag:?}");
        (!is_answered).then_some(())
    })
    .await;
    assert!(state(&servers.here).lag.is_none_or(|lag| lag > BOUND));
    servers.server.resume();
    eventually("an answer", async || open(&servers.here, &ticket).await.ok()).await.unwrap();
    servers.memory_has(&ticket, "small", "1").await;
}

#[tokio::test]
async fn what_was_there_before_is_here() {
    let servers = Servers::start().await;
    let mut tickets = Vec::new();
    for number in 0..50 {
        tickets.push(session(&servers.there, "a", format!("{number}").repeat(1000)).await);
    }
    let late = NatsStore::builder().mirrored(true).connect(&servers.server.url()).await.unwrap();
    for (number, ticket) in tickets.iter().enumerate() {
        let value = read(&late, ticket, "a").await.unwrap().unwrap();
        assert_eq!(value, format!("{number}").repeat(1000));
    }
    holds(&late, 50).await;
    drop(late);
    assert!(servers.there.mirror_state().is_none());
}

#[tokio::test]
async fn what_another_node_does_arrives() {
    let servers = Servers::start().await;
    let (here, there) = (&servers.here, &servers.there);
    let ticket = session(there, "a", "1").await;
    servers.memory_has(&ticket, "a", "1").await;
    commit(there, &change(ticket.guard(), vec![set("a", "2")])).await;
    servers.memory_has(&ticket, "a", "2").await;
    let (next, signing_in) = sign_in(&ticket, "ada");
    commit(there, &signing_in).await;
    servers.memory_has(&next, "a", "2").await;
    let of_ada = servers.without_the_server(&asking(&next)).await.and_then(opened).unwrap();
    assert_eq!(of_ada.meta.principal, Some(principal("ada")));
    let _ = there.invalidate(&Invalidate::Ticket(next.guard())).await.unwrap();
    holds(here, 0).await;
    assert!(open(here, &next).await.unwrap().is_none());
    let others = [session(there, "a", "3").await, session(there, "a", "4").await];
    holds(here, 2).await;
    let _ = there.invalidate(&Invalidate::Everyone).await.unwrap();
    holds(here, 0).await;
    for ticket in &others {
        assert!(open(here, ticket).await.unwrap().is_none());
    }
    assert_eq!(state(here).bytes, 0);
}

#[tokio::test]
async fn what_this_node_does_is_seen_at_once() {
    let servers = Servers::start().await;
    let here = &servers.here;
    for round in 0..100 {
        let ticket = session(here, "a", "new").await;
        assert_eq!(read(here, &ticket, "a").await.unwrap().unwrap(), "new");
        let size = if round % 2 == 0 { 10 } else { 2000 };
        for letter in ["x", "y"] {
            commit(here, &change(ticket.guard(), vec![set("a", letter.repeat(size))])).await;
            assert_eq!(read(here, &ticket, "a").await.unwrap().unwrap(), letter.repeat(size));
        }
        let (next, signing_in) = sign_in(&ticket, "ada");
        commit(here, &signing_in).await;
        assert!(open(here, &next).await.unwrap().unwrap().meta.principal.is_some());
        let end = match round % 4 {
            0 => Invalidate::Ticket(next.guard()),
            1 => Invalidate::Handle { handle: next.handle(), owner: None },
            2 => Invalidate::Principal { principal: principal("ada"), except: None },
            _ => Invalidate::Everyone,
        };
        let _ = here.invalidate(&end).await.unwrap();
        assert!(open(here, &next).await.unwrap().is_none(), "{end:?}");
    }
    assert!(state(here).lag.is_some(), "there was a mirror all the time");
    holds(here, 0).await;
}

#[tokio::test]
async fn a_load_may_demand_more_than_is_here() {
    let servers = Servers::start().await;
    let ticket = session(&servers.there, "a", "1").await;
    servers.memory_has(&ticket, "a", "1").await;
    let demands = [
        (Freshness::Any, true),
        (Freshness::AtLeast(Version(1)), true),
        (Freshness::AtLeast(Version(2)), false),
        (Freshness::Latest, false),
    ];
    for (freshness, is_here) in demands {
        let load = Load { freshness, ..asking(&ticket) };
        let answer = servers.without_the_server(&load).await;
        assert_eq!(answer.is_some(), is_here, "{freshness:?}");
        let answer = eventually("the server's answer", async || servers.here.load(&load).await.ok()).await;
        assert!(opened(answer).is_some(), "the server has what there is");
    }
}

#[tokio::test]
async fn only_a_ticket_that_is_good_is_answered_from_memory() {
    let servers = Servers::start().await;
    let ticket = session(&servers.there, "a", "1").await;
    servers.memory_has(&ticket, "a", "1").await;
    let forged = ticket.with_new_secret().unwrap();
    for bad in [forged, Ticket::generate().unwrap()] {
        assert!(servers.without_the_server(&asking(&bad)).await.is_none());
        let answer = eventually("the server's answer", async || open(&servers.here, &bad).await.ok()).await;
        assert!(answer.is_none());
    }
}

#[tokio::test]
async fn an_access_is_recorded_on_the_server() {
    let servers = Servers::start().await;
    let ticket = session(&servers.there, "a", "1").await;
    servers.memory_has(&ticket, "a", "1").await;
    let accessed_at = async || open(&servers.there, &ticket).await.unwrap().unwrap().meta.accessed_at;
    let before = accessed_at().await;
    let touch = Touch::AtMostEvery(Duration::ZERO);
    let loaded = servers.here.load(&Load { touch, ..asking(&ticket) }).await.unwrap();
    let now = opened(loaded).unwrap().now;
    assert!(now > before);
    assert_eq!(accessed_at().await, now);
    assert_eq!(open(&servers.here, &ticket).await.unwrap().unwrap().meta.accessed_at, now);
}

#[tokio::test]
async fn what_has_expired_is_not_answered_though_it_is_in_memory() {
    let servers = Servers::start().await;
    let ticket = Ticket::generate().unwrap();
    let mut brief = create(ticket.guard(), vec![set("a", "1")]);
    if let Intent::Create(creation) = &mut brief.intent {
        creation.max_inactive_interval = Duration::from_secs(15);
    }
    commit(&servers.there, &brief).await;
    servers.memory_has(&ticket, "a", "1").await;
    eventually("expiry", async || open(&servers.here, &ticket).await.ok()?.is_none().then_some(())).await;
    assert_eq!(state(&servers.here).sessions, 1, "it was judged by its deadline");
    eventually("expiry there", async || open(&servers.there, &ticket).await.unwrap().is_none().then_some(()))
        .await;
}

#[tokio::test]
async fn a_server_that_has_lost_everything_empties_the_mirror() {
    let mut servers = Servers::start().await;
    let mut lost = Vec::new();
    for _ in 0..20 {
        lost.push(session(&servers.here, "a", "1").await);
    }
    holds(&servers.here, 20).await;
    servers.server.kill();
    eventually("an empty mirror", async || (state(&servers.here).sessions == 0).then_some(())).await;
    let error = eventually("an error", async || open(&servers.here, &lost[0]).await.err()).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let servers = spawn_blocking(move || {
        servers.server.restart().unwrap();
        servers
    });
    let servers = servers.await.unwrap();
    for ticket in &lost {
        let answer = eventually("an answer", async || open(&servers.here, ticket).await.ok()).await;
        assert!(answer.is_none(), "it was in memory");
    }
    whole(&servers.here).await;
    assert_eq!(state(&servers.here).sessions, 0);
    eventually("it works there", async || open(&servers.there, &lost[0]).await.ok()).await;
    let ticket = session(&servers.there, "a", "2").await;
    servers.memory_has(&ticket, "a", "2").await;
}

#[tokio::test]
async fn a_stream_that_was_made_anew_is_noticed() {
    let servers = Servers::start().await;
    let ticket = session(&servers.here, "a", "1").await;
    holds(&servers.here, 1).await;
    let client = async_nats::connect(servers.server.url()).await.unwrap();
    async_nats::jetstream::new(client).delete_stream("cloakroom").await.unwrap();
    eventually("the end of the session", async || {
        open(&servers.here, &ticket).await.ok()?.is_none().then_some(())
    })
    .await;
    eventually("a mirror of what there is", async || {
        let state = state(&servers.here);
        (state.sessions == 0 && state.lag.is_some()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_that_tells_of_nothing_is_gone_by_marks() {
    let mut server = spawn_blocking(|| Nats::start().unwrap()).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let here = NatsStore::builder().mirrored(true).with_client(client).await.unwrap();
    let ticket = session(&here, "a", "1").await;
    whole(&here).await;
    holds(&here, 1).await;
    server.kill();
    let _server = spawn_blocking(move || {
        server.restart().unwrap();
        server
    });
    let answer = eventually("the end of the session", async || {
        timeout(MOMENT, open(&here, &ticket)).await.ok()?.ok()?.is_none().then_some(())
    });
    answer.await;
    eventually("a mirror of what there is", async || {
        let state = state(&here);
        (state.sessions == 0 && state.lag.is_some()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn nobody_listens_when_the_last_handle_is_gone() {
    let Servers { server, here, there } = Servers::start().await;
    let consumers = async || {
        let server = server.ask("$JS.API.STREAM.INFO.cloakroom");
        server.is_ok_and(|info| info.contains("\"consumer_count\":1"))
    };
    eventually("a consumer", async || consumers().await.then_some(())).await;
    let clone = here.clone();
    drop(here);
    session(&there, "a", "1").await;
    holds(&clone, 1).await;
    drop(clone);
    eventually("no consumer", async || (!consumers().await).then_some(())).await;
}
