//! Sessions of different namespaces never meet.

use cloakroom_core::{AtLimit, Gone, Invalidate, Store, Ticket, Version};

use crate::Harness;
use crate::support::*;

/// Creates the session of this ticket for a principal, in both namespaces.
async fn in_both<H: Harness>(harness: &H, ticket: &Ticket) -> (H::Store, H::Store) {
    let (ours, theirs) = (harness.store().await, harness.neighbour().await);
    for (store, value) in [(&ours, "ours"), (&theirs, "theirs")] {
        committed(create(ticket).bound_to("ann").set("a", value).on(store).await);
    }
    (ours, theirs)
}

async fn assert_theirs_untouched(theirs: &impl Store, ticket: &Ticket) {
    let opened = look(theirs, ticket).await;
    assert_value(&opened, "a", "theirs");
    assert_eq!(opened.meta.version, Version(1));
    assert_eq!(handles_of(theirs, "ann").await, [ticket.handle()]);
}

/// A store tells its namespace, the same on every node, and another for a neighbour.
pub async fn a_store_tells_its_namespace<H: Harness>(harness: &H) {
    let (one, two, other) = (harness.store().await, harness.store().await, harness.neighbour().await);
    assert_eq!(one.about(), two.about());
    assert_eq!(one.about().backend, other.about().backend);
    assert_ne!(one.about().namespace, other.about().namespace);
}

/// A ticket of one namespace opens nothing in another.
pub async fn a_ticket_opens_nothing_in_another<H: Harness>(harness: &H) {
    let (ours, theirs) = (harness.store().await, harness.neighbour().await);
    let ticket = ticket();
    committed(create(&ticket).bound_to("ann").set("a", "1").on(&ours).await);
    assert_absent(visit(&theirs, &ticket).await);
    assert_gone(change(&ticket).set("a", "2").on(&theirs).await, Gone::Absent);
    assert!(end(&theirs, &ticket).await.is_empty());
    let by_handle = by_handle(ticket.handle(), None);
    assert!(done(invalidate(&theirs, by_handle).await).is_empty());
    assert!(sessions_of(&theirs, "ann").await.is_empty());
    assert_value(&look(&ours, &ticket).await, "a", "1");
}

/// The same handle in two namespaces is two sessions.
pub async fn the_same_handle_is_two_sessions<H: Harness>(harness: &H) {
    let ticket = ticket();
    let (ours, theirs) = in_both(harness, &ticket).await;
    committed(change(&ticket).set("a", "2").set("b", "1").on(&ours).await);
    assert_theirs_untouched(&theirs, &ticket).await;
    assert_value(&look(&ours, &ticket).await, "a", "2");
    end(&ours, &ticket).await;
    assert_theirs_untouched(&theirs, &ticket).await;
}

/// Ending a principal's sessions, or everyone's, keeps to the store's own namespace.
pub async fn an_end_keeps_to_its_own<H: Harness>(harness: &H) {
    for which in [by_principal("ann", None), Invalidate::Everyone] {
        let ticket = ticket();
        let (ours, theirs) = in_both(harness, &ticket).await;
        done(invalidate(&ours, which).await);
        assert_absent(peek(&ours, &ticket).await);
        assert_theirs_untouched(&theirs, &ticket).await;
        done(invalidate(&theirs, Invalidate::Everyone).await);
    }
}

/// A sweep and an acknowledgement keep to the store's own namespace.
pub async fn a_sweep_keeps_to_its_own<H: Harness>(harness: &H) {
    let (ours, theirs) = (harness.store().await, harness.neighbour().await);
    let unit = harness.unit();
    let ticket = ticket();
    for store in [&ours, &theirs] {
        committed(create(&ticket).interval(unit).on(store).await);
    }
    harness.advance(unit * 2).await;
    sweep_up(harness, &ours, 1, Some(LONG)).await;
    assert!(sweep(&ours, 1000, None).await.is_empty());
    acknowledge(&ours, &[ticket.handle()]).await;
    let ended = sweep_up(harness, &theirs, 1, None).await;
    assert_eq!(handles(&ended), [ticket.handle()]);
}

/// A principal's sessions in another namespace do not count toward the most that they may have.
pub async fn a_limit_of_sessions_keeps_to_its_own<H: Harness>(harness: &H) {
    let (ours, theirs) = (harness.store().await, harness.neighbour().await);
    let refuse = AtLimit::Refuse;
    for store in [&ours, &theirs] {
        committed(create(&ticket()).bound_within("ann", 1, refuse).on(store).await);
    }
}
