//! How many sessions a principal may have.

use std::sync::Arc;

use cloakroom_core::AtLimit::{EndOldest, Refuse};
use cloakroom_core::{AtLimit, EndReason, Gone, Handle, Limit, Outcome, Store, Ticket, TicketFate};

use crate::Harness;
use crate::support::*;

/// Creates sessions of a principal, the oldest first.
async fn sessions<H: Harness>(harness: &H, store: &H::Store, who: &str, count: usize) -> Vec<Ticket> {
    let mut tickets = Vec::new();
    for _ in 0..count {
        let ticket = ticket();
        committed(create(&ticket).bound_to(who).set("b", "1").set("a", "1").on(store).await);
        tickets.push(ticket);
        a_moment(harness).await;
    }
    tickets
}

async fn anonymous(store: &impl Store) -> Ticket {
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(store).await);
    ticket
}

/// As many sign-ins as allowed end nothing.
pub async fn as_many_as_allowed_end_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for at_limit in [Refuse, EndOldest] {
        let who = format!("{at_limit:?}");
        for _ in 0..3 {
            let draft = create(&ticket()).bound_within(&who, 3, at_limit);
            assert!(committed(draft.on(&store).await).ended.is_empty());
        }
        assert_eq!(handles_of(&store, &who).await.len(), 3);
    }
}

/// One sign-in too many is refused as over a limit, and stores nothing.
pub async fn one_too_many_is_refused<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let held = sessions(harness, &store, "ann", 2).await;
    let ticket = anonymous(&store).await;
    let next = other_ticket(&ticket);
    let draft = change(&ticket).set("a", "2").sign_in_within(&next, "ann", (2, Refuse));
    assert_over(draft.on(&store).await, Limit::SessionsOfPrincipal, 2);
    let opened = look(&store, &ticket).await;
    assert_value(&opened, "a", "1");
    assert_eq!(opened.meta.principal, None);
    assert_absent(peek(&store, &next).await);
    assert_eq!(handles_of(&store, "ann").await, held.iter().map(Ticket::handle).collect::<Vec<_>>());
}

/// One sign-in too many that would create its session is refused, and creates none.
pub async fn one_too_many_creates_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    sessions(harness, &store, "ann", 2).await;
    let ticket = ticket();
    let draft = create(&ticket).bound_within("ann", 2, Refuse);
    assert_over(draft.on(&store).await, Limit::SessionsOfPrincipal, 2);
    assert_absent(peek(&store, &ticket).await);
    committed(create(&ticket).bound_to("bob").on(&store).await);
}

/// One sign-in too many ends the session signed in to the longest ago, and tells of it.
pub async fn one_too_many_ends_the_oldest<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let held = sessions(harness, &store, "ann", 3).await;
    let ticket = anonymous(&store).await;
    let next = other_ticket(&ticket);
    let draft = change(&ticket).sign_in_within(&next, "ann", (3, EndOldest));
    let answer = committed(draft.on(&store).await);
    assert_eq!(handles(&answer.ended), [held[0].handle()]);
    let ended = &answer.ended[0];
    assert_eq!(ended.principal, Some(principal("ann")));
    assert_eq!(texts(&ended.names), ["a", "b"]);
    assert_eq!(ended.reason, EndReason::Invalidated);
    assert_absent(peek(&store, &held[0]).await);
    assert_gone(change(&held[0]).set("a", "2").on(&store).await, Gone::Absent);
    let expected = [held[1].handle(), held[2].handle(), next.handle()];
    assert_eq!(handles_of(&store, "ann").await, expected);
}

/// One sign-in too many that creates its session ends the oldest as well.
pub async fn a_create_too_many_ends_the_oldest<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let held = sessions(harness, &store, "ann", 2).await;
    let ticket = ticket();
    let draft = create(&ticket).bound_within("ann", 2, EndOldest);
    let answer = committed(draft.on(&store).await);
    assert_eq!(handles(&answer.ended), [held[0].handle()]);
    let expected = [held[1].handle(), ticket.handle()];
    assert_eq!(handles_of(&store, "ann").await, expected);
}

/// The oldest is the one signed in to the longest ago, not the one created first or used last.
pub async fn the_oldest_is_the_oldest_sign_in<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let created_first = anonymous(&store).await;
    a_moment(harness).await;
    let held = sessions(harness, &store, "ann", 1).await;
    let signed_in_last = other_ticket(&created_first);
    let draft = change(&created_first).sign_in(&signed_in_last, "ann", LONG);
    committed(draft.on(&store).await);
    a_moment(harness).await;
    opened(visit(&store, &held[0]).await);
    let draft = create(&ticket()).bound_within("ann", 2, EndOldest);
    let answer = committed(draft.on(&store).await);
    assert_eq!(handles(&answer.ended), [held[0].handle()]);
}

