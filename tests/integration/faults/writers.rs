//! Writers of one session on several nodes.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Backend, Site, Visitor, for_each_shared_store};

for_each_shared_store!(slow_writers_lose_none_of_their_attributes, increments_add_up);

const WRITERS: usize = 16;
const CLIENTS: usize = 8;

/// A busy machine must not look like a store that is away.
const PATIENT: [&str; 2] = ["--store-timeout", "20s"];

/// Returns how many rounds to run: a few, or as many as whoever soaks wants.
fn rounds() -> usize {
    if std::env::var_os("CLOAKROOM_TEST_SOAK").is_some() { 1000 } else { 20 }
}

async fn slow_writers_lose_none_of_their_attributes(backend: Backend) {
    let site = Site::start(backend, &PATIENT).await;
    for round in 0..rounds() {
        let (visitor, _) = Visitor::with_session(site.a()).await;
        let writers = (0..WRITERS).map(|writer| {
            let (mut visitor, server) = (visitor.clone(), site.node(writer + round));
            let path = format!("/slow?ms={}&set=n{writer:02}", writer % 4);
            async move { visitor.post(server, &path).await.is(204).without_cookie() }
        });
        join_all(writers).await;
        let mut expected: Vec<String> = (0..WRITERS).map(|writer| format!("n{writer:02}")).collect();
        expected.insert(0, "first".to_owned());
        assert_eq!(visitor.clone().names(site.node(round)).await, expected, "in round {round}");
    }
}

async fn increments_add_up(backend: Backend) {
    let site = Site::start(backend, &PATIENT).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let each = rounds();
    let clients = (0..CLIENTS).map(|client| {
        let (mut visitor, server) = (visitor.clone(), site.node(client));
        async move {
            for _ in 0..each {
                visitor.post(server, "/increment/total").await.is(200).without_cookie();
            }
        }
    });
    join_all(clients).await;
    assert_eq!(visitor.attribute(site.a(), "total").await, Some(json!(CLIENTS * each)));
    assert_eq!(visitor.attribute(site.b(), "total").await, Some(json!(CLIENTS * each)));
}
