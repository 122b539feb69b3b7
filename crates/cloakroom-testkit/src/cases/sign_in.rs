//! A sign-in: the ticket before it opens nothing any more.

use std::time::Duration;

use cloakroom_core::{Conflict, Expect, Gone, Standing, Store, Ticket, TicketFate, Version};

use crate::Harness;
use crate::support::*;

/// Creates a session, signs in to it, and returns the tickets from before and after.
async fn signed_in(store: &impl Store, who: &str, grace: Duration) -> (Ticket, Ticket) {
    let before = ticket();
    committed(create(&before).set("a", "1").on(store).await);
    let after = other_ticket(&before);
    sign_in(store, &before, &after, who, grace).await;
    (before, after)
}

/// Signs in, which must work.
async fn sign_in(store: &impl Store, ticket: &Ticket, next: &Ticket, who: &str, grace: Duration) {
    let answer = committed(change(ticket).sign_in(next, who, grace).on(store).await);
    assert_eq!(answer.ticket, TicketFate::Changed);
}

/// A sign-in binds the principal and replaces the ticket; the session and its attributes stay.
pub async fn a_sign_in_binds_the_principal<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let before = ticket();
    let created = committed(create(&before).set("a", "1").on(&store).await).now;
    harness.advance(harness.unit()).await;
    let after = other_ticket(&before);
    let draft = change(&before).sign_in(&after, "ann", LONG).set("b", "2");
    let now = committed(draft.on(&store).await).now;
    let opened = look(&store, &after).await;
    assert_eq!(opened.standing, Standing::Current);
    assert_eq!(contents(&opened), [("a", &b"1"[..]), ("b", b"2")]);
    assert_eq!(opened.meta.principal, Some(principal("ann")));
    assert_eq!(opened.meta.signed_in_at, Some(now));
    assert_eq!(opened.meta.ticket_issued_at, now);
    assert_eq!(opened.meta.created_at, created);
    assert_eq!(handles_of(&store, "ann").await, [before.handle()]);
}

/// Later commits keep the principal and the time of the sign-in.
pub async fn the_principal_stays_bound<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (_, ticket) = signed_in(&store, "ann", LONG).await;
    let signed_in_at = look(&store, &ticket).await.meta.signed_in_at;
    harness.advance(harness.unit()).await;
    committed(change(&ticket).clear().label("x").on(&store).await);
    let meta = look(&store, &ticket).await.meta;
    assert_eq!(meta.principal, Some(principal("ann")));
    assert_eq!(meta.signed_in_at, signed_in_at);
}

/// Within the grace the ticket before is Superseded: it reads nothing, and is no access.
pub async fn the_ticket_before_is_superseded<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (before, after) = signed_in(&store, "ann", LONG).await;
    let accessed_at = look(&store, &after).await.meta.accessed_at;
    harness.advance(harness.unit()).await;
    assert_superseded(peek(&store, &before).await);
    assert_superseded(visit(&store, &before).await);
    assert_eq!(look(&store, &after).await.meta.accessed_at, accessed_at);
}

/// After the grace the ticket before is merely absent.
pub async fn the_ticket_before_is_absent_after_the_grace<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let (before, after) = signed_in(&store, "ann", unit * 2).await;
    assert_superseded(peek(&store, &before).await);
    harness.advance(unit * 3).await;
    assert_absent(peek(&store, &before).await);
    assert_gone(change(&before).set("a", "2").on(&store).await, Gone::Absent);
    let late = change(&before).sign_in(&other_ticket(&before), "ann", LONG);
    assert_gone(late.on(&store).await, Gone::Absent);
    assert_value(&look(&store, &after).await, "a", "1");
}

/// A late commit with the ticket before is Gone as Superseded, and nothing of it is stored.
pub async fn a_late_commit_is_gone<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (before, after) = signed_in(&store, "ann", LONG).await;
    let meta = look(&store, &after).await.meta;
    harness.advance(harness.unit()).await;
    let draft = change(&before).clear().set("b", "2").label("x").interval(LONG / 2);
    assert_gone(draft.on(&store).await, Gone::Superseded);
    let opened = look(&store, &after).await;
    assert_eq!(opened.meta, meta);
    assert_eq!(contents(&opened), [("a", &b"1"[..])]);
}

/// A late commit is told of no conflict.
pub async fn a_late_commit_is_told_of_no_conflict<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (before, _) = signed_in(&store, "ann", LONG).await;
    let draft = change(&before).set("a", "2").expecting(Expect::Absent);
    assert_gone(draft.on(&store).await, Gone::Superseded);
}

/// A late renewal with the ticket before is Gone as Superseded.
pub async fn a_late_renewal_is_gone<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (before, after) = signed_in(&store, "ann", LONG).await;
    let renewal = renewal(&before);
    assert_gone(change(&before).renew(&renewal, LONG).on(&store).await, Gone::Superseded);
    assert_absent(peek(&store, &renewal.next).await);
    look(&store, &after).await;
}

