//! The list of a principal's sessions.

use cloakroom_core::{Handle, Store, Ticket};

use crate::Harness;
use crate::support::*;

/// Creates a session by a sign-in.
async fn session(store: &impl Store, who: &str) -> Ticket {
    let ticket = ticket();
    committed(create(&ticket).bound_to(who).on(store).await);
    ticket
}

/// A principal whom nobody knows has an empty list.
pub async fn an_unknown_principal_has_an_empty_list<H: Harness>(harness: &H) {
    let store = harness.store().await;
    session(&store, "ann").await;
    assert!(sessions_of(&store, "nobody").await.is_empty());
}

/// A session that nobody signed in to is in no list.
pub async fn a_session_of_nobody_is_in_no_list<H: Harness>(harness: &H) {
    let store = harness.store().await;
    committed(create(&ticket()).set("principal", "ann").on(&store).await);
    let signed_in = session(&store, "ann").await;
    assert_eq!(handles_of(&store, "ann").await, [signed_in.handle()]);
}

/// A list has every live session of the principal, the oldest sign-in first.
pub async fn a_list_has_the_oldest_sign_in_first<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let early_but_late = ticket();
    committed(create(&early_but_late).on(&store).await);
    let mut expected: Vec<Handle> = Vec::new();
    for _ in 0..4 {
        a_moment(harness).await;
        expected.push(session(&store, "ann").await.handle());
        session(&store, "bob").await;
    }
    a_moment(harness).await;
    let next = other_ticket(&early_but_late);
    let draft = change(&early_but_late).sign_in(&next, "ann", LONG);
    committed(draft.on(&store).await);
    expected.push(next.handle());
    assert_eq!(handles_of(&store, "ann").await, expected);
}

/// A list tells of each session when it was created, last accessed and signed in to, and its label.
pub async fn a_list_tells_of_each_session<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let before = ticket();
    let created = committed(create(&before).on(&store).await).now;
    harness.advance(unit).await;
    let ticket = other_ticket(&before);
    let draft = change(&before).sign_in(&ticket, "ann", LONG).label("Ann's phone");
    let signed_in = committed(draft.on(&store).await).now;
    harness.advance(unit).await;
    let accessed = opened(visit(&store, &ticket).await).now;
    let sessions = sessions_of(&store, "ann").await;
    assert_eq!(sessions.len(), 1);
    let info = &sessions[0];
    assert_eq!(info.handle, ticket.handle());
    assert_eq!(info.created_at, created);
    assert_eq!(info.signed_in_at, Some(signed_in));
    assert_eq!(info.accessed_at, accessed);
    assert_eq!(info.label.as_ref().map(|label| label.as_str()), Some("Ann's phone"));
}

/// A list has only live sessions: neither expired nor invalidated ones.
pub async fn a_list_has_only_live_sessions<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let (short, brief) = (ticket(), ticket());
    committed(create(&short).interval(unit).bound_to("ann").on(&store).await);
    committed(create(&brief).lifetime(unit).bound_to("ann").on(&store).await);
    let ended = session(&store, "ann").await;
    let live = session(&store, "ann").await;
    end(&store, &ended).await;
    harness.advance(unit * 2).await;
    assert_eq!(handles_of(&store, "ann").await, [live.handle()]);
}

/// A session stays in the list as long as it is extended.
pub async fn an_extended_session_stays_in_the_list<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).interval(unit * 3).bound_to("ann");
    committed(draft.on(&store).await);
    harness.advance(unit * 2).await;
    opened(visit(&store, &ticket).await);
    harness.advance(unit * 2).await;
    committed(change(&ticket).interval(LONG).on(&store).await);
    harness.advance(unit * 4).await;
    assert_eq!(handles_of(&store, "ann").await, [ticket.handle()]);
}

/// Principals are compared byte for byte, and separators in them mean nothing.
pub async fn principals_are_compared_byte_for_byte<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let mut sessions = Vec::new();
    for who in lookalikes() {
        let handle = session(&store, &who).await.handle();
        sessions.push((who, handle));
    }
    for (who, handle) in &sessions {
        assert_eq!(handles_of(&store, who).await, [*handle], "sessions of {who:?}");
    }
    let (who, handle) = &sessions[0];
    let ended = done(invalidate(&store, by_principal(who, None)).await);
    assert_eq!(handles(&ended), [*handle]);
    for (who, handle) in &sessions[1..] {
        assert_eq!(handles_of(&store, who).await, [*handle], "sessions of {who:?}");
    }
}

/// A principal may have many sessions.
pub async fn a_principal_may_have_many_sessions<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let mut expected = Vec::new();
    for _ in 0..150 {
        expected.push(session(&store, "ann").await.handle());
    }
    assert_eq!(sorted(handles_of(&store, "ann").await), sorted(expected.clone()));
    let ended = done(invalidate(&store, by_principal("ann", None)).await);
    assert_eq!(handles(&ended), sorted(expected));
}
