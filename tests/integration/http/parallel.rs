use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Backend, Site, Visitor, for_each_site};

for_each_site!(
    no_writer_loses_another_ones_attribute,
    no_increment_is_lost,
    several_at_once_are_seen_together_or_not_at_all,
);

async fn no_writer_loses_another_ones_attribute(backend: Backend) {
    let site = Site::start(backend, &["--store-timeout", "20s"]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let writers = (0..16).map(|number| {
        let (mut visitor, server) = (visitor.clone(), site.node(number));
        async move {
            let path = format!("/slow?ms=300&set=n{number:02}");
            visitor.post(server, &path).await.is(204).without_cookie();
        }
    });
    join_all(writers).await;
    let expected: Vec<String> =
        ["first".to_owned()].into_iter().chain((0..16).map(|number| format!("n{number:02}"))).collect();
    assert_eq!(visitor.names(site.a()).await, expected);
    assert_eq!(visitor.names(site.b()).await, expected);
}

async fn no_increment_is_lost(backend: Backend) {
    let site = Site::start(backend, &["--store-timeout", "20s"]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let clients = (0..8).map(|number| {
        let (mut visitor, server) = (visitor.clone(), site.node(number));
        async move {
            let mut answers = Vec::new();
            for _ in 0..10 {
                answers.push(visitor.post(server, "/increment/total").await.is(200).without_cookie().json());
            }
            answers
        }
    });
    let mut answers: Vec<i64> =
        join_all(clients).await.concat().iter().map(|answer| answer.as_i64().unwrap()).collect();
    answers.sort_unstable();
    assert_eq!(answers, (1..=80).collect::<Vec<_>>(), "each its own");
    assert_eq!(visitor.attribute(site.b(), "total").await, Some(json!(80)));
}

async fn several_at_once_are_seen_together_or_not_at_all(backend: Backend) {
    let site = Site::start(backend, &["--store-timeout", "20s"]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    visitor.post_json(site.a(), "/attributes", json!({ "pair": [0], "twin": [0] })).await.is(204);
    let writes = async {
        let mut writer = visitor.clone();
        for turn in 1..30 {
            let body = if turn % 2 == 0 { json!({ "pair": 1, "twin": 1 }) } else { json!({ "lone": 1 }) };
            if turn % 2 == 0 {
                writer.delete(site.a(), "/attributes/lone").await.is(204);
                writer.post_json(site.a(), "/attributes", body).await.is(204);
            } else {
                writer.post_json(site.a(), "/attributes", body).await.is(204);
            }
        }
    };
    let reads = async {
        let mut reader = visitor.clone();
        for _ in 0..30 {
            let names = reader.names(site.b()).await;
            assert!(names.contains(&"pair".to_owned()) && names.contains(&"twin".to_owned()), "{names:?}");
        }
    };
    tokio::join!(writes, reads);
}
