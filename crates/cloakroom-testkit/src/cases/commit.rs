//! What a commit does to a session.

use std::time::Duration;

use cloakroom_core::{Gone, TicketFate, Touch, Version};

use crate::Harness;
use crate::support::*;

/// A create stores all that it carries, as version 1.
pub async fn a_create_stores_everything_at_version_one<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let answer = committed(create(&ticket).set("a", "1").set("b", "2").on(&store).await);
    assert_eq!(answer.version, Version(1));
    assert_eq!(answer.ticket, TicketFate::Kept);
    assert!(answer.ended.is_empty());
    let opened = look(&store, &ticket).await;
    assert_eq!(contents(&opened), [("a", &b"1"[..]), ("b", b"2")]);
    assert_eq!(opened.meta.version, Version(1));
}

/// A change of a session that was never created is Gone, and creates nothing.
pub async fn a_change_creates_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    assert_gone(change(&ticket).set("a", "1").on(&store).await, Gone::Absent);
    assert_absent(peek(&store, &ticket).await);
    committed(create(&ticket).on(&store).await);
    assert!(look(&store, &ticket).await.attributes.is_empty());
}

/// A create on a handle that exists is Taken, with the same ticket or another, and changes nothing.
pub async fn a_create_on_an_existing_handle_is_taken<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(&store).await);
    let other = other_ticket(&ticket);
    assert_taken(create(&ticket).set("a", "2").on(&store).await);
    assert_taken(create(&other).set("a", "3").bound_to("ann").on(&store).await);
    let opened = look(&store, &ticket).await;
    assert_value(&opened, "a", "1");
    assert_eq!((opened.meta.version, &opened.meta.principal), (Version(1), &None));
    assert_absent(peek(&store, &other).await);
    assert!(sessions_of(&store, "ann").await.is_empty());
}

/// Every commit adds one to the version, and is told it.
pub async fn every_commit_adds_one_to_the_version<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).on(&store).await);
    for version in 2..6 {
        let answer = committed(change(&ticket).set("a", "1").on(&store).await);
        assert_eq!(answer.version, Version(version));
        assert_eq!(look(&store, &ticket).await.meta.version, Version(version));
    }
}

/// An access does not change the version.
pub async fn an_access_leaves_the_version<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).on(&store).await);
    harness.advance(harness.unit()).await;
    opened(visit(&store, &ticket).await);
    assert_eq!(look(&store, &ticket).await.meta.version, Version(1));
}

/// An attribute tells the commit that last wrote it, and other commits leave that alone.
pub async fn an_attribute_tells_the_commit_that_wrote_it<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").set("b", "1").on(&store).await);
    committed(change(&ticket).set("b", "2").on(&store).await);
    committed(change(&ticket).label("x").on(&store).await);
    committed(change(&ticket).set("c", "1").on(&store).await);
    let opened = look(&store, &ticket).await;
    let revision = |name| attribute(&opened, name).map(|it| it.revision);
    assert_eq!(revision("a"), Some(Version(1)));
    assert_eq!(revision("b"), Some(Version(2)));
    assert_eq!(revision("c"), Some(Version(4)));
}

/// An equal value that is set again is written by that commit.
pub async fn an_equal_value_has_the_new_revision<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(&store).await);
    committed(change(&ticket).set("a", "1").on(&store).await);
    let opened = look(&store, &ticket).await;
    assert_eq!(attribute(&opened, "a").map(|it| it.revision), Some(Version(2)));
}

/// Setting replaces, removing removes, and what a commit does not name stays.
pub async fn a_commit_changes_what_it_names_and_nothing_else<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let draft = create(&ticket).set("kept", "1").set("set", "1").set("gone", "1");
    committed(draft.on(&store).await);
    let draft = change(&ticket).set("set", "longer than it was").remove("gone");
    committed(draft.set("new", "1").on(&store).await);
    let opened = look(&store, &ticket).await;
    let expected = [("kept", &b"1"[..]), ("new", b"1"), ("set", b"longer than it was")];
    assert_eq!(contents(&opened), expected);
    assert_eq!(texts(&opened.names.expect("names")), ["kept", "new", "set"]);
}

/// A commit to one session leaves every other alone.
pub async fn a_commit_leaves_other_sessions_alone<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let (one, other) = (ticket(), ticket());
    committed(create(&one).set("a", "1").on(&store).await);
    committed(create(&other).set("a", "1").on(&store).await);
    committed(change(&one).clear().set("b", "2").on(&store).await);
    end(&store, &one).await;
    let opened = look(&store, &other).await;
    assert_eq!(contents(&opened), [("a", &b"1"[..])]);
    assert_eq!(opened.meta.version, Version(1));
}

/// Removing what is absent is no error, and counts as a commit.
pub async fn removing_what_is_absent_is_no_error<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(&store).await);
    let answer = committed(change(&ticket).remove("nobody").on(&store).await);
    assert_eq!(answer.version, Version(2));
    let meta = look(&store, &ticket).await.meta;
    assert_eq!((meta.attributes, meta.bytes), (1, 2));
}

/// A removed attribute can be set again.
pub async fn a_removed_attribute_can_be_set_again<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(&store).await);
    committed(change(&ticket).remove("a").on(&store).await);
    assert!(look(&store, &ticket).await.attributes.is_empty());
    committed(change(&ticket).set("a", "2").on(&store).await);
    let opened = look(&store, &ticket).await;
    assert_value(&opened, "a", "2");
    assert_eq!(attribute(&opened, "a").map(|it| it.revision), Some(Version(3)));
}

