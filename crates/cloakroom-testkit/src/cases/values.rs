//! Values are opaque bytes.

use cloakroom_core::{Limits, Touch};

use crate::Harness;
use crate::support::*;

const MEGABYTE: usize = 1 << 20;

/// An empty value is a value: the attribute exists.
pub async fn an_empty_value_is_a_value<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    committed(create(&ticket).set("empty", "").on(&store).await);
    let opened = opened(load(&store, &ticket, named(&["empty"]), Touch::Never).await);
    assert_value(&opened, "empty", "");
    assert_eq!((opened.meta.attributes, opened.meta.bytes), (1, 5));
    committed(change(&ticket).set("empty", "full").on(&store).await);
    committed(change(&ticket).set("empty", "").on(&store).await);
    assert_value(&look(&store, &ticket).await, "empty", "");
}

/// Every byte comes back as it was, in any order and at any place.
pub async fn every_byte_comes_back<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let all: Vec<u8> = (0..=255).collect();
    let backward: Vec<u8> = (0..=255).rev().collect();
    let draft = create(&ticket).set("all", all.clone()).set("backward", backward.clone());
    let draft = (0..=255u8).fold(draft, |draft, byte| draft.set(&format!("{byte:03}"), vec![byte]));
    committed(draft.on(&store).await);
    let opened = look(&store, &ticket).await;
    assert_value(&opened, "all", all);
    assert_value(&opened, "backward", backward);
    for byte in 0..=255u8 {
        assert_value(&opened, &format!("{byte:03}"), vec![byte]);
    }
}

/// A value of one megabyte comes back as it was, beside small ones.
pub async fn a_megabyte_comes_back<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let large: Vec<u8> = (0..MEGABYTE).map(|_| next()).collect();
    let limits =
        Limits { attribute_bytes: MEGABYTE as u64, session_bytes: 2 * MEGABYTE as u64, ..Limits::default() };
    let draft = create(&ticket).set("large", large.clone()).set("small", "1");
    committed(draft.limits(limits).on(&store).await);
    let opened = look(&store, &ticket).await;
    assert_value(&opened, "large", large.clone());
    assert_value(&opened, "small", "1");
    assert_eq!(opened.meta.bytes, MEGABYTE as u64 + 11);
    let reversed: Vec<u8> = large.into_iter().rev().collect();
    let draft = change(&ticket).set("large", reversed.clone()).limits(limits);
    committed(draft.on(&store).await);
    assert_value(&look(&store, &ticket).await, "large", reversed);
}

/// A label and a principal of any text come back as they were.
pub async fn any_text_comes_back<H: Harness>(harness: &H) {
    let store = harness.store().await;
    for text in lookalikes() {
        let ticket = ticket();
        committed(create(&ticket).bound_to(&text).label(&text).on(&store).await);
        let meta = look(&store, &ticket).await.meta;
        assert_eq!(meta.principal, Some(principal(&text)));
        assert_eq!(meta.label.as_ref().map(|label| label.as_str()), Some(text.as_str()));
    }
}
