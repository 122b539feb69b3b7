//! Commits that a decorator held back for a while, and that tell their age.

use cloakroom_core::{EndReason, Gone, Invalidate, Ticket, Version};

use crate::Harness;
use crate::support::*;

/// The access is recorded as of the time when the changes were made.
pub async fn an_access_counts_from_when_it_was_made<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    committed(create(&ticket).on(&store).await);
    harness.advance(unit * 3).await;
    let draft = change(&ticket).set("a", "1").age(unit);
    let now = committed(draft.on(&store).await).now;
    let opened = look(&store, &ticket).await;
    assert_eq!(opened.meta.accessed_at, now.minus(unit));
    assert_value(&opened, "a", "1");
}

/// The last access never goes backward: an old commit is applied, and leaves it alone.
pub async fn the_last_access_never_goes_backward<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    committed(create(&ticket).on(&store).await);
    harness.advance(unit * 2).await;
    let last = opened(visit(&store, &ticket).await).now;
    harness.advance(unit).await;
    let draft = change(&ticket).set("a", "1").age(unit * 2);
    committed(draft.on(&store).await);
    let opened = look(&store, &ticket).await;
    assert_eq!(opened.meta.accessed_at, last);
    assert_value(&opened, "a", "1");
}

/// A commit that was made while the session was live is applied, though the session would have expired without it.
pub async fn whether_the_session_was_live_is_judged_as_of_then<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).interval(unit * 4).set("a", "1");
    committed(draft.on(&store).await);
    harness.advance(unit * 5).await;
    let draft = change(&ticket).set("a", "2").age(unit * 3);
    let now = committed(draft.on(&store).await).now;
    let opened = look(&store, &ticket).await;
    assert_eq!(opened.meta.accessed_at, now.minus(unit * 3));
    assert_value(&opened, "a", "2");
    harness.advance(unit * 4).await;
    assert_absent(peek(&store, &ticket).await);
}

/// A commit that was made when the session had expired already is Gone.
pub async fn what_was_made_too_late_is_gone<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    committed(create(&ticket).interval(unit).on(&store).await);
    harness.advance(unit * 4).await;
    assert_gone(change(&ticket).set("a", "1").age(unit * 2).on(&store).await, Gone::Absent);
    assert_absent(peek(&store, &ticket).await);
}

/// What was held back does not come back after an invalidation.
pub async fn what_was_held_back_brings_nothing_back<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    committed(create(&ticket).on(&store).await);
    harness.advance(unit * 2).await;
    end(&store, &ticket).await;
    assert_gone(change(&ticket).set("a", "1").age(unit).on(&store).await, Gone::Absent);
    assert_absent(peek(&store, &ticket).await);
}

/// A session that has expired and was not handed out yet may take a commit that was held back. Not after it was to be ended: by
/// its ticket, by its handle, or with its principal's others. A sweep still hands it out.
pub async fn what_had_expired_and_was_to_end_is_not_revived<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let tickets = [ticket(), ticket(), ticket()];
    for (ticket, who) in tickets.iter().zip(["ann", "ben", "cid"]) {
        committed(create(ticket).interval(unit * 4).bound_to(who).on(&store).await);
    }
    harness.advance(unit * 5).await;
    let ends = [by_ticket(&tickets[0]), by_handle(tickets[1].handle(), None), by_principal("cid", None)];
    for (ticket, end) in tickets.iter().zip(ends) {
        assert!(done(invalidate(&store, end).await).is_empty(), "it has expired");
        assert_gone(change(ticket).set("a", "1").age(unit * 3).on(&store).await, Gone::Absent);
        assert_absent(peek(&store, ticket).await);
    }
    let handed_out = sweep_up(harness, &store, 3, None).await;
    assert_eq!(handles(&handed_out), sorted(tickets.iter().map(Ticket::handle)));
    assert!(handed_out.iter().all(|ended| ended.reason == EndReason::Inactive));
}

/// A commit that stands for several adds as many to the version, whether it is a usual one, a create or a renewal, and
/// what it stores is of its last version.
pub async fn one_commit_stands_for_several<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let renewal = renewal(&ticket);
    let signed_in = other_ticket(&ticket);
    let drafts = [
        (2, create(&ticket).set("a", "1").label("first")),
        (5, change(&ticket).set("a", "2").label("second")),
        (6, change(&ticket).clear().set("a", "3").label("third").stands_for(1)),
        (9, change(&ticket).set("a", "4").renew(&renewal, LONG).label("fourth")),
        (12, change(&renewal.next).set("a", "5").sign_in(&signed_in, "ann", LONG).label("fifth")),
    ];
    let mut before = 0;
    for (version, draft) in drafts {
        let draft = draft.stands_for(version - before);
        let told = committed(draft.on(&store).await).version;
        let repeated = committed(draft.on(&store).await).version;
        assert_eq!((told, repeated), (Version(version.into()), Version(version.into())));
        before = version;
        let by = match version {
            9 => &renewal.next,
            12 => &signed_in,
            _ => &ticket,
        };
        let opened = look(&store, by).await;
        assert_eq!((opened.meta.version, opened.attributes[0].revision), (told, told));
    }
}

/// Whoever may not end a session that has expired does not close it to what was held back either. An end of everyone's does.
pub async fn only_who_may_end_it_closes_what_had_expired<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let (open, closed) = (ticket(), ticket());
    for ticket in [&open, &closed] {
        committed(create(ticket).interval(unit * 4).bound_to("ann").on(&store).await);
    }
    harness.advance(unit * 5).await;
    let strangers = [
        by_ticket(&other_ticket(&open)),
        by_handle(open.handle(), Some("ben")),
        by_principal("ben", None),
        by_principal("ann", Some(open.handle())),
    ];
    for end in strangers {
        assert!(done(invalidate(&store, end).await).is_empty(), "it has expired");
    }
    committed(change(&open).set("a", "1").age(unit * 3).on(&store).await);
    done(invalidate(&store, Invalidate::Everyone).await);
    for ticket in [&open, &closed] {
        assert_gone(change(ticket).set("a", "1").age(unit * 3).on(&store).await, Gone::Absent);
        assert_absent(peek(&store, ticket).await);
    }
}