/// Where fewer are allowed than there are, a sign-in ends as many as it must.
pub async fn a_lower_limit_ends_several<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let held = sessions(harness, &store, "ann", 4).await;
    let ticket = ticket();
    let draft = create(&ticket).bound_within("ann", 2, EndOldest);
    let answer = committed(draft.on(&store).await);
    assert_eq!(handles(&answer.ended), sorted(held[..3].iter().map(Ticket::handle)));
    let expected = [held[3].handle(), ticket.handle()];
    assert_eq!(handles_of(&store, "ann").await, expected);
}

/// A session that is signed in to again does not count against itself.
pub async fn a_session_does_not_count_against_itself<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for at_limit in [Refuse, EndOldest] {
        let who = format!("{at_limit:?}");
        let held = sessions(harness, &store, &who, 1).await;
        let next = other_ticket(&held[0]);
        let draft = change(&held[0]).sign_in_within(&next, &who, (1, at_limit));
        let answer = committed(draft.on(&store).await);
        assert_eq!(answer.ticket, TicketFate::Changed);
        assert!(answer.ended.is_empty());
        assert_eq!(handles_of(&store, &who).await, [next.handle()]);
    }
}

/// A late sign-in that finds its principal signed in already is not one more session.
pub async fn a_late_sign_in_is_not_one_more<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for at_limit in [Refuse, EndOldest] {
        let who = format!("{at_limit:?}");
        let before = anonymous(&store).await;
        let after = other_ticket(&before);
        let draft = change(&before).sign_in_within(&after, &who, (1, at_limit));
        committed(draft.on(&store).await);
        let late = change(&before).sign_in_within(&other_ticket(&before), &who, (1, at_limit));
        let answer = committed(late.on(&store).await);
        assert_eq!(answer.ticket, TicketFate::AlreadySignedIn);
        assert!(answer.ended.is_empty());
        assert_eq!(handles_of(&store, &who).await, [after.handle()]);
    }
}

/// Sessions that have ended do not count: neither expired nor invalidated ones, nor those bound to another since.
pub async fn ended_sessions_do_not_count<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let draft = create(&ticket()).interval(unit).bound_to("ann");
    committed(draft.on(&store).await);
    let held = sessions(harness, &store, "ann", 2).await;
    end(&store, &held[0]).await;
    let draft = change(&held[1]).sign_in(&other_ticket(&held[1]), "bob", LONG);
    committed(draft.on(&store).await);
    harness.advance(unit * 2).await;
    let draft = create(&ticket()).bound_within("ann", 1, Refuse);
    assert!(committed(draft.on(&store).await).ended.is_empty());
}

/// Sessions of other principals neither count nor end.
pub async fn other_principals_do_not_count<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let theirs = sessions(harness, &store, "bob", 3).await;
    anonymous(&store).await;
    for at_limit in [Refuse, EndOldest] {
        let who = format!("{at_limit:?}");
        let draft = create(&ticket()).bound_within(&who, 1, at_limit);
        assert!(committed(draft.on(&store).await).ended.is_empty());
    }
    assert_eq!(handles_of(&store, "bob").await.len(), theirs.len());
}

/// However many sign in at once, a principal has never more sessions than allowed, and the rest is refused.
pub async fn a_race_of_sign_ins_never_exceeds_and_refuses_the_rest<H: Harness>(harness: &H) {
    let refused = race(harness, Refuse).await.into_iter().filter(|ended| ended.is_none());
    assert_eq!(refused.count(), RACERS - 3, "as many sign-ins succeed as are allowed");
}

/// However many sign in at once, a principal has never more sessions than allowed, and each other ends just once.
pub async fn a_race_of_sign_ins_never_exceeds_and_ends_the_oldest<H: Harness>(harness: &H) {
    let ended = race(harness, EndOldest).await.into_iter();
    let ended = sorted(ended.flat_map(|ended| ended.expect("no sign-in is refused")));
    assert_eq!(ended.len(), RACERS - 3, "each session ends once: {ended:?}");
}

const RACERS: usize = 12;

/// Lets many sessions be signed in to at once, three of which may live, and returns what each ended; `None` where it was
/// refused.
async fn race<H: Harness>(harness: &H, at_limit: AtLimit) -> Vec<Option<Vec<Handle>>> {
    let nodes = [node(harness).await, node(harness).await];
    let results = at_once(RACERS, |number| {
        let store = Arc::clone(&nodes[number % 2]);
        async move {
            let before = anonymous(&store).await;
            let draft = change(&before).sign_in_within(&other_ticket(&before), "ann", (3, at_limit));
            let result = match draft.on(&store).await {
                Outcome::OverLimit(_) => None,
                outcome => Some(handles(&committed(outcome).ended)),
            };
            let seen = handles_of(&store, "ann").await.len();
            assert!(seen <= 3, "{seen} sessions at a time, though 3 are allowed");
            result
        }
    });
    let results = soon("a race of sign-ins", results).await;
    assert_eq!(handles_of(&nodes[0], "ann").await.len(), 3);
    results
}
