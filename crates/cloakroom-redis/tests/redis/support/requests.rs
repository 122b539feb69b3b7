use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    AtLimit, AttributeChange, Bind, Changes, Commit, CommitId, Creation, Edit, Error, Freshness, Guard,
    Handle, Intent, Invalidate, Invalidated, Limits, Load, Loaded, MaxSessions, Name, Opened, Outcome,
    Principal, Seed, Select, Store as _, Sweep, Ticket, TicketChange, Touch, Wanted,
};
use cloakroom_redis::RedisStore;

/// The max inactive interval of every session here.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1000);

pub(crate) fn name(text: &str) -> Name {
    Name::new(text.to_owned()).unwrap()
}

pub(crate) fn principal(text: &str) -> Principal {
    Principal::new(text.to_owned()).unwrap()
}

pub(crate) fn set(attribute: &str, value: impl Into<Bytes>) -> AttributeChange {
    AttributeChange {
        name: name(attribute),
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

pub(crate) fn renew(ticket: &Ticket, seed: Seed) -> (Ticket, Commit) {
    let next = ticket.successor(&seed);
    let mut commit = change(ticket.guard(), Vec::new());
    commit.changes.ticket = Some(TicketChange::Renew { proof: next.guard().proof, seed, grace: INTERVAL });
    (next, commit)
}

pub(crate) fn sign_in(ticket: &Ticket, who: &str) -> (Ticket, Commit) {
    let next = ticket.with_new_secret().unwrap();
    let mut commit = change(ticket.guard(), Vec::new());
    let bind = Bind { principal: principal(who), max_sessions: None };
    commit.changes.ticket = Some(TicketChange::SignIn { proof: next.guard().proof, grace: INTERVAL, bind });
    (next, commit)
}

/// Signs in to a new session, where so many are allowed.
pub(crate) async fn limited(store: &RedisStore, who: &str, count: u32) -> Commit {
    let ticket = session(store, "a", "1").await;
    let (_, mut commit) = sign_in(&ticket, who);
    if let Some(TicketChange::SignIn { bind, .. }) = &mut commit.changes.ticket {
        bind.max_sessions = Some(MaxSessions { count, at_limit: AtLimit::EndOldest });
    }
    commit
}

pub(crate) async fn commit(store: &RedisStore, commit: &Commit) {
    match store.commit(commit).await.unwrap() {
        Outcome::Committed(_) => {}
        other => panic!("{other:?}"),
    }
}

/// Creates a session with one attribute.
pub(crate) async fn session(store: &RedisStore, attribute: &str, value: impl Into<Bytes>) -> Ticket {
    let ticket = Ticket::generate().unwrap();
    commit(store, &create(ticket.guard(), vec![set(attribute, value)])).await;
    ticket
}

/// Creates a session of this principal.
pub(crate) async fn session_of(store: &RedisStore, who: &str) -> Ticket {
    let ticket = session(store, "a", "1").await;
    let (ticket, signing_in) = sign_in(&ticket, who);
    commit(store, &signing_in).await;
    ticket
}

pub(crate) fn load(ticket: &Ticket, attributes: &[&str], touch: Touch) -> Load {
    let values = Wanted::Named(attributes.iter().map(|text| name(text)).collect());
    Load { guard: ticket.guard(), select: Select { values, names: false }, touch, freshness: Freshness::Any }
}

/// Loads a session without a touch.
pub(crate) async fn open(
    store: &RedisStore,
    ticket: &Ticket,
    attributes: &[&str],
) -> Result<Option<Opened>, Error> {
    Ok(match store.load(&load(ticket, attributes, Touch::Never)).await? {
        Loaded::Open(opened) => Some(*opened),
        Loaded::Absent | Loaded::Superseded => None,
    })
}

/// Reads one attribute of a session that is open.
pub(crate) async fn read(store: &RedisStore, ticket: &Ticket, attribute: &str) -> Option<Bytes> {
    let opened = open(store, ticket, &[attribute]).await.unwrap().expect("the session is open");
    opened.attributes.into_iter().next().map(|attribute| attribute.value)
}

/// Sweeps without a lease, and returns what was handed out.
pub(crate) async fn sweep(store: &RedisStore) -> Vec<Handle> {
    let sweep = Sweep { limit: 1000, lease: None, select: Select::default() };
    store.sweep(&sweep).await.unwrap().into_iter().map(|ended| ended.handle).collect()
}

pub(crate) fn everything(ticket: &Ticket) -> Load {
    let select = Select { values: Wanted::Everything, names: true };
    Load { guard: ticket.guard(), select, touch: Touch::Never, freshness: Freshness::Any }
}

/// Invalidates, and returns how many sessions ended.
pub(crate) async fn end(store: &RedisStore, invalidate: Invalidate) -> usize {
    match store.invalidate(&invalidate).await.unwrap() {
        Invalidated::Done(ended) => ended.len(),
        Invalidated::Superseded => panic!("superseded"),
    }
}

pub(crate) async fn handles_of(store: &RedisStore, who: &str) -> Vec<Handle> {
    store.sessions_of(&principal(who)).await.unwrap().into_iter().map(|info| info.handle).collect()
}

/// Creates a session with one attribute that ends soon.
pub(crate) async fn brief(store: &RedisStore, interval: Duration) -> Ticket {
    let ticket = Ticket::generate().unwrap();
    let mut creating = create(ticket.guard(), vec![set("a", "1")]);
    creating.changes.max_inactive_interval = Some(interval);
    commit(store, &creating).await;
    ticket
}
