//! What counts as an access, and is recorded.

use cloakroom_core::{Conflict, Expect, Select, Store, Ticket, Timestamp, Touch};

use crate::Harness;
use crate::cases::expiry::session;
use crate::support::*;

async fn accessed_at(store: &impl Store, ticket: &Ticket) -> Timestamp {
    look(store, ticket).await.meta.accessed_at
}

/// Reading is an access: it starts the interval anew.
pub async fn a_load_extends_the_session<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, unit * 3).await;
    for _ in 0..3 {
        harness.advance(unit * 2).await;
        let now = opened(visit(&store, &ticket).await).now;
        assert_eq!(accessed_at(&store, &ticket).await, now);
    }
}

/// Every commit is an access: it starts the interval anew.
pub async fn a_commit_extends_the_session<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, unit * 3).await;
    for draft in [change(&ticket).set("a", "2"), change(&ticket), change(&ticket).remove("a")] {
        harness.advance(unit * 2).await;
        let now = committed(draft.on(&store).await).now;
        assert_eq!(accessed_at(&store, &ticket).await, now);
    }
}

/// A load that is told not to touch is no access.
pub async fn a_load_without_touch_extends_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, unit * 3).await;
    let created = accessed_at(&store, &ticket).await;
    harness.advance(unit * 2).await;
    assert_eq!(accessed_at(&store, &ticket).await, created);
    harness.advance(unit * 2).await;
    assert_absent(peek(&store, &ticket).await);
}

/// A look-up by principal is no access.
pub async fn a_list_extends_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let created = committed(create(&ticket).bound_to("ann").on(&store).await).now;
    harness.advance(harness.unit()).await;
    assert_eq!(sessions_of(&store, "ann").await[0].accessed_at, created);
    assert_eq!(accessed_at(&store, &ticket).await, created);
}

/// A commit that is refused is no access.
pub async fn a_refused_commit_extends_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store, LONG).await;
    let created = accessed_at(&store, &ticket).await;
    harness.advance(harness.unit()).await;
    let draft = change(&ticket).set("a", "2").expecting(Expect::Absent);
    let refused = draft.on(&store).await;
    assert_conflict(refused, &Conflict::Attribute(name("a")));
    assert_eq!(accessed_at(&store, &ticket).await, created);
}

/// An access within the throttle is not recorded.
pub async fn an_access_within_the_throttle_is_not_recorded<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, LONG).await;
    let created = accessed_at(&store, &ticket).await;
    harness.advance(unit).await;
    let touch = Touch::AtMostEvery(unit * 100);
    opened(load(&store, &ticket, Select::default(), touch).await);
    assert_eq!(accessed_at(&store, &ticket).await, created);
}

/// An access is recorded once the last recorded one is as old as the throttle.
pub async fn an_access_after_the_throttle_is_recorded<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, LONG).await;
    let touch = Touch::AtMostEvery(unit * 2);
    for _ in 0..2 {
        harness.advance(unit * 2).await;
        let now = opened(load(&store, &ticket, Select::default(), touch).await).now;
        assert_eq!(accessed_at(&store, &ticket).await, now);
    }
}

/// Whatever throttle is asked for, an access is recorded when a tenth of the session's own interval has passed.
pub async fn the_throttle_is_at_most_a_tenth_of_the_interval<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let short = session(&store, unit * 10).await;
    let shortened = session(&store, LONG).await;
    committed(change(&shortened).interval(unit * 10).on(&store).await);
    harness.advance(unit).await;
    for ticket in [&short, &shortened] {
        let now = opened(load(&store, ticket, Select::default(), Touch::AtMostEvery(LONG)).await).now;
        assert_eq!(accessed_at(&store, ticket).await, now);
    }
}
