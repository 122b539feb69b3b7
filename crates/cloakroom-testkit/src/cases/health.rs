//! What a store tells of itself.

use cloakroom_core::Store;

use crate::Harness;

/// A store that is well answers a ping.
pub async fn a_ping_is_answered<H: Harness>(harness: &H) {
    let store = harness.store().await;
    store.ping().await.expect("ping: the store must answer");
}

/// A store tells the kind of its backend.
pub async fn the_backend_is_named<H: Harness>(harness: &H) {
    assert!(!harness.store().await.about().backend.is_empty());
}
