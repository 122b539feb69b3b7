//! Ending sessions, after which nothing of them comes back.

use cloakroom_core::{AtLimit, EndReason, Gone, Invalidate, Invalidated, Store, Ticket, Version};

use crate::Harness;
use crate::support::*;

/// Creates a session of a principal, with two attributes.
async fn session(store: &impl Store, who: &str) -> Ticket {
    let ticket = ticket();
    let draft = create(&ticket).bound_to(who).set("b", "1").set("a", "1");
    committed(draft.on(store).await);
    ticket
}

/// The session that a ticket opens is gone from the answer on, for every node, and the answer tells of it.
pub async fn a_ticket_ends_its_session<H: Harness>(harness: &H) {
    let (here, there) = (harness.store().await, harness.store().await);
    let ticket = session(&here, "ann").await;
    harness.advance(harness.unit()).await;
    let accessed_at = committed(change(&ticket).set("c", "1").on(&here).await).now;
    let created_at = look(&here, &ticket).await.meta.created_at;
    let ended = end(&here, &ticket).await;
    assert_eq!(handles(&ended), [ticket.handle()]);
    assert_eq!(ended[0].principal, Some(principal("ann")));
    assert_eq!(texts(&ended[0].names), ["a", "b", "c"]);
    assert_eq!(ended[0].reason, EndReason::Invalidated);
    assert_eq!((ended[0].created_at, ended[0].accessed_at), (created_at, accessed_at));
    assert_absent(peek(&there, &ticket).await);
    assert!(sessions_of(&there, "ann").await.is_empty());
}

/// Ending what does not exist, or has ended, is a success that ends nothing.
pub async fn ending_what_does_not_exist_is_a_success<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ended = session(&store, "ann").await;
    end(&store, &ended).await;
    for ticket in [ended, ticket()] {
        assert!(end(&store, &ticket).await.is_empty());
        let by_handle = by_handle(ticket.handle(), None);
        assert!(done(invalidate(&store, by_handle).await).is_empty());
    }
    let by_principal = by_principal("ann", None);
    assert!(done(invalidate(&store, by_principal).await).is_empty());
    assert!(done(invalidate(&store, Invalidate::Everyone).await).is_empty());
}

/// No operation brings an invalidated session back: no commit, no access, no renewal, no sign-in.
pub async fn nothing_comes_back<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store, "ann").await;
    end(&store, &ticket).await;
    let (next, renewal) = (other_ticket(&ticket), renewal(&ticket));
    let drafts = [
        change(&ticket),
        change(&ticket).set("a", "2").label("x").interval(LONG),
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

/// Nothing of an ended session is kept: one that is created under the same handle starts empty.
pub async fn nothing_is_kept<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let old = session(&store, "ann").await;
    let late = change(&old).set("c", "1").label("x");
    committed(late.on(&store).await);
    end(&store, &old).await;
    let new = other_ticket(&old);
    let answer = committed(create(&new).set("d", "1").on(&store).await);
    assert_eq!(answer.version, Version(1));
    let opened = look(&store, &new).await;
    assert_eq!(contents(&opened), [("d", &b"1"[..])]);
    assert_eq!((&opened.meta.principal, &opened.meta.label), (&None, &None));
    assert!(sessions_of(&store, "ann").await.is_empty());
    assert_absent(peek(&store, &old).await);
    assert_gone(late.on(&store).await, Gone::Absent);
}

/// The ticket before a renewal ends the session within the grace, and not after.
pub async fn the_ticket_before_a_renewal_ends_the_session<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let (early, late) = (session(&store, "ann").await, session(&store, "ann").await);
    for ticket in [&early, &late] {
        committed(change(ticket).renew(&renewal(ticket), unit * 2).on(&store).await);
    }
    assert_eq!(handles(&end(&store, &early).await), [early.handle()]);
    harness.advance(unit * 3).await;
    assert!(end(&store, &late).await.is_empty());
    assert_eq!(handles_of(&store, "ann").await, [late.handle()]);
}

/// The renewed ticket ends the session, and with it the grace of the one before.
pub async fn a_renewed_ticket_ends_the_session<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let old = session(&store, "ann").await;
    let renewal = renewal(&old);
    committed(change(&old).renew(&renewal, LONG).on(&store).await);
    assert_eq!(handles(&end(&store, &renewal.next).await), [old.handle()]);
    assert_absent(peek(&store, &old).await);
}

/// A ticket that a sign-in replaced ends nothing: within the grace it is told Superseded.
pub async fn a_superseded_ticket_ends_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let old = session(&store, "ann").await;
    let new = other_ticket(&old);
    committed(change(&old).sign_in(&new, "ann", unit * 2).on(&store).await);
    let answer = invalidate(&store, by_ticket(&old)).await;
    assert!(matches!(answer, Invalidated::Superseded), "{answer:?}");
    harness.advance(unit * 3).await;
    assert!(end(&store, &old).await.is_empty());
    look(&store, &new).await;
}

/// A handle ends its session, whoever is signed in, or nobody.
pub async fn a_handle_ends_its_session<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (bound, unbound) = (session(&store, "ann").await, ticket());
    committed(create(&unbound).on(&store).await);
    for ticket in [bound, unbound] {
        let ended = invalidate(&store, by_handle(ticket.handle(), None)).await;
        assert_eq!(handles(&done(ended)), [ticket.handle()]);
        assert_absent(peek(&store, &ticket).await);
    }
}

