//! Operations whose future is dropped midway: whole or not at all, and no lock is left behind.

use std::time::Duration;

use cloakroom_core::{Loaded, Select, Store, Sweep, Ticket, TicketFate, Touch, Version};

use crate::Harness;
use crate::support::*;

/// After how many polls at most an operation is dropped. One that is over sooner ends its case.
const POLLS: usize = 24;

async fn session(store: &impl Store) -> Ticket {
    let ticket = ticket();
    committed(create(&ticket).set("a", "old").set("b", "old").on(store).await);
    ticket
}

/// Asserts that the session can be changed, which it could not be if a lock were left behind.
async fn assert_unlocked(store: &impl Store, ticket: &Ticket) {
    let draft = change(ticket).set("after", "1");
    committed(soon("a commit after one that was dropped", draft.on(store)).await);
}

/// A change that is dropped is applied whole, or not at all.
pub async fn a_dropped_change_is_whole_or_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for polls in 1..=POLLS {
        let ticket = session(&store).await;
        let draft = change(&ticket).set("a", "new").set("b", "new").set("c", "new");
        let answer = soon("a commit", drop_after(polls, store.commit(draft.commit()))).await;
        let opened = soon("a load", look(&store, &ticket)).await;
        let is_new = opened.meta.version == Version(2);
        let value = if is_new { "new" } else { "old" };
        assert_value(&opened, "a", value);
        assert_value(&opened, "b", value);
        assert_eq!(opened.attributes.len(), if is_new { 3 } else { 2 });
        assert_unlocked(&store, &ticket).await;
        if answer.is_some() {
            return assert!(is_new, "it was answered");
        }
    }
}

/// A change that was dropped can be tried again under its id, and is then applied once.
pub async fn a_dropped_change_can_be_tried_again<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for polls in 1..=POLLS {
        let ticket = session(&store).await;
        let draft = change(&ticket).set("a", "new").clear();
        let answer = soon("a commit", drop_after(polls, store.commit(draft.commit()))).await;
        let again = committed(soon("the same commit", draft.on(&store)).await);
        assert_eq!(again.version, Version(2));
        assert_eq!(contents(&look(&store, &ticket).await), [("a", &b"new"[..])]);
        if answer.is_some() {
            return;
        }
    }
}

/// A create that is dropped creates the whole session, or none; tried again under its id it is created once.
pub async fn a_dropped_create_is_whole_or_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for polls in 1..=POLLS {
        let ticket = ticket();
        let draft = create(&ticket).bound_to("ann").set("a", "new").set("b", "new");
        let answer = soon("a create", drop_after(polls, store.commit(draft.commit()))).await;
        if let Loaded::Open(opened) = soon("a load", peek(&store, &ticket)).await {
            assert_eq!(opened.attributes.len(), 2);
            assert_eq!(opened.meta.principal, Some(principal("ann")));
        }
        let again = committed(soon("the same create", draft.on(&store)).await);
        assert_eq!(again.version, Version(1));
        assert!(handles_of(&store, "ann").await.contains(&ticket.handle()));
        assert_unlocked(&store, &ticket).await;
        if answer.is_some() {
            return;
        }
    }
}

/// A renewal that is dropped, and tried again under its id, changes the ticket once.
pub async fn a_dropped_renewal_can_be_tried_again<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for polls in 1..=POLLS {
        let ticket = session(&store).await;
        let renewal = renewal(&ticket);
        let draft = change(&ticket).renew(&renewal, LONG);
        let answer = soon("a renewal", drop_after(polls, store.commit(draft.commit()))).await;
        let again = committed(soon("the same renewal", draft.on(&store)).await);
        assert_eq!((again.version, again.ticket), (Version(2), TicketFate::Changed));
        look(&store, &ticket).await;
        assert_unlocked(&store, &renewal.next).await;
        if answer.is_some() {
            return;
        }
    }
}

/// A sign-in that is dropped, and tried again under its id, signs in once.
pub async fn a_dropped_sign_in_can_be_tried_again<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for polls in 1..=POLLS {
        let before = session(&store).await;
        let after = other_ticket(&before);
        let draft = change(&before).sign_in(&after, "ann", LONG);
        let answer = soon("a sign-in", drop_after(polls, store.commit(draft.commit()))).await;
        let again = committed(soon("the same sign-in", draft.on(&store)).await);
        assert_eq!((again.version, again.ticket), (Version(2), TicketFate::Changed));
        assert_superseded(peek(&store, &before).await);
        assert!(handles_of(&store, "ann").await.contains(&after.handle()));
        assert_unlocked(&store, &after).await;
        if answer.is_some() {
            return;
        }
    }
}

/// An invalidation that is dropped ends the whole session, or leaves it; tried again it is a success.
pub async fn a_dropped_invalidation_is_whole_or_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for polls in 1..=POLLS {
        let ticket = session(&store).await;
        let request = by_ticket(&ticket);
        let answer = soon("an invalidation", drop_after(polls, store.invalidate(&request))).await;
        if let Loaded::Open(opened) = soon("a load", peek(&store, &ticket)).await {
            assert_eq!(opened.attributes.len(), 2);
            assert!(answer.is_none(), "it was answered");
        }
        done(soon("the same invalidation", invalidate(&store, request)).await);
        assert_absent(peek(&store, &ticket).await);
        committed(soon("a create", create(&ticket).on(&store)).await);
        if answer.is_some() {
            return;
        }
    }
}

/// An access that is dropped harms nothing.
pub async fn a_dropped_access_harms_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for polls in 1..=POLLS {
        let ticket = session(&store).await;
        a_moment(harness).await;
        let access = load(&store, &ticket, everything(), Touch::AtMostEvery(Duration::ZERO));
        let answer = soon("a load", drop_after(polls, access)).await;
        let opened = soon("a load", look(&store, &ticket)).await;
        assert_eq!(contents(&opened), [("a", &b"old"[..]), ("b", b"old")]);
        assert_unlocked(&store, &ticket).await;
        if answer.is_some() {
            return;
        }
    }
}

/// A sweep with a lease that is dropped loses nothing: when the lease is over, all is handed out again.
pub async fn a_dropped_sweep_loses_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let tickets: Vec<_> = (0..4).map(|_| ticket()).collect();
    for ticket in &tickets {
        committed(create(ticket).interval(unit).set("a", "1").on(&store).await);
    }
    harness.advance(unit * 2).await;
    let request = Sweep { limit: 100, lease: Some(unit), select: Select::default() };
    for polls in 1..=POLLS {
        let answer = soon("a sweep", drop_after(polls, store.sweep(&request))).await;
        if answer.is_some() {
            break;
        }
    }
    harness.advance(unit * 2).await;
    let ended = soon("a sweep", sweep_up(harness, &store, 4, None)).await;
    assert_eq!(handles(&ended), sorted(tickets.iter().map(Ticket::handle)));
}
