use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cloakroom_core::{
    AttributeChange, Bind, Changes, Commit, CommitId, Creation, Edit, Error, Freshness, Guard, Intent,
    Limits, Load, Loaded, Name, Opened, Outcome, Principal, Select, Store as _, Ticket, TicketChange, Touch,
    Wanted,
};
use cloakroom_nats::NatsStore;

/// The max inactive interval of every session here.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1000);

pub(crate) fn principal(text: &str) -> Principal {
    Principal::new(text.to_owned()).unwrap()
}

pub(crate) fn set(attribute: &str, value: impl Into<Bytes>) -> AttributeChange {
    AttributeChange {
        name: Name::new(attribute.to_owned()).unwrap(),
        edit: Edit::Set { value: value.into(), ttl: None },
        expect: None,
    }
}

pub(crate) fn create(guard: Guard, attributes: Vec<AttributeChange>) -> Commit {
    let creation = Creation { max_inactive_interval: INTERVAL, max_lifetime: None, bind: None };
    Commit { intent: Intent::Create(creation), ..change(guard, attributes) }
}

pub(crate) fn change(guard: Guard, attributes: Vec<AttributeChange>) -> Commit {
    Commit {
        id: CommitId::generate().unwrap(),
        guard,
        intent: Intent::Change,
        changes: Changes { attributes, ..Changes::default() },
        limits: Limits::default(),
        age: Duration::ZERO,
        stands_for: NonZeroU32::MIN,
    }
}

pub(crate) fn sign_in(ticket: &Ticket, who: &str) -> (Ticket, Commit) {
    let next = ticket.with_new_secret().unwrap();
    let mut commit = change(ticket.guard(), Vec::new());
    let bind = Bind { principal: principal(who), max_sessions: None };
    commit.changes.ticket = Some(TicketChange::SignIn { proof: next.guard().proof, grace: INTERVAL, bind });
    (next, commit)
}

pub(crate) async fn try_commit(store: &NatsStore, commit: &Commit) -> Result<(), Error> {
    match store.commit(commit).await? {
        Outcome::Committed(_) => Ok(()),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn commit(store: &NatsStore, commit: &Commit) {
    try_commit(store, commit).await.unwrap();
}

/// Creates a session with one attribute.
pub(crate) async fn session(store: &NatsStore, attribute: &str, value: impl Into<Bytes>) -> Ticket {
    let ticket = Ticket::generate().unwrap();
    commit(store, &create(ticket.guard(), vec![set(attribute, value)])).await;
    ticket
}

/// Loads a session whole, without a touch.
pub(crate) async fn open(store: &NatsStore, ticket: &Ticket) -> Result<Option<Opened>, Error> {
    let select = Select { values: Wanted::Everything, names: true };
    let load = Load { guard: ticket.guard(), select, touch: Touch::Never, freshness: Freshness::Any };
    Ok(match store.load(&load).await? {
        Loaded::Open(opened) => Some(*opened),
        Loaded::Absent | Loaded::Superseded => None,
    })
}

/// Reads one attribute.
pub(crate) async fn read(
    store: &NatsStore,
    ticket: &Ticket,
    attribute: &str,
) -> Result<Option<Bytes>, Error> {
    let opened = open(store, ticket).await?;
    let attributes = opened.map(|opened| opened.attributes).unwrap_or_default();
    Ok(attributes.into_iter().find(|it| it.name.as_str() == attribute).map(|it| it.value))
}

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