/// A handle with an owner ends the session only if it is theirs.
pub async fn a_handle_with_an_owner_ends_only_theirs<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (bound, unbound) = (session(&store, "ann").await, ticket());
    committed(create(&unbound).on(&store).await);
    session(&store, "bob").await;
    for ticket in [&bound, &unbound] {
        let ended = invalidate(&store, by_handle(ticket.handle(), Some("bob"))).await;
        assert!(done(ended).is_empty());
        look(&store, ticket).await;
    }
    let ended = invalidate(&store, by_handle(bound.handle(), Some("ann"))).await;
    assert_eq!(handles(&done(ended)), [bound.handle()]);
    assert_absent(peek(&store, &bound).await);
}

/// All sessions of a principal end, and nobody else's.
pub async fn a_principal_ends_all_their_sessions<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let mut theirs = Vec::new();
    for _ in 0..5 {
        theirs.push(session(&store, "ann").await);
    }
    let (other, nobody) = (session(&store, "bob").await, ticket());
    committed(create(&nobody).on(&store).await);
    let ended = done(invalidate(&store, by_principal("ann", None)).await);
    assert_eq!(handles(&ended), sorted(theirs.iter().map(Ticket::handle)));
    for it in &ended {
        assert_eq!(it.principal, Some(principal("ann")));
        assert_eq!(texts(&it.names), ["a", "b"]);
        assert_eq!(it.reason, EndReason::Invalidated);
    }
    for ticket in &theirs {
        assert_absent(peek(&store, ticket).await);
        assert_gone(change(ticket).set("a", "2").on(&store).await, Gone::Absent);
    }
    assert!(sessions_of(&store, "ann").await.is_empty());
    look(&store, &other).await;
    look(&store, &nobody).await;
}

/// All sessions of a principal end but the one that is spared.
pub async fn one_session_can_be_spared<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let spared = session(&store, "ann").await;
    let (one, two) = (session(&store, "ann").await, session(&store, "ann").await);
    let which = by_principal("ann", Some(spared.handle()));
    let ended = done(invalidate(&store, which).await);
    assert_eq!(handles(&ended), sorted([one.handle(), two.handle()]));
    assert_eq!(handles_of(&store, "ann").await, [spared.handle()]);
    look(&store, &spared).await;
    let which = by_principal("ann", Some(ticket().handle()));
    assert_eq!(handles(&done(invalidate(&store, which).await)), [spared.handle()]);
}

/// A session that was bound to the principal at its creation, or rebound to them since, ends with the others.
pub async fn a_rebound_session_ends_with_its_new_principal<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let before = session(&store, "bob").await;
    let after = other_ticket(&before);
    committed(change(&before).sign_in(&after, "ann", LONG).on(&store).await);
    let ended = done(invalidate(&store, by_principal("ann", None)).await);
    assert_eq!(handles(&ended), [after.handle()]);
    assert_absent(peek(&store, &after).await);
}

/// Everyone is every session of the namespace; the answer lists none of them.
pub async fn everyone_is_every_session<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (bound, nobody) = (session(&store, "ann").await, ticket());
    committed(create(&nobody).on(&store).await);
    let ended = done(invalidate(&store, Invalidate::Everyone).await);
    assert!(ended.is_empty());
    for ticket in [bound, nobody] {
        assert_absent(peek(&store, &ticket).await);
        assert_gone(change(&ticket).set("a", "2").on(&store).await, Gone::Absent);
    }
    assert!(sessions_of(&store, "ann").await.is_empty());
    let new = session(&store, "ann").await;
    look(&store, &new).await;
}

/// What ended with everyone is of no consequence any more: it counts for no principal, no commit to it is remembered, and it is
/// never handed out.
pub async fn what_ended_with_everyone_is_never_handed_out<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    committed(create(&ticket).interval(unit * 2).bound_to("ann").on(&store).await);
    let late = change(&ticket).set("a", "1").label("x");
    committed(late.on(&store).await);
    done(invalidate(&store, Invalidate::Everyone).await);
    assert_gone(late.on(&store).await, Gone::Absent);
    let draft = create(&self::ticket()).bound_within("ann", 1, AtLimit::Refuse);
    committed(draft.on(&store).await);
    harness.advance(unit * 3).await;
    for _ in 0..3 {
        assert!(sweep(&store, 1000, None).await.is_empty(), "it was ended, and has not expired");
    }
    assert_absent(peek(&store, &ticket).await);
}

/// What has expired is not ended once more: it is left to be handed out by a sweep.
pub async fn what_has_expired_is_not_ended_again<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).interval(unit).bound_to("ann");
    committed(draft.on(&store).await);
    harness.advance(unit * 2).await;
    let ways = [
        by_ticket(&ticket),
        by_handle(ticket.handle(), None),
        by_handle(ticket.handle(), Some("ann")),
        by_principal("ann", None),
    ];
    for which in ways {
        assert!(done(invalidate(&store, which).await).is_empty());
    }
    let swept = sweep_up(harness, &store, 1, None).await;
    assert_eq!(swept[0].reason, EndReason::Inactive);
}
