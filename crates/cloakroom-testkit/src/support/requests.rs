use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{
    Ended, Freshness, Guard, Handle, Invalidate, Invalidated, Load, Loaded, Opened, Select, SessionInfo,
    Store, Sweep, Ticket, Touch, Wanted,
};

use super::{done, name, opened, principal};
use crate::Harness;

/// Opens the store, as one more node.
pub(crate) async fn node<H: Harness>(harness: &H) -> Arc<H::Store> {
    Arc::new(harness.store().await)
}

/// Lets the clock show another time.
pub(crate) async fn a_moment<H: Harness>(harness: &H) {
    harness.advance(Duration::from_millis(5)).await;
}

/// Loads, and expects an answer.
pub(crate) async fn load(store: &impl Store, ticket: &Ticket, select: Select, touch: Touch) -> Loaded {
    let guard = ticket.guard();
    let load = Load { guard, select, touch, freshness: Freshness::Any };
    store.load(&load).await.expect("load: the store must answer")
}

/// Loads everything, without an access.
pub(crate) async fn peek(store: &impl Store, ticket: &Ticket) -> Loaded {
    load(store, ticket, everything(), Touch::Never).await
}

/// Loads everything of a session that must be open, without an access.
pub(crate) async fn look(store: &impl Store, ticket: &Ticket) -> Opened {
    opened(peek(store, ticket).await)
}

/// Loads nothing but the metadata, as an access that is not throttled.
pub(crate) async fn visit(store: &impl Store, ticket: &Ticket) -> Loaded {
    load(store, ticket, Select::default(), Touch::AtMostEvery(Duration::ZERO)).await
}

pub(crate) fn everything() -> Select {
    Select { values: Wanted::Everything, names: true }
}

pub(crate) fn named(names: &[&str]) -> Select {
    let names = names.iter().map(|text| name(text)).collect();
    Select { values: Wanted::Named(names), names: false }
}

/// Invalidates, and expects an answer.
pub(crate) async fn invalidate(store: &impl Store, which: Invalidate) -> Invalidated {
    let answer = store.invalidate(&which).await;
    answer.expect("invalidate: the store must answer")
}

/// Ends the session that this ticket opens.
pub(crate) async fn end(store: &impl Store, ticket: &Ticket) -> Vec<Ended> {
    done(invalidate(store, by_ticket(ticket)).await)
}

pub(crate) fn by_ticket(ticket: &Ticket) -> Invalidate {
    let guard: Guard = ticket.guard();
    Invalidate::Ticket(guard)
}

pub(crate) fn by_handle(handle: Handle, owner: Option<&str>) -> Invalidate {
    let owner = owner.map(principal);
    Invalidate::Handle { handle, owner }
}

pub(crate) fn by_principal(who: &str, except: Option<Handle>) -> Invalidate {
    let principal = principal(who);
    Invalidate::Principal { principal, except }
}

/// Lists the live sessions of a principal.
pub(crate) async fn sessions_of(store: &impl Store, who: &str) -> Vec<SessionInfo> {
    let answer = store.sessions_of(&principal(who)).await;
    answer.expect("sessions_of: the store must answer")
}

/// Lists the handles of a principal's live sessions, in the store's order.
pub(crate) async fn handles_of(store: &impl Store, who: &str) -> Vec<Handle> {
    let sessions = sessions_of(store, who).await;
    sessions.into_iter().map(|session| session.handle).collect()
}

/// Sweeps once.
pub(crate) async fn sweep(store: &impl Store, limit: u32, lease: Option<Duration>) -> Vec<Ended> {
    let sweep = Sweep { limit, lease, select: Select::default() };
    let ended = store.sweep(&sweep).await.expect("sweep: the store must answer");
    assert!(ended.len() <= limit as usize, "a sweep handed out more than its limit");
    ended
}

/// Sweeps until `count` sessions were handed out: a sweep is best effort as to when.
pub(crate) async fn sweep_up<H: Harness>(
    harness: &H,
    store: &H::Store,
    count: usize,
    lease: Option<Duration>,
) -> Vec<Ended> {
    let mut ended = sweep(store, 1000, lease).await;
    for _ in 0..10 {
        if ended.len() >= count {
            break;
        }
        harness.advance(harness.unit() / 10).await;
        ended.extend(sweep(store, 1000, lease).await);
    }
    assert_eq!(ended.len(), count, "sessions handed out: {ended:?}");
    ended
}

/// Acknowledges, and expects an answer.
pub(crate) async fn acknowledge(store: &impl Store, handles: &[Handle]) {
    let answer = store.acknowledge(handles).await;
    answer.expect("acknowledge: the store must answer");
}