/// A clear removes every attribute.
pub async fn a_clear_removes_every_attribute<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").set("b", "2").on(&store).await);
    committed(change(&ticket).clear().on(&store).await);
    let opened = look(&store, &ticket).await;
    assert!(opened.attributes.is_empty());
    assert_eq!(opened.names, Some(Vec::new()));
    assert_eq!((opened.meta.attributes, opened.meta.bytes), (0, 0));
}

/// A clear comes before the changes of the same commit.
pub async fn a_clear_comes_before_the_changes_of_its_commit<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").set("b", "2").on(&store).await);
    let draft = change(&ticket).clear().set("b", "3").set("c", "4").remove("a");
    committed(draft.on(&store).await);
    let opened = look(&store, &ticket).await;
    assert_eq!(contents(&opened), [("b", &b"3"[..]), ("c", b"4")]);
    assert_eq!((opened.meta.attributes, opened.meta.bytes), (2, 4));
}

/// A commit without changes is a commit: it counts, and it is an access.
pub async fn a_commit_without_changes_counts<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(&store).await);
    harness.advance(harness.unit()).await;
    let answer = committed(change(&ticket).on(&store).await);
    assert_eq!(answer.version, Version(2));
    let opened = look(&store, &ticket).await;
    assert_eq!(opened.meta.accessed_at, answer.now);
    assert_value(&opened, "a", "1");
}

/// The metadata counts the attributes, and the bytes of their names and values, after every kind of change.
pub async fn attributes_and_bytes_are_counted<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let base = create(&ticket).set("ab", "123").set("é", "");
    committed(base.on(&store).await);
    let steps = [
        (change(&ticket), (2, 7)),
        (change(&ticket).set("ab", "1"), (2, 5)),
        (change(&ticket).set("ab", "12345").set("c", "1"), (3, 11)),
        (change(&ticket).remove("ab").remove("nobody"), (2, 4)),
        (change(&ticket).clear().set("d", "12"), (1, 3)),
    ];
    for (draft, expected) in steps {
        committed(draft.on(&store).await);
        let meta = look(&store, &ticket).await.meta;
        assert_eq!((meta.attributes, meta.bytes), expected, "after {:?}", draft.commit().changes);
    }
}

/// A label is kept until another is set.
pub async fn a_label_is_kept_until_another_is_set<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).on(&store).await);
    let steps = [
        (change(&ticket).label("Ann's phone"), "Ann's phone"),
        (change(&ticket).set("a", "1"), "Ann's phone"),
        (change(&ticket).clear(), "Ann's phone"),
        (change(&ticket).label("☎"), "☎"),
    ];
    for (draft, expected) in steps {
        committed(draft.on(&store).await);
        let label = look(&store, &ticket).await.meta.label;
        assert_eq!(label.as_ref().map(|label| label.as_str()), Some(expected));
    }
}

/// The answer tells the store's time, which is the session's last access.
pub async fn the_answer_tells_the_time_of_the_access<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let created = committed(create(&ticket).on(&store).await).now;
    harness.advance(harness.unit()).await;
    let changed = committed(change(&ticket).set("a", "1").on(&store).await).now;
    let passed = changed.since(created);
    assert!(passed >= harness.unit(), "{passed:?} passed, at least {:?} expected", harness.unit());
    let opened = look(&store, &ticket).await;
    assert_eq!(opened.meta.created_at, created);
    assert_eq!(opened.meta.accessed_at, changed);
    assert!(opened.now >= changed);
}

/// A commit may carry a thousand attributes, and a load may name as many.
pub async fn a_thousand_attributes_go_in_one_commit<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let names: Vec<_> = (0..1000).map(|number| format!("attribute {number:04}")).collect();
    let fill = |draft| names.iter().fold(draft, |draft: Draft, name| draft.set(name, name.clone()));
    committed(fill(create(&ticket)).on(&store).await);
    let texts: Vec<_> = names.iter().map(String::as_str).collect();
    let opened = opened(load(&store, &ticket, named(&texts), Touch::Never).await);
    assert_eq!(opened.meta.attributes, 1000);
    assert_eq!(opened.attributes.len(), 1000);
    committed(fill(change(&ticket).clear()).on(&store).await);
    let opened = look(&store, &ticket).await;
    assert_eq!(contents(&opened).len(), 1000);
    assert!(opened.attributes.iter().all(|it| it.revision == Version(2)));
    assert!(opened.attributes.iter().all(|it| it.value == it.name.as_str().as_bytes()));
}

/// A commit may do everything at once.
pub async fn a_commit_does_all_kinds_of_change_at_once<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(&store).await);
    let next = other_ticket(&ticket);
    let interval = Duration::from_secs(7200);
    let draft = change(&ticket).clear().set("b", "2").interval(interval).label("x");
    let answer = committed(draft.sign_in(&next, "ann", LONG).on(&store).await);
    assert_eq!(answer.ticket, TicketFate::Changed);
    let opened = look(&store, &next).await;
    assert_eq!(contents(&opened), [("b", &b"2"[..])]);
    assert_eq!(opened.meta.max_inactive_interval, interval);
    assert_eq!(opened.meta.principal, Some(principal("ann")));
    assert_eq!(opened.meta.label.as_ref().map(|label| label.as_str()), Some("x"));
    assert_eq!(opened.meta.version, Version(2));
}