/// A late sign-in of the same principal is told so: nothing of it is applied, and the first one's ticket stays.
pub async fn a_late_sign_in_of_the_same_principal_is_told_so<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (before, after) = signed_in(&store, "ann", LONG).await;
    let signed_in_at = look(&store, &after).await.meta.signed_in_at;
    harness.advance(harness.unit()).await;
    let late = other_ticket(&before);
    let draft = change(&before).sign_in(&late, "ann", LONG).set("a", "2");
    let answer = committed(draft.on(&store).await);
    assert_eq!(answer.ticket, TicketFate::AlreadySignedIn);
    assert_eq!(answer.version, Version(2));
    let opened = look(&store, &after).await;
    assert_value(&opened, "a", "1");
    assert_eq!(opened.meta.signed_in_at, signed_in_at);
    assert_absent(peek(&store, &late).await);
    assert_superseded(peek(&store, &before).await);
}

/// A late sign-in of another principal is a conflict, and changes nothing.
pub async fn a_late_sign_in_of_another_principal_is_a_conflict<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (before, after) = signed_in(&store, "ann", LONG).await;
    let late = other_ticket(&before);
    let draft = change(&before).sign_in(&late, "bob", LONG).set("a", "2");
    assert_conflict(draft.on(&store).await, &Conflict::Principal);
    let opened = look(&store, &after).await;
    assert_value(&opened, "a", "1");
    assert_eq!(opened.meta.principal, Some(principal("ann")));
    assert_absent(peek(&store, &late).await);
    assert!(sessions_of(&store, "bob").await.is_empty());
}

/// A sign-in as somebody else rebinds: the session leaves the first principal's list.
pub async fn a_sign_in_as_somebody_else_rebinds<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (_, ticket) = signed_in(&store, "ann", LONG).await;
    let next = other_ticket(&ticket);
    sign_in(&store, &ticket, &next, "bob", LONG).await;
    assert!(sessions_of(&store, "ann").await.is_empty());
    assert_eq!(handles_of(&store, "bob").await, [ticket.handle()]);
    let ended = invalidate(&store, by_principal("ann", None)).await;
    assert!(done(ended).is_empty(), "it is no longer one of the first principal's");
    assert_eq!(look(&store, &next).await.meta.principal, Some(principal("bob")));
}

/// A principal who signs in to their session again gets a new ticket, and is listed once.
pub async fn a_principal_may_sign_in_again<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (_, ticket) = signed_in(&store, "ann", LONG).await;
    harness.advance(harness.unit()).await;
    let next = other_ticket(&ticket);
    let draft = change(&ticket).sign_in(&next, "ann", LONG);
    let now = committed(draft.on(&store).await).now;
    assert_superseded(peek(&store, &ticket).await);
    assert_eq!(look(&store, &next).await.meta.signed_in_at, Some(now));
    assert_eq!(handles_of(&store, "ann").await, [ticket.handle()]);
}

/// A session may be created by a sign-in.
pub async fn a_session_may_be_created_by_a_sign_in<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let now = committed(create(&ticket).bound_to("ann").on(&store).await).now;
    let meta = look(&store, &ticket).await.meta;
    assert_eq!((meta.principal, meta.signed_in_at), (Some(principal("ann")), Some(now)));
    assert_eq!(handles_of(&store, "ann").await, [ticket.handle()]);
}

/// A sign-in ends the grace of a renewal before it: no ticket but the new one opens the session.
pub async fn a_sign_in_ends_the_grace_of_a_renewal<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let first = ticket();
    committed(create(&first).set("a", "1").on(&store).await);
    let renewal = renewal(&first);
    committed(change(&first).renew(&renewal, LONG).on(&store).await);
    let next = other_ticket(&first);
    sign_in(&store, &renewal.next, &next, "ann", LONG).await;
    assert_absent(peek(&store, &first).await);
    assert_gone(change(&first).set("a", "2").on(&store).await, Gone::Absent);
    assert_superseded(peek(&store, &renewal.next).await);
    assert_value(&look(&store, &next).await, "a", "1");
}

/// The ticket before a renewal may sign in within the grace; then both it and the renewed one, either of which the browser
/// may show, are superseded.
pub async fn the_ticket_before_a_renewal_may_sign_in<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let first = ticket();
    committed(create(&first).on(&store).await);
    let renewal = renewal(&first);
    committed(change(&first).renew(&renewal, LONG).on(&store).await);
    let next = other_ticket(&first);
    sign_in(&store, &first, &next, "ann", LONG).await;
    for old in [&first, &renewal.next] {
        assert_superseded(peek(&store, old).await);
        assert_gone(change(old).set("a", "2").on(&store).await, Gone::Superseded);
    }
    assert_eq!(look(&store, &next).await.meta.principal, Some(principal("ann")));
}

/// After a sign-in the ticket may be renewed; the one from before the sign-in stays shut.
pub async fn a_renewal_after_a_sign_in_lets_nobody_back_in<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (before, after) = signed_in(&store, "ann", LONG).await;
    let renewal = renewal(&after);
    committed(change(&after).renew(&renewal, LONG).on(&store).await);
    assert_absent(peek(&store, &before).await);
    look(&store, &after).await;
    look(&store, &renewal.next).await;
}

/// A sign-in within a commit that is refused binds nobody and changes no ticket.
pub async fn a_refused_commit_signs_nobody_in<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(&store).await);
    let next = other_ticket(&ticket);
    let draft = change(&ticket).set("a", "2").expecting(Expect::Absent);
    let refused = draft.sign_in(&next, "ann", LONG).on(&store).await;
    assert_conflict(refused, &Conflict::Attribute(name("a")));
    assert_eq!(look(&store, &ticket).await.meta.principal, None);
    assert_absent(peek(&store, &next).await);
    assert!(sessions_of(&store, "ann").await.is_empty());
}
