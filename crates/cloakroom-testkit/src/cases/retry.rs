//! Commits that are tried again under the same id, because their answer was lost.

use std::sync::Arc;

use cloakroom_core::{AtLimit, Committed, Expect, Gone, Limits, Outcome, Store, Ticket, TicketFate, Version};

use crate::Harness;
use crate::support::*;

async fn session(store: &impl Store) -> Ticket {
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(store).await);
    ticket
}

/// Commits twice, and returns both answers, which must be the same.
async fn twice(store: &impl Store, draft: &Draft) -> Committed {
    let first = committed(draft.on(store).await);
    let second = committed(draft.on(store).await);
    assert_eq!((second.version, second.ticket), (first.version, first.ticket));
    first
}

/// A change that is tried again gets the first answer, and is not applied twice.
pub async fn a_change_is_applied_once<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    assert_eq!(twice(&store, &change(&ticket).set("a", "2")).await.version, Version(2));
    let opened = look(&store, &ticket).await;
    assert_eq!(opened.meta.version, Version(2));
    assert_eq!(attribute(&opened, "a").map(|it| it.revision), Some(Version(2)));
}

/// A create that is tried again gets the first answer, and is not Taken.
pub async fn a_create_is_applied_once<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let draft = create(&ticket).bound_to("ann").set("a", "1");
    assert_eq!(twice(&store, &draft).await.version, Version(1));
    assert_eq!(look(&store, &ticket).await.meta.version, Version(1));
    assert_eq!(handles_of(&store, "ann").await, [ticket.handle()]);
    assert_taken(draft.anew().on(&store).await);
}

/// A renewal that is tried again with the ticket that asked gets the first answer: it changed the ticket.
pub async fn a_renewal_is_applied_once<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let renewal = renewal(&ticket);
    let answer = twice(&store, &change(&ticket).renew(&renewal, LONG)).await;
    assert_eq!(answer.ticket, TicketFate::Changed);
    let opened = look(&store, &renewal.next).await;
    assert_eq!(opened.meta.version, Version(2));
    look(&store, &ticket).await;
}

/// A renewal that came second gets the same answer when it is tried again.
pub async fn a_second_renewal_gets_the_same_answer_again<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let first = renewal(&ticket);
    committed(change(&ticket).renew(&first, LONG).on(&store).await);
    let second = change(&ticket).renew(&renewal(&ticket), LONG).set("a", "2");
    let answer = twice(&store, &second).await;
    assert_eq!(answer.ticket, TicketFate::AlreadyRenewed(Some(first.seed)));
    assert_eq!(look(&store, &ticket).await.meta.version, Version(3));
}

/// A sign-in that is tried again with the ticket that asked gets the first answer, though that ticket opens nothing now.
pub async fn a_sign_in_is_applied_once<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let before = session(&store).await;
    let after = other_ticket(&before);
    let answer = twice(&store, &change(&before).sign_in(&after, "ann", LONG)).await;
    assert_eq!(answer.ticket, TicketFate::Changed);
    assert_eq!(look(&store, &after).await.meta.version, Version(2));
    assert_eq!(handles_of(&store, "ann").await, [before.handle()]);
    assert_superseded(peek(&store, &before).await);
}

/// A sign-in that ended the oldest session ends no further one when it is tried again.
pub async fn a_sign_in_ends_the_oldest_once<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for _ in 0..3 {
        committed(create(&ticket()).bound_to("ann").on(&store).await);
        a_moment(harness).await;
    }
    let at_limit = AtLimit::EndOldest;
    let draft = create(&ticket()).bound_within("ann", 3, at_limit);
    twice(&store, &draft).await;
    assert_eq!(handles_of(&store, "ann").await.len(), 3);
    let before = session(&store).await;
    let draft = change(&before).sign_in_within(&other_ticket(&before), "ann", (3, at_limit));
    twice(&store, &draft).await;
    assert_eq!(handles_of(&store, "ann").await.len(), 3);
}

/// The first answer is kept while a few other commits follow.
pub async fn the_first_answer_outlasts_a_few_others<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let draft = change(&ticket).set("a", "2").set("b", "2");
    committed(draft.on(&store).await);
    for value in ["3", "4", "5"] {
        committed(change(&ticket).set("a", value).remove("b").on(&store).await);
    }
    let again = committed(draft.on(&store).await);
    assert_eq!(again.version, Version(2));
    let opened = look(&store, &ticket).await;
    assert_eq!(opened.meta.version, Version(5));
    assert_eq!(contents(&opened), [("a", &b"5"[..])]);
}

/// Another node knows the first answer too.
pub async fn every_node_knows_the_first_answer<H: Harness>(harness: &H) {
    let (here, there) = (harness.store().await, harness.store().await);
    let ticket = session(&here).await;
    let draft = change(&ticket).set("a", "2");
    committed(draft.on(&here).await);
    assert_eq!(committed(draft.on(&there).await).version, Version(2));
    assert_eq!(look(&here, &ticket).await.meta.version, Version(2));
}

/// The first answer comes before anything else: no expectation and no limit is looked at again.
pub async fn the_first_answer_comes_before_anything_else<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let draft = change(&ticket).set("b", "1").expecting(Expect::Absent);
    twice(&store, &draft).await;
    let draft = change(&ticket).set("a", "2").expecting(Expect::Revision(Version(1)));
    twice(&store, &draft).await;
    let draft = change(&ticket).set("c", "1");
    let first = committed(draft.on(&store).await);
    let none = Limits { attributes: 0, ..Limits::default() };
    let again = committed(draft.limits(none).on(&store).await);
    assert_eq!(again.version, first.version);
}

/// The same change under another id is another commit.
pub async fn another_id_is_another_commit<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let draft = change(&ticket).set("a", "2");
    assert_eq!(committed(draft.on(&store).await).version, Version(2));
    assert_eq!(committed(draft.clone().anew().on(&store).await).version, Version(3));
}

/// A commit that was refused is not remembered: tried again, it is decided on anew.
pub async fn a_refused_commit_is_decided_on_anew<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let draft = change(&ticket).set("a", "2").expecting(Expect::Absent);
    let outcome = draft.on(&store).await;
    assert!(matches!(outcome, Outcome::Conflict(_)), "{outcome:?}");
    committed(change(&ticket).remove("a").on(&store).await);
    assert_eq!(committed(draft.on(&store).await).version, Version(3));
}

/// A commit that is tried again after the session was invalidated is Gone: nothing of it is kept.
pub async fn after_an_invalidation_nothing_is_remembered<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let draft = change(&ticket).set("a", "2");
    committed(draft.on(&store).await);
    end(&store, &ticket).await;
    assert_gone(draft.on(&store).await, Gone::Absent);
    assert_absent(peek(&store, &ticket).await);
}

/// A commit that is tried again while the first try is still under way is applied once.
pub async fn tries_at_the_same_time_are_applied_once<H: Harness>(harness: &H) {
    let nodes = [node(harness).await, node(harness).await];
    let existing = session(&nodes[0]).await;
    let new = ticket();
    for (ticket, draft) in [(existing, change(&existing).set("a", "2")), (new, create(&new).set("a", "2"))] {
        let tries = at_once(6, |number| {
            let (store, draft) = (Arc::clone(&nodes[number % 2]), draft.clone());
            async move { committed(draft.on(&store).await).version }
        });
        let versions = soon("tries at the same time", tries).await;
        let version = look(&nodes[0], &ticket).await.meta.version;
        assert_eq!(versions, [version; 6]);
        assert!(version <= Version(2), "applied more than once: {version:?}");
    }
}
