use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::support::{Backend, Held, Site, Visitor, for_each_site};

for_each_site!(
    a_sign_in_that_races_with_the_end_of_all_comes_after_it_or_is_ended_too,
    a_slow_writer_and_a_rotation_lose_nothing_of_each_other,
);

/// Whoever was signed in before is out. Of those who signed in meanwhile, each is either out or in the list: there is no
/// session that works and that the next end of all would miss.
async fn a_sign_in_that_races_with_the_end_of_all_comes_after_it_or_is_ended_too(backend: Backend) {
    let site = Site::start(backend, &["--store-timeout", "20s"]).await;
    for round in 0..5 {
        let mut early = Visitor::signed_in(site.a(), "ada").await;
        let mut ending = Visitor::signed_in(site.b(), "ada").await;
        let sign_ins = (0..6).map(|number| {
            let server = site.node(number);
            async move {
                tokio::time::sleep(Duration::from_millis(number as u64 * (round + 1) / 2)).await;
                Visitor::signed_in(server, "ada").await
            }
        });
        let ends = ending.delete(site.b(), "/principal/sessions");
        let (mut raced, ended) = tokio::join!(join_all(sign_ins), ends);
        ended.is(200).removes_cookie();
        assert_eq!(early.session(site.a()).await["principal"], Value::Null);
        let mut watcher = Visitor::signed_in(site.a(), "ada").await;
        let listed = watcher.get(site.b(), "/principal/sessions").await.is(200).json();
        for visitor in &mut raced {
            let seen = visitor.session(site.b()).await;
            let lives = seen["principal"] == "ada";
            let is_listed =
                lives && listed.as_array().unwrap().iter().any(|one| one["handle"] == seen["handle"]);
            assert_eq!(lives, is_listed, "{seen} {listed}");
        }
        watcher.delete(site.a(), "/principal/sessions").await.is(200);
        for visitor in &mut raced {
            assert_eq!(visitor.session(site.a()).await["principal"], Value::Null);
        }
    }
}

async fn a_slow_writer_and_a_rotation_lose_nothing_of_each_other(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (mut visitor, old) = Visitor::with_session(site.a()).await;
    let late = Held::begin(site.a(), &old, "slow").await;
    let ticket = visitor.post(site.b(), "/rotate").await.is(204).ticket();
    visitor.set(site.b(), "fast", 1).await;
    late.finish().await.is(204).without_cookie();
    assert_ne!(ticket, old);
    assert_eq!(visitor.names(site.a()).await, ["fast", "first", "slow"]);
}
