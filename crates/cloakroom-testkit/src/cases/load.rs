//! What a load gives.

use std::time::Duration;

use cloakroom_core::{Freshness, Load, Select, Standing, Store as _, Touch, Version, Wanted};

use crate::Harness;
use crate::support::*;

/// A session that nobody created is absent.
pub async fn an_unknown_session_is_absent<H: Harness>(harness: &H) {
    let store = harness.store().await;
    assert_absent(visit(&store, &ticket()).await);
    assert_absent(peek(&store, &ticket()).await);
}

/// A load creates nothing: what was absent is still free to be created.
pub async fn a_load_creates_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    assert_absent(visit(&store, &ticket).await);
    let answer = committed(create(&ticket).on(&store).await);
    assert_eq!(answer.version, Version(1));
}

/// A selection of nothing gives the metadata alone.
pub async fn a_selection_of_nothing_reads_the_metadata_alone<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(&store).await);
    let opened = opened(load(&store, &ticket, Select::default(), Touch::Never).await);
    assert_eq!(opened.meta.attributes, 1);
    assert!(opened.attributes.is_empty(), "no value was asked for");
    assert_eq!(opened.names, None, "no names were asked for");
}

/// Named attributes are read, and no others.
pub async fn named_attributes_are_read_and_no_others<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").set("b", "2").set("c", "3").on(&store).await);
    let opened = opened(load(&store, &ticket, named(&["c", "a"]), Touch::Never).await);
    assert_eq!(contents(&opened), [("a", &b"1"[..]), ("c", b"3")]);
}

/// A selected attribute that does not exist is left out, and that is no error.
pub async fn a_selected_attribute_that_does_not_exist_is_left_out<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(&store).await);
    let both = opened(load(&store, &ticket, named(&["nobody", "a"]), Touch::Never).await);
    assert_eq!(contents(&both), [("a", &b"1"[..])]);
    let none = opened(load(&store, &ticket, named(&["nobody"]), Touch::Never).await);
    assert!(none.attributes.is_empty());
}

/// Everything is every attribute, each with its value.
pub async fn everything_is_every_attribute<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("b", "2").set("a", "1").on(&store).await);
    committed(change(&ticket).set("c", "3").on(&store).await);
    let opened = look(&store, &ticket).await;
    assert_eq!(contents(&opened), [("a", &b"1"[..]), ("b", b"2"), ("c", b"3")]);
}

/// The names of all attributes are listed, sorted, whatever values are read.
pub async fn names_are_listed_sorted_whatever_is_read<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("b", "2").set("a", "1").on(&store).await);
    committed(change(&ticket).set("B", "3").on(&store).await);
    for values in [Wanted::Nothing, named(&["a"]).values, Wanted::Everything] {
        let select = Select { values, names: true };
        let opened = opened(load(&store, &ticket, select, Touch::Never).await);
        let names = opened.names.expect("the names were asked for");
        assert_eq!(texts(&names), ["B", "a", "b"]);
    }
}

/// A session without attributes opens, and lists none.
pub async fn a_session_without_attributes_opens<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).on(&store).await);
    let opened = look(&store, &ticket).await;
    assert_eq!(opened.standing, Standing::Current);
    assert_eq!((opened.meta.attributes, opened.meta.bytes), (0, 0));
    assert!(opened.attributes.is_empty());
    assert_eq!(opened.names, Some(Vec::new()));
}

/// The metadata tells all that was agreed on when the session was created.
pub async fn the_metadata_tells_the_terms<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let lifetime = Duration::from_millis(86_400_123);
    let draft = create(&ticket).interval(Duration::from_millis(3_600_001)).lifetime(lifetime);
    let draft = draft.bound_to("ann").label("a phone").set("ab", "123");
    let now = committed(draft.on(&store).await).now;
    let meta = look(&store, &ticket).await.meta;
    assert_eq!(meta.version, Version(1));
    assert_eq!(meta.created_at, now);
    assert_eq!(meta.accessed_at, now);
    assert_eq!(meta.max_inactive_interval, Duration::from_millis(3_600_001));
    assert_eq!(meta.ends_at, Some(now.plus(lifetime)));
    assert_eq!(meta.ticket_issued_at, now);
    assert_eq!(meta.principal, Some(principal("ann")));
    assert_eq!(meta.signed_in_at, Some(now));
    assert_eq!(meta.label.as_ref().map(|label| label.as_str()), Some("a phone"));
    assert_eq!((meta.attributes, meta.bytes), (1, 5));
}

/// What was left open is told as absent: no lifetime, nobody signed in, no label.
pub async fn the_metadata_tells_what_was_left_open<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).on(&store).await);
    let meta = look(&store, &ticket).await.meta;
    assert_eq!(meta.ends_at, None);
    assert_eq!(meta.principal, None);
    assert_eq!(meta.signed_in_at, None);
    assert_eq!(meta.label, None);
}

/// The metadata of a load is from before its own access.
pub async fn a_load_shows_the_access_before_its_own<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let created = committed(create(&ticket).on(&store).await).now;
    harness.advance(harness.unit()).await;
    let first = opened(visit(&store, &ticket).await);
    assert_eq!(first.meta.accessed_at, created);
    assert!(first.now > created);
    harness.advance(harness.unit()).await;
    let second = opened(visit(&store, &ticket).await);
    assert_eq!(second.meta.accessed_at, first.now);
}

/// What one node commits, every other node reads.
pub async fn every_node_reads_the_same<H: Harness>(harness: &H) {
    let (here, there) = (harness.store().await, harness.store().await);
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(&here).await);
    assert_value(&look(&there, &ticket).await, "a", "1");
    committed(change(&ticket).set("a", "2").on(&there).await);
    assert_value(&look(&here, &ticket).await, "a", "2");
    end(&here, &ticket).await;
    assert_absent(peek(&there, &ticket).await);
}

/// Whatever version is asked for, the newest state answers, though it is older: such a version may have been lost, and is not
/// waited for.
pub async fn a_version_that_is_not_there_is_no_obstacle<H: Harness>(harness: &H) {
    let (here, there) = (harness.store().await, harness.store().await);
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").on(&here).await);
    committed(change(&ticket).set("a", "2").on(&there).await);
    for freshness in [1, 2, 3, u64::MAX].map(|version| Freshness::AtLeast(Version(version))) {
        let load = Load { guard: ticket.guard(), select: everything(), touch: Touch::Never, freshness };
        let opened = opened(here.load(&load).await.expect("load: the store must answer"));
        assert_eq!(opened.meta.version, Version(2), "{freshness:?}");
        assert_value(&opened, "a", "2");
    }
}
