//! When a session ends: the one rule, and what counts as an access.

use std::time::Duration;

use cloakroom_core::{Gone, Loaded, MAX_INTERVAL, MIN_INTERVAL, Store, Ticket, Timestamp};

use crate::Harness;
use crate::support::*;

/// Creates a session that lives `interval` without an access.
pub(super) async fn session(store: &impl Store, interval: Duration) -> Ticket {
    let ticket = ticket();
    let draft = create(&ticket).interval(interval).set("a", "1");
    committed(draft.on(store).await);
    ticket
}

/// A session is live until its interval is over, and then absent.
pub async fn a_session_ends_when_its_interval_is_over<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, unit * 3).await;
    harness.advance(unit).await;
    look(&store, &ticket).await;
    harness.advance(unit * 3).await;
    assert_absent(peek(&store, &ticket).await);
    assert_absent(visit(&store, &ticket).await);
}

/// A session is never open at its deadline or later: the deadline itself is too late.
pub async fn a_session_is_not_open_at_its_deadline<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let created = committed(create(&ticket).interval(unit).on(&store).await).now;
    open_until(harness, &ticket, created.plus(unit)).await;
}

/// A session is never open when its lifetime is over or later, though its interval goes on.
pub async fn a_session_is_not_open_at_the_end_of_its_lifetime<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).interval(unit * 4).lifetime(unit);
    let created = committed(draft.on(&store).await).now;
    open_until(harness, &ticket, created.plus(unit)).await;
}

/// Asks again and again until the session is absent; each answer before must be from before the deadline.
async fn open_until<H: Harness>(harness: &H, ticket: &Ticket, deadline: Timestamp) {
    let store = harness.store().await;
    let step = harness.unit() / 10;
    let mut last = None;
    for _ in 0..20 {
        match peek(&store, ticket).await {
            Loaded::Open(opened) => last = Some(opened.now),
            other => {
                assert_absent(other);
                break;
            }
        }
        harness.advance(step).await;
    }
    let last = last.expect("the session was open at first");
    assert!(last < deadline, "open at {last}, but the deadline was {deadline}");
    if harness.is_exact() {
        assert_eq!(last.plus(step), deadline, "it must be absent at the deadline");
    }
}

/// The last millisecond before the deadline is in time.
pub async fn the_last_millisecond_is_in_time<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, unit * 2).await;
    let early = if harness.is_exact() { Duration::from_millis(1) } else { unit };
    harness.advance(unit * 2 - early).await;
    committed(change(&ticket).set("a", "2").on(&store).await);
    harness.advance(unit * 2 - early).await;
    opened(visit(&store, &ticket).await);
    harness.advance(unit * 2 - early).await;
    look(&store, &ticket).await;
    harness.advance(early).await;
    assert_absent(peek(&store, &ticket).await);
}

/// What has expired behaves as absent to every operation, and none brings it back.
pub async fn the_expired_is_absent_to_every_operation<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).interval(unit).bound_to("ann").set("a", "1");
    committed(draft.on(&store).await);
    harness.advance(unit * 2).await;
    let (next, renewal) = (other_ticket(&ticket), renewal(&ticket));
    let drafts = [
        change(&ticket),
        change(&ticket).set("a", "2").interval(LONG),
        change(&ticket).renew(&renewal, LONG),
        change(&ticket).sign_in(&next, "ann", LONG),
    ];
    for draft in drafts {
        assert_absent(visit(&store, &ticket).await);
        assert_gone(draft.on(&store).await, Gone::Absent);
    }
    for ticket in [ticket, next, renewal.next] {
        assert_absent(peek(&store, &ticket).await);
    }
    assert!(sessions_of(&store, "ann").await.is_empty());
}

/// A lifetime ends the session whatever the activity, and the metadata tells when.
pub async fn a_lifetime_ends_the_session_whatever_the_activity<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).interval(unit * 3).lifetime(unit * 6);
    let created = committed(draft.on(&store).await).now;
    harness.advance(unit * 2).await;
    opened(visit(&store, &ticket).await);
    harness.advance(unit * 2).await;
    committed(change(&ticket).set("a", "2").interval(LONG).on(&store).await);
    let meta = look(&store, &ticket).await.meta;
    assert_eq!(meta.ends_at, Some(created.plus(unit * 6)));
    harness.advance(unit * 3).await;
    assert_absent(peek(&store, &ticket).await);
    assert_gone(change(&ticket).on(&store).await, Gone::Absent);
}

/// Neither a renewal nor a sign-in prolongs the lifetime.
pub async fn a_new_ticket_prolongs_no_lifetime<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    committed(create(&ticket).lifetime(unit * 3).on(&store).await);
    harness.advance(unit).await;
    let renewal = renewal(&ticket);
    committed(change(&ticket).renew(&renewal, LONG).on(&store).await);
    let next = other_ticket(&ticket);
    let draft = change(&renewal.next).sign_in(&next, "ann", LONG);
    committed(draft.on(&store).await);
    look(&store, &next).await;
    harness.advance(unit * 3).await;
    assert_absent(peek(&store, &next).await);
}

/// A session's own interval can be made longer, and later commits keep it.
pub async fn an_interval_can_be_lengthened<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, unit * 2).await;
    let other = session(&store, unit * 2).await;
    committed(change(&ticket).interval(unit * 6).on(&store).await);
    committed(change(&ticket).set("a", "2").on(&store).await);
    harness.advance(unit * 3).await;
    assert_eq!(look(&store, &ticket).await.meta.max_inactive_interval, unit * 6);
    assert_absent(peek(&store, &other).await);
    harness.advance(unit * 4).await;
    assert_absent(peek(&store, &ticket).await);
}

/// A session's own interval can be made shorter.
pub async fn an_interval_can_be_shortened<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, LONG).await;
    let other = session(&store, LONG).await;
    committed(change(&ticket).interval(unit * 2).on(&store).await);
    harness.advance(unit).await;
    look(&store, &ticket).await;
    harness.advance(unit * 2).await;
    assert_absent(peek(&store, &ticket).await);
    look(&store, &other).await;
}

/// The shortest terms and the longest are kept as they were agreed on.
pub async fn the_shortest_and_the_longest_terms_hold<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (short, long) = (session(&store, MIN_INTERVAL).await, ticket());
    let draft = create(&long).interval(MAX_INTERVAL).lifetime(MAX_INTERVAL);
    let created = committed(draft.set_for(MAX_INTERVAL, "a", "1").on(&store).await).now;
    harness.advance(harness.unit()).await;
    assert_absent(peek(&store, &short).await);
    let opened = look(&store, &long).await;
    let end = created.plus(MAX_INTERVAL);
    assert_eq!(opened.meta.max_inactive_interval, MAX_INTERVAL);
    assert_eq!(opened.meta.ends_at, Some(end));
    assert_eq!(opened.attributes[0].lapses_at, Some(end));
}

/// Sessions with different intervals end each at its own time.
pub async fn every_session_has_an_interval_of_its_own<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let (short, long) = (session(&store, unit).await, session(&store, unit * 4).await);
    harness.advance(unit * 2).await;
    assert_absent(peek(&store, &short).await);
    look(&store, &long).await;
    harness.advance(unit * 3).await;
    assert_absent(peek(&store, &long).await);
}
