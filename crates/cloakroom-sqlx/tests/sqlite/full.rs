use cloakroom_core::{ErrorKind, Invalidate, Store as _};
use cloakroom_testkit::Harness as _;

use crate::support::*;

/// SQLite may roll back by itself when it has no room, behind the driver's back: the connection must not be used again.
#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    let nodes = Nodes::new();
    nodes.store().await;
    let store = nodes.store_with(1, nodes.options().pragma("max_page_count", "60")).await;
    let first = session(&store, "a", "first").await;
    let mut filling = Vec::new();
    let error = loop {
        let ticket = cloakroom_core::Ticket::generate().unwrap();
        match store.commit(&create(ticket.guard(), vec![set("a", vec![1; 20_000])])).await {
            Ok(_) => filling.push(ticket),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(read(&store, &first, "a").await.unwrap(), "first");
    for ticket in filling {
        let _ = store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    }
    commit(&store, &change(first.guard(), vec![set("a", "second")])).await;
    assert_eq!(read(&store, &first, "a").await.unwrap(), "second");
}
