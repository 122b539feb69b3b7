//! A renewal of the ticket: the one before stays valid for the grace.

use std::time::Duration;

use cloakroom_core::{Conflict, Expect, Gone, Select, Standing, Store, Ticket, TicketFate, Touch, Version};

use crate::Harness;
use crate::support::*;

/// Creates a session with a principal and an attribute.
async fn session(store: &impl Store) -> Ticket {
    let ticket = ticket();
    committed(create(&ticket).bound_to("ann").set("a", "1").on(store).await);
    ticket
}

/// Renews a ticket, which must work, and returns what it was renewed with.
async fn renew(store: &impl Store, ticket: &Ticket, grace: Duration) -> Renewal {
    let renewal = renewal(ticket);
    let answer = committed(change(ticket).renew(&renewal, grace).on(store).await);
    assert_eq!(answer.ticket, TicketFate::Changed);
    renewal
}

/// The new ticket opens the same session, with all that is in it.
pub async fn the_new_ticket_opens_the_same_session<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let before = look(&store, &ticket).await;
    harness.advance(harness.unit()).await;
    let renewal = renewal(&ticket);
    let now = committed(change(&ticket).renew(&renewal, LONG).on(&store).await).now;
    let after = look(&store, &renewal.next).await;
    assert_eq!(after.standing, Standing::Current);
    assert_eq!(after.attributes, before.attributes);
    assert_eq!(after.meta.version, Version(2));
    assert_eq!(after.meta.ticket_issued_at, now);
    assert_eq!(after.meta.created_at, before.meta.created_at);
    assert_eq!(after.meta.principal, before.meta.principal);
    assert_eq!(after.meta.signed_in_at, before.meta.signed_in_at);
    assert_eq!(handles_of(&store, "ann").await, [ticket.handle()]);
}

/// Within the grace the ticket before opens the session and commits to it, and is told that it was renewed.
pub async fn the_ticket_before_works_in_the_grace<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store).await;
    let renewal = renew(&store, &ticket, unit * 3).await;
    harness.advance(unit).await;
    let opened = look(&store, &ticket).await;
    assert_eq!(opened.standing, Standing::Previous(Some(renewal.seed)));
    assert_value(&opened, "a", "1");
    committed(change(&ticket).set("a", "2").on(&store).await);
    assert_value(&look(&store, &renewal.next).await, "a", "2");
}

/// Within the grace the ticket before counts as an access.
pub async fn the_ticket_before_is_an_access<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let renewal = renew(&store, &ticket, LONG).await;
    harness.advance(harness.unit()).await;
    let now = opened(visit(&store, &ticket).await).now;
    assert_eq!(look(&store, &renewal.next).await.meta.accessed_at, now);
}

/// After the grace the ticket before opens nothing, and the new one still works.
pub async fn the_ticket_before_opens_nothing_after_the_grace<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store).await;
    let renewal = renew(&store, &ticket, unit).await;
    harness.advance(unit * 2).await;
    assert_absent(visit(&store, &ticket).await);
    assert_gone(change(&ticket).set("a", "2").on(&store).await, Gone::Absent);
    assert!(end(&store, &ticket).await.is_empty());
    assert_value(&look(&store, &renewal.next).await, "a", "1");
}

/// The moment at which the grace is over is too late.
pub async fn the_end_of_the_grace_is_too_late<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store).await;
    renew(&store, &ticket, unit * 2).await;
    if harness.is_exact() {
        harness.advance(unit * 2 - Duration::from_millis(1)).await;
        look(&store, &ticket).await;
        harness.advance(Duration::from_millis(1)).await;
    } else {
        harness.advance(unit * 2).await;
    }
    assert_absent(peek(&store, &ticket).await);
}

/// A grace of zero is over at once.
pub async fn a_grace_of_zero_is_over_at_once<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let renewal = renew(&store, &ticket, Duration::ZERO).await;
    assert_absent(peek(&store, &ticket).await);
    look(&store, &renewal.next).await;
}

/// The grace does not keep a session alive that has expired or was invalidated.
pub async fn the_grace_keeps_nothing_alive<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let (expired, ended) = (ticket(), ticket());
    for ticket in [&expired, &ended] {
        committed(create(ticket).interval(unit).on(&store).await);
        renew(&store, ticket, LONG).await;
    }
    end(&store, &ended).await;
    assert_absent(peek(&store, &ended).await);
    harness.advance(unit * 2).await;
    assert_absent(peek(&store, &expired).await);
}

