//! A reader on another node while commits are made.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::{Backend, Reader, Site, Visitor, for_each_shared_store};

for_each_shared_store!(a_reader_elsewhere_never_sees_half_of_a_commit);

/// How many states of the session the reader has to see.
const STATES: usize = 30;

/// A session does not take more than a thousand attributes.
const NAMES: u32 = 400;

async fn a_reader_elsewhere_never_sees_half_of_a_commit(backend: Backend) {
    let site = Site::start(backend, &["--store-timeout", "20s"]).await;
    let (visitor, ticket) = Visitor::with_session(site.a()).await;
    let reader = Reader::of(&site).await;
    let is_over = AtomicBool::new(false);
    let write = async {
        let mut writer = visitor.clone();
        for turn in 0.. {
            let (one, other) = (format!("x{}", turn % NAMES), format!("y{}", turn % NAMES));
            let large = "x".repeat(2000);
            let pairs = json!({ "a": turn, one: large, other: large, "b": turn });
            writer.post_json(site.a(), "/attributes", pairs).await.is(204);
            if is_over.load(Ordering::Relaxed) {
                return;
            }
        }
    };
    let read = async {
        let mut states = BTreeSet::new();
        while states.len() < STATES {
            let (values, names) = reader.read(&ticket, &["b", "a"]).await;
            assert_eq!(values.get("a"), values.get("b"), "half of a commit");
            whole(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
            whole(&visitor.clone().names(site.b()).await);
            states.insert(values.get("a").cloned());
        }
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(write, read);
}

/// Checks that of each pair of names both are there or neither.
fn whole(names: &[String]) {
    let of = |letter| names.iter().filter_map(|name| name.strip_prefix(letter)).collect::<BTreeSet<_>>();
    assert_eq!(of('x'), of('y'), "half of a commit");
}
