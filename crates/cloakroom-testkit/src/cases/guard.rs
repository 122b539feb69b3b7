//! The ticket first: what a wrong one may do, which is nothing.

use cloakroom_core::{Expect, Gone, Limits, Opened, Store, Ticket, Version};

use crate::Harness;
use crate::support::*;

/// Creates a session, and returns its ticket and one of the same handle that does not open it.
async fn session(store: &impl Store) -> (Ticket, Ticket) {
    let right = ticket();
    committed(create(&right).bound_to("ann").set("a", "1").on(store).await);
    (right, other_ticket(&right))
}

fn assert_unchanged(before: &Opened, after: &Opened) {
    assert_eq!(after.meta, before.meta);
    assert_eq!(after.attributes, before.attributes);
}

/// A wrong ticket reads nothing.
pub async fn a_wrong_ticket_reads_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (_, wrong) = session(&store).await;
    assert_absent(peek(&store, &wrong).await);
    assert_absent(visit(&store, &wrong).await);
}

/// A wrong ticket is no access.
pub async fn a_wrong_ticket_touches_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (right, wrong) = session(&store).await;
    let before = look(&store, &right).await;
    harness.advance(harness.unit()).await;
    assert_absent(visit(&store, &wrong).await);
    assert_gone(change(&wrong).on(&store).await, Gone::Absent);
    assert_unchanged(&before, &look(&store, &right).await);
}

/// A wrong ticket changes nothing: its commit is Gone.
pub async fn a_wrong_ticket_changes_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (right, wrong) = session(&store).await;
    let before = look(&store, &right).await;
    let draft = change(&wrong).clear().set("b", "2").label("x").interval(LONG / 2);
    assert_gone(draft.on(&store).await, Gone::Absent);
    assert_unchanged(&before, &look(&store, &right).await);
}

/// A wrong ticket neither renews nor signs in, and the right one stays.
pub async fn a_wrong_ticket_replaces_no_ticket<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (right, wrong) = session(&store).await;
    let before = look(&store, &right).await;
    let renewal = renewal(&wrong);
    let next = other_ticket(&right);
    assert_gone(change(&wrong).renew(&renewal, LONG).on(&store).await, Gone::Absent);
    assert_gone(change(&wrong).sign_in(&next, "bob", LONG).on(&store).await, Gone::Absent);
    assert_unchanged(&before, &look(&store, &right).await);
    assert_absent(peek(&store, &renewal.next).await);
    assert_absent(peek(&store, &next).await);
    assert!(sessions_of(&store, "bob").await.is_empty());
}

/// A wrong ticket ends nothing, which is a success that ends nothing.
pub async fn a_wrong_ticket_ends_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (right, wrong) = session(&store).await;
    assert!(end(&store, &wrong).await.is_empty());
    look(&store, &right).await;
}

/// A wrong ticket is told of no conflict and of no limit: nothing is looked at before the ticket.
pub async fn a_wrong_ticket_is_told_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (_, wrong) = session(&store).await;
    let conflict = change(&wrong).set("a", "2").expecting(Expect::Absent);
    assert_gone(conflict.on(&store).await, Gone::Absent);
    let limits = Limits { attribute_bytes: 1, ..Limits::default() };
    let over = change(&wrong).set("a", "much too long").limits(limits);
    assert_gone(over.on(&store).await, Gone::Absent);
}

/// A wrong ticket does not get the answer to another's commit by its id.
pub async fn a_wrong_ticket_gets_no_first_answer<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (right, wrong) = session(&store).await;
    let draft = change(&right).set("a", "2");
    committed(draft.on(&store).await);
    assert_gone(draft.clone().by(&wrong).on(&store).await, Gone::Absent);
    assert_eq!(look(&store, &right).await.meta.version, Version(2));
    let created = ticket();
    let draft = create(&created);
    committed(draft.on(&store).await);
    assert_taken(draft.clone().by(&other_ticket(&created)).on(&store).await);
}

/// The ticket of one session opens no other.
pub async fn a_ticket_opens_its_own_session_alone<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (one, other) = (ticket(), ticket());
    committed(create(&one).set("a", "one").on(&store).await);
    committed(create(&other).set("a", "other").on(&store).await);
    assert_value(&look(&store, &one).await, "a", "one");
    assert_value(&look(&store, &other).await, "a", "other");
    let mixed = Ticket::parse(format!("{}{}", &one.expose()[..22], &other.expose()[22..]).as_bytes());
    assert_absent(peek(&store, &mixed.expect("a ticket")).await);
}
