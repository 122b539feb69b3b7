//! Attributes with a time to live of their own.

use std::time::Duration;

use cloakroom_core::{Conflict, Expect, Limit, Limits, Store, Ticket, Touch, Version};

use crate::Harness;
use crate::cases::sweep::sweep_selecting;
use crate::support::*;

/// Creates a session with `brief`, which is kept for `ttl`, and `kept`.
async fn session(store: &impl Store, ttl: Duration) -> Ticket {
    let ticket = ticket();
    let draft = create(&ticket).set_for(ttl, "brief", "1").set("kept", "1");
    committed(draft.on(store).await);
    ticket
}

/// An attribute is there until its time has passed, and tells when that will be.
pub async fn an_attribute_tells_when_it_lapses<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).set_for(unit * 3, "brief", "1").set("kept", "1");
    let now = committed(draft.on(&store).await).now;
    harness.advance(unit).await;
    let opened = look(&store, &ticket).await;
    let lapses_at = |name| attribute(&opened, name).and_then(|it| it.lapses_at);
    assert_eq!(lapses_at("brief"), Some(now.plus(unit * 3)));
    assert_eq!(lapses_at("kept"), None);
}

/// An attribute whose time has passed is absent however it is asked for, and the others stay.
pub async fn what_has_lapsed_is_absent<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, unit).await;
    harness.advance(unit * 2).await;
    let all = look(&store, &ticket).await;
    assert_eq!(contents(&all), [("kept", &b"1"[..])]);
    assert_eq!(texts(&all.names.expect("names")), ["kept"]);
    let both = opened(load(&store, &ticket, named(&["brief", "kept"]), Touch::Never).await);
    assert_eq!(contents(&both), [("kept", &b"1"[..])]);
}

/// The moment at which its time has passed is too late.
pub async fn the_moment_of_the_lapse_is_too_late<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let now = committed(create(&ticket).set_for(unit, "brief", "1").on(&store).await).now;
    let mut last = None;
    for _ in 0..20 {
        let opened = look(&store, &ticket).await;
        if opened.attributes.is_empty() {
            break;
        }
        last = Some(opened.now);
        harness.advance(unit / 10).await;
    }
    let last = last.expect("the attribute was there at first");
    assert!(last < now.plus(unit), "it was there at {last}");
    if harness.is_exact() {
        assert_eq!(last.plus(unit / 10), now.plus(unit));
    }
    let draft = change(&ticket).set("brief", "2").expecting(Expect::Absent);
    committed(draft.on(&store).await);
}

/// Each attribute lapses at its own time.
pub async fn each_lapses_at_its_own_time<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).set_for(unit, "a", "1").set_for(unit * 5, "b", "1");
    committed(draft.on(&store).await);
    committed(change(&ticket).set_for(unit * 3, "c", "1").on(&store).await);
    harness.advance(unit * 2).await;
    assert_eq!(contents(&look(&store, &ticket).await), [("b", &b"1"[..]), ("c", b"1")]);
    harness.advance(unit * 2).await;
    assert_eq!(contents(&look(&store, &ticket).await), [("b", &b"1"[..])]);
    committed(change(&ticket).set("d", "1").on(&store).await);
    harness.advance(unit * 2).await;
    assert_eq!(contents(&look(&store, &ticket).await), [("d", &b"1"[..])]);
}

/// Neither an access nor a commit to others prolongs an attribute's time.
pub async fn nothing_else_prolongs_it<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, unit * 2).await;
    harness.advance(unit).await;
    opened(visit(&store, &ticket).await);
    committed(change(&ticket).set("kept", "2").interval(LONG / 2).on(&store).await);
    harness.advance(unit * 2).await;
    assert_eq!(contents(&look(&store, &ticket).await), [("kept", &b"2"[..])]);
}

/// Setting it again gives it the new time, longer or shorter, or none.
pub async fn setting_it_again_gives_it_the_new_time<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let brief = |draft: Draft, name| draft.set_for(unit * 2, name, "1");
    let draft = brief(brief(create(&ticket), "longer"), "endless");
    committed(draft.set("shorter", "1").on(&store).await);
    let draft = change(&ticket).set_for(unit * 5, "longer", "2");
    let draft = draft.set_for(unit * 2, "shorter", "2").set("endless", "2");
    committed(draft.on(&store).await);
    harness.advance(unit * 3).await;
    let expected = [("endless", &b"2"[..]), ("longer", b"2")];
    assert_eq!(contents(&look(&store, &ticket).await), expected);
    harness.advance(unit * 3).await;
    assert_eq!(contents(&look(&store, &ticket).await), [("endless", &b"2"[..])]);
}

/// What has lapsed is absent to an expectation.
pub async fn what_has_lapsed_is_expected_to_be_absent<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, unit).await;
    harness.advance(unit * 2).await;
    let stale = change(&ticket).set("brief", "2");
    let stale = stale.expecting(Expect::Revision(Version(1)));
    assert_conflict(stale.on(&store).await, &Conflict::Attribute(name("brief")));
    let draft = change(&ticket).set("brief", "2").expecting(Expect::Absent);
    committed(draft.on(&store).await);
    let opened = look(&store, &ticket).await;
    assert_value(&opened, "brief", "2");
    assert_eq!(attribute(&opened, "brief").map(|it| it.revision), Some(Version(2)));
}

