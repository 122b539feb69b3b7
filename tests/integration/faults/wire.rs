//! What goes over the wire to the store, counted at a proxy.

use crate::support::{Backend, Node, Site, Visitor, for_each_single_server};

for_each_single_server!(a_small_attribute_of_a_large_session_costs_little);

/// What a small read or change may send, and what it may get.
const LITTLE: u64 = 1024;

async fn a_small_attribute_of_a_large_session_costs_little(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let node = Node::of(&site).await;
    let mut visitor = Visitor::new();
    let before = node.proxy.traffic();
    visitor.post(&node.server, "/fill?attributes=50&bytes=4096").await.is(204);
    let filled = node.proxy.traffic().bytes_to_server - before.bytes_to_server;
    assert!(filled > 50 * 4096, "{filled} bytes, so it does not count");
    let (mut reads, mut changes) = (Vec::new(), Vec::new());
    for number in 0..10 {
        changes.push(cost(&node, change(&node, &visitor, number)).await);
        reads.push(cost(&node, read(&node, &visitor)).await);
    }
    let (read, change) = (least(&reads), least(&changes));
    println!("{backend:?}: bytes sent and got by a read {read:?}, by a change {change:?}");
    for bytes in [read.0, read.1, change.0, change.1] {
        assert!(bytes > 0 && bytes < LITTLE, "{backend:?}: a read {read:?}, a change {change:?}");
    }
}

async fn read(node: &Node, visitor: &Visitor) {
    visitor.clone().get(&node.server, "/attributes/small").await.is(200);
}

async fn change(node: &Node, visitor: &Visitor, value: u32) {
    visitor.clone().set(&node.server, "small", value).await;
}

/// Returns what it costs once the connection knows the statements, which it may be told several times.
fn least(costs: &[(u64, u64)]) -> (u64, u64) {
    costs.iter().copied().min_by_key(|(sent, got)| sent + got).unwrap()
}

/// Returns how many bytes went to the server, and how many came back.
async fn cost(node: &Node, request: impl Future<Output = ()>) -> (u64, u64) {
    let before = node.proxy.traffic();
    request.await;
    let after = node.proxy.traffic();
    (after.bytes_to_server - before.bytes_to_server, after.bytes_to_client - before.bytes_to_client)
}
