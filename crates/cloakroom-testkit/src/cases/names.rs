//! Names are compared byte for byte.

use cloakroom_core::{Expect, Touch, Version};

use crate::Harness;
use crate::support::*;

/// Names that a collation, a pattern or a separator may take for one another are different attributes.
pub async fn names_are_compared_byte_for_byte<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let names = lookalikes();
    let draft = names.iter().fold(create(&ticket), |draft, name| draft.set(name, name.clone()));
    committed(draft.on(&store).await);
    let opened = look(&store, &ticket).await;
    let expected = sorted(names.iter().map(|name| (name.as_str(), name.as_bytes())));
    assert_eq!(contents(&opened), expected);
}

/// Each of them is read by itself.
pub async fn each_name_is_read_by_itself<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let names = lookalikes();
    let draft = names.iter().fold(create(&ticket), |draft, name| draft.set(name, name.clone()));
    committed(draft.on(&store).await);
    for name in &names {
        let opened = opened(load(&store, &ticket, named(&[name]), Touch::Never).await);
        assert_eq!(contents(&opened), [(name.as_str(), name.as_bytes())]);
    }
}

/// Each of them is written, expected and removed by itself.
pub async fn each_name_is_changed_by_itself<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let names = lookalikes();
    committed(create(&ticket).on(&store).await);
    for name in &names {
        let draft = change(&ticket).set(name, "1").expecting(Expect::Absent);
        committed(draft.on(&store).await);
    }
    let meta = look(&store, &ticket).await.meta;
    let bytes: usize = names.iter().map(|name| name.len() + 1).sum();
    assert_eq!((meta.attributes as usize, meta.bytes), (names.len(), bytes as u64));
    for (number, name) in (0u64..).zip(&names) {
        let expect = Expect::Revision(Version(number + 2));
        committed(change(&ticket).remove(name).expecting(expect).on(&store).await);
        let left = look(&store, &ticket).await.attributes.len();
        assert_eq!(left, names.len() - 1 - number as usize, "after removing {name:?}");
    }
}

/// Names are listed in the order of their bytes.
pub async fn names_are_sorted_by_their_bytes<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let names = lookalikes();
    let draft = names.iter().fold(create(&ticket), |draft, name| draft.set(name, ""));
    committed(draft.on(&store).await);
    let expected = sorted(names.iter().map(String::as_str));
    let listed = look(&store, &ticket).await.names.expect("names");
    assert_eq!(texts(&listed), expected);
    let ended = end(&store, &ticket).await;
    assert_eq!(texts(&ended[0].names), expected);
}