/// What has lapsed is counted no more from the next commit on.
pub async fn what_has_lapsed_is_counted_no_more<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, unit).await;
    let meta = look(&store, &ticket).await.meta;
    assert_eq!((meta.attributes, meta.bytes), (2, 11));
    harness.advance(unit * 2).await;
    committed(change(&ticket).set("x", "1").on(&store).await);
    let meta = look(&store, &ticket).await.meta;
    assert_eq!((meta.attributes, meta.bytes), (2, 7));
    committed(change(&ticket).set("brief", "12").remove("kept").on(&store).await);
    let meta = look(&store, &ticket).await.meta;
    assert_eq!((meta.attributes, meta.bytes), (2, 9));
}

/// It is counted no more whichever deadlines were set before and after it, and whatever was committed in between.
pub async fn each_is_counted_until_its_own_time<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).set_for(unit * 5, "a", "1").set_for(unit, "b", "1");
    committed(draft.on(&store).await);
    committed(change(&ticket).set_for(unit * 3, "c", "1").on(&store).await);
    committed(change(&ticket).set("d", "1").on(&store).await);
    for left in [3, 2, 1] {
        harness.advance(unit * 2).await;
        committed(change(&ticket).set("d", "1").on(&store).await);
        let meta = look(&store, &ticket).await.meta;
        assert_eq!((meta.attributes, meta.bytes), (left, u64::from(left) * 2));
    }
}

/// What has lapsed makes room below the limits for the next commit.
pub async fn what_has_lapsed_makes_room<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let (by_count, by_bytes) = (session(&store, unit * 2).await, session(&store, unit * 2).await);
    let two = Limits { attributes: 2, ..Limits::default() };
    let few = Limits { session_bytes: 11, ..Limits::default() };
    let one_more = |ticket, limits| change(ticket).set("x", "12345").limits(limits);
    assert_over(one_more(&by_count, two).on(&store).await, Limit::Attributes, 2);
    assert_over(one_more(&by_bytes, few).on(&store).await, Limit::SessionBytes, 11);
    harness.advance(unit * 3).await;
    committed(one_more(&by_count, two).on(&store).await);
    committed(one_more(&by_bytes, few).on(&store).await);
}

/// A lapse is no commit: the version stays, and the session lives on.
pub async fn a_lapse_is_no_commit<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = session(&store, unit).await;
    harness.advance(unit * 2).await;
    assert_eq!(look(&store, &ticket).await.meta.version, Version(1));
    let answer = committed(change(&ticket).set("x", "1").on(&store).await);
    assert_eq!(answer.version, Version(2));
}

/// An attribute does not outlive its session, nor does it keep it alive.
pub async fn an_attribute_does_not_outlive_its_session<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).interval(unit).set_for(LONG, "a", "1");
    committed(draft.on(&store).await);
    harness.advance(unit * 2).await;
    assert_absent(peek(&store, &ticket).await);
    sweep_up(harness, &store, 1, None).await;
    committed(create(&ticket).on(&store).await);
    assert!(look(&store, &ticket).await.attributes.is_empty());
}

/// Removed, cleared and replaced attributes leave no deadline behind that takes another with it.
pub async fn a_deadline_goes_with_its_attribute<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let (removed, cleared) = (session(&store, unit * 2).await, session(&store, unit * 2).await);
    committed(change(&removed).remove("brief").on(&store).await);
    committed(change(&removed).set("brief", "2").on(&store).await);
    committed(change(&cleared).clear().set("brief", "2").on(&store).await);
    harness.advance(unit * 3).await;
    for ticket in [&removed, &cleared] {
        committed(change(ticket).set("x", "1").on(&store).await);
        assert_value(&look(&store, ticket).await, "brief", "2");
    }
}

/// What lapsed before a session's end is not among the names that it ended with, and its value is not handed out.
pub async fn what_has_lapsed_is_not_among_the_last_names<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let (ended, expired) = (session(&store, unit).await, ticket());
    let draft = create(&expired).interval(unit * 3).set_for(unit, "brief", "1");
    committed(draft.set("kept", "1").on(&store).await);
    harness.advance(unit * 2).await;
    assert_eq!(texts(&end(&store, &ended).await[0].names), ["kept"]);
    harness.advance(unit * 2).await;
    let swept = sweep_selecting(harness, &store, everything()).await;
    assert_eq!(texts(&swept.names), ["kept"]);
    assert_eq!(texts(swept.attributes.iter().map(|it| &it.name)), ["kept"]);
}

/// What lapses between a session's end and the sweep that hands it out was there at the end: its name and value come along.
pub async fn what_lapses_after_the_end_is_among_the_last_names<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let draft = create(&ticket()).interval(unit).set_for(unit * 2, "brief", "1");
    committed(draft.set("kept", "1").on(&store).await);
    harness.advance(unit * 4).await;
    let swept = sweep_selecting(harness, &store, everything()).await;
    assert_eq!(texts(&swept.names), ["brief", "kept"]);
    assert_eq!(sorted(texts(swept.attributes.iter().map(|it| &it.name))), ["brief", "kept"]);
}