/// Only the ticket immediately before works in the grace, none from before that.
pub async fn only_the_ticket_immediately_before_works<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let first = session(&store).await;
    let second = renew(&store, &first, LONG).await.next;
    let third = renew(&store, &second, LONG).await;
    assert_absent(peek(&store, &first).await);
    assert_gone(change(&first).set("a", "2").on(&store).await, Gone::Absent);
    let previous = look(&store, &second).await;
    assert_eq!(previous.standing, Standing::Previous(Some(third.seed)));
    assert_eq!(look(&store, &third.next).await.standing, Standing::Current);
}

/// A second renewal by the ticket before changes no ticket: it is told the first one's seed, and the rest is applied.
pub async fn a_second_renewal_is_told_the_first_ones_seed<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let first = renew(&store, &ticket, LONG).await;
    let second = renewal(&ticket);
    let draft = change(&ticket).renew(&second, LONG).set("a", "2");
    let answer = committed(draft.on(&store).await);
    assert_eq!(answer.ticket, TicketFate::AlreadyRenewed(Some(first.seed)));
    assert_eq!(answer.version, Version(3));
    assert_absent(peek(&store, &second.next).await);
    assert_value(&look(&store, &first.next).await, "a", "2");
    look(&store, &ticket).await;
}

/// The seed is told until the new ticket was seen in an access, and then forgotten. A commit is no sign that it arrived.
pub async fn the_seed_is_forgotten_when_the_new_ticket_is_used<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let first = renew(&store, &ticket, LONG).await;
    look(&store, &first.next).await;
    committed(change(&first.next).on(&store).await);
    let standing = look(&store, &ticket).await.standing;
    assert_eq!(standing, Standing::Previous(Some(first.seed)), "neither a fetch nor a commit is a visit");
    opened(load(&store, &first.next, Select::default(), Touch::AtMostEvery(LONG)).await);
    assert_eq!(look(&store, &ticket).await.standing, Standing::Previous(None));
    let draft = change(&ticket).renew(&renewal(&ticket), LONG).set("a", "2");
    let answer = committed(draft.on(&store).await);
    assert_eq!(answer.ticket, TicketFate::AlreadyRenewed(None));
    assert_value(&look(&store, &first.next).await, "a", "2");
}

/// An access by the ticket before does not make the seed forgotten: the new ticket may still be lost.
pub async fn the_seed_is_kept_while_the_ticket_before_is_used<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let first = renew(&store, &ticket, LONG).await;
    harness.advance(harness.unit()).await;
    opened(visit(&store, &ticket).await);
    committed(change(&ticket).set("a", "2").on(&store).await);
    let standing = look(&store, &ticket).await.standing;
    assert_eq!(standing, Standing::Previous(Some(first.seed)));
}

/// A renewed ticket can be renewed again.
pub async fn a_renewed_ticket_can_be_renewed_again<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let mut ticket = session(&store).await;
    for _ in 0..4 {
        ticket = renew(&store, &ticket, LONG).await.next;
    }
    let opened = look(&store, &ticket).await;
    assert_eq!(opened.meta.version, Version(5));
    assert_value(&opened, "a", "1");
}

/// A renewal within a commit that is refused changes no ticket.
pub async fn a_refused_commit_renews_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let renewal = renewal(&ticket);
    let draft = change(&ticket).set("a", "2").expecting(Expect::Absent);
    let refused = draft.renew(&renewal, LONG).on(&store).await;
    assert_conflict(refused, &Conflict::Attribute(name("a")));
    assert_absent(peek(&store, &renewal.next).await);
    assert_eq!(look(&store, &ticket).await.standing, Standing::Current);
}

/// A renewal changes the session's attributes in the same commit.
pub async fn a_renewal_carries_other_changes<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let renewal = renewal(&ticket);
    let draft = change(&ticket).set("b", "2").remove("a").renew(&renewal, LONG);
    committed(draft.on(&store).await);
    let opened = look(&store, &renewal.next).await;
    assert_eq!(contents(&opened), [("b", &b"2"[..])]);
}
