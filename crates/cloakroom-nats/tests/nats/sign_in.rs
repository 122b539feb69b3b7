//! Sign-ins that stand still between their entry in the principal's index and their commit.

use std::pin::Pin;

use cloakroom_core::{
    Commit, Error, Expect, Gone, Invalidate, Invalidated, MaxSessions, Outcome, Store as _, TicketChange,
};
use cloakroom_nats::NatsStore;
use futures_util::StreamExt as _;
use servers::Nats;
use tokio::task::spawn_blocking;

use crate::support::*;

struct Principals {
    _server: Nats,
    store: NatsStore,
    client: async_nats::Client,
}

type SigningIn<'a> = Pin<Box<dyn Future<Output = Result<Outcome, Error>> + Send + 'a>>;

impl Principals {
    async fn start() -> Self {
        let server = spawn_blocking(|| Nats::start().unwrap()).await.unwrap();
        let store = NatsStore::connect(&server.url()).await.unwrap();
        let client = async_nats::connect(server.url()).await.unwrap();
        Self { _server: server, store, client }
    }

    /// Begins a sign-in, and leaves it when its entry is in the index.
    async fn begin<'a>(&'a self, commit: &'a Commit) -> SigningIn<'a> {
        let mut entries = self.client.subscribe("cloakroom.s.cloakroom.p.>").await.unwrap();
        self.client.flush().await.unwrap();
        let mut signing_in: SigningIn<'a> = Box::pin(self.store.commit(commit));
        tokio::select! {
            biased;
            entry = entries.next() => drop(entry.unwrap()),
            outcome = &mut signing_in => panic!("{outcome:?}"),
        }
        signing_in
    }

    async fn listed(&self) -> usize {
        self.store.sessions_of(&principal("ada")).await.unwrap().len()
    }

    async fn end_all(&self) -> usize {
        let end = Invalidate::Principal { principal: principal("ada"), except: None };
        match self.store.invalidate(&end).await.unwrap() {
            Invalidated::Done(ended) => ended.len(),
            Invalidated::Superseded => panic!("by whom?"),
        }
    }
}

#[tokio::test]
async fn one_that_an_end_of_all_did_not_wait_for_is_undone() {
    let principals = Principals::start().await;
    for is_limited in [false, true] {
        let ticket = session(&principals.store, "a", "1").await;
        let (next, mut commit) = sign_in(&ticket, "ada");
        if let Some(TicketChange::SignIn { bind, .. }) = &mut commit.changes.ticket
            && is_limited
        {
            let at_limit = cloakroom_core::AtLimit::EndOldest;
            bind.max_sessions = Some(MaxSessions { count: 3, at_limit });
        }
        let signing_in = principals.begin(&commit).await;
        assert_eq!(principals.end_all().await, 0, "it is not signed in yet");
        let outcome = signing_in.await.unwrap();
        assert!(matches!(outcome, Outcome::Gone(Gone::Absent)), "{outcome:?}");
        assert!(open(&principals.store, &next).await.unwrap().is_none());
        assert_eq!(principals.listed().await, 0);
    }
}

#[tokio::test]
async fn one_that_an_end_of_all_waits_for_is_ended_and_told() {
    let principals = Principals::start().await;
    let ticket = session(&principals.store, "a", "1").await;
    let (next, commit) = sign_in(&ticket, "ada");
    let signing_in = principals.begin(&commit).await;
    let (ended, outcome) = tokio::join!(principals.end_all(), signing_in);
    assert_eq!(ended, 1);
    assert!(matches!(outcome, Ok(Outcome::Committed(_))), "{outcome:?}");
    assert!(open(&principals.store, &next).await.unwrap().is_none());
}

#[tokio::test]
async fn one_that_is_refused_takes_no_other_out_of_the_index() {
    let principals = Principals::start().await;
    let ticket = session(&principals.store, "a", "1").await;
    let (next, commit) = sign_in(&ticket, "ada");
    let signing_in = principals.begin(&commit).await;
    let (_, mut refused) = sign_in(&ticket, "ada");
    refused.changes.attributes = vec![set("b", "2")];
    refused.changes.attributes[0].expect = Some(Expect::Revision(cloakroom_core::Version(99)));
    let outcome = principals.store.commit(&refused).await.unwrap();
    assert!(matches!(outcome, Outcome::Conflict(_)), "{outcome:?}");
    // Long enough for what the refused one does beside its answer.
    for _ in 0..30 {
        session(&principals.store, "a", "1").await;
    }
    let outcome = signing_in.await.unwrap();
    assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
    assert!(open(&principals.store, &next).await.unwrap().is_some());
    assert_eq!(principals.listed().await, 1);
}
