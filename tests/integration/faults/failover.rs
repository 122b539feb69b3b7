//! A primary that is lost, and a replica that takes over.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use cloakroom::{Session, SessionLayer};
use cloakroom_redis::RedisStore;
use http::Request;
use http::header::COOKIE as COOKIE_HEADER;
use servers::{Postgres, PostgresPair, RedisSentinel};
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::traffic::{BOUND, Traffic, served, within};
use crate::support::{Backend, COOKIE, Site, Visitor, blocking, eventually};

/// Long enough for a replica on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// A busy machine must not look like a lost primary.
const DOWN_AFTER_MS: u32 = 10_000;

/// Long enough for what would come to come.
const MOMENT: Duration = Duration::from_millis(500);

const SESSIONS: usize = 20;

#[tokio::test]
async fn a_logout_that_a_replica_has_acknowledged_outlives_the_primary() {
    let options = RedisSentinel::options().down_after_ms(DOWN_AFTER_MS);
    let mut redis = blocking(move || options.start().unwrap()).await;
    let site = Site::start_on(Backend::RedisSentinel, &redis.url(), &BOUND).await;
    let node = logging_out_safely(&site).await;
    let mut kept = Visitor::signed_in(site.a(), "ada").await;
    kept.set(site.a(), "cart", "full").await;
    let mut ended = Vec::new();
    for number in 0..SESSIONS {
        ended.push(Visitor::with_session(site.node(number)).await.0);
    }
    let primary = redis.primary().unwrap();
    let replica = 1 - primary;
    redis.servers()[replica].pause();
    let mut first = Box::pin(log_out(&node, &ended[0]));
    assert!(timeout(MOMENT, &mut first).await.is_err(), "no replica can have it");
    redis.servers()[replica].resume();
    first.await;
    for visitor in &ended[1..] {
        log_out(&node, visitor).await;
    }
    redis.servers()[primary].kill();
    within(kept.clone().get(site.a(), "/session")).await.is(503).without_cookie();
    within(kept.clone().get(site.a(), "/plain")).await.is(200);
    let _promoted = blocking(move || redis.until_primary(replica).map(|()| redis).unwrap()).await;
    for server in [site.a(), site.b()] {
        let seen = served(&kept, server, "/session").await.is(200).without_cookie().json();
        assert_eq!(seen["principal"], "ada", "{seen}");
        assert_eq!(seen["names"], serde_json::json!(["cart"]));
        for visitor in &ended {
            assert_eq!(served(visitor, server, "/session").await.is(200).json()["new"], true);
        }
    }
    eventually(async || kept.clone().put(site.b(), "/attributes/after", 1).await.status == 204).await;
    assert_eq!(kept.names(site.a()).await, ["after", "cart"]);
}

#[tokio::test]
async fn a_standby_that_is_promoted_is_found_by_a_url_that_names_both() {
    let mut postgres = blocking(|| {
        let pair = PostgresPair::start(&Postgres::options()).unwrap();
        pair.wait_for_standby().unwrap();
        pair
    })
    .await;
    let site = Site::start_on(Backend::Postgres, &postgres.url(), &BOUND).await;
    let kept = Visitor::signed_in(site.a(), "ada").await;
    let ended = Visitor::signed_in(site.b(), "ada").await;
    ended.clone().post(site.a(), "/logout").await.is(204).removes_cookie();
    let mut promoted = None;
    let traffic = Traffic::on(&site).await;
    traffic
        .during(async |_| {
            postgres.primary().kill();
            for server in [site.a(), site.b()] {
                within(kept.clone().get(server, "/session")).await.is(503).without_cookie();
                within(kept.clone().get(server, "/plain")).await.is(200);
            }
            promoted = Some(blocking(move || postgres.promote().map(|()| postgres).unwrap()).await);
        })
        .await;
    let _promoted = promoted.unwrap();
    for server in [site.a(), site.b()] {
        assert_eq!(served(&kept, server, "/session").await.is(200).json()["principal"], "ada");
        assert_eq!(served(&ended, server, "/session").await.is(200).json()["new"], true);
    }
}

/// Makes one more node of a site, in this process, whose logouts wait for a replica.
async fn logging_out_safely(site: &Site) -> Router {
    let (url, namespace) = site.store().split_once("?namespace=").unwrap();
    let store = RedisStore::connect(url).await.unwrap().namespace(namespace).unwrap();
    let store = store.invalidations_acknowledged_by(1, LONG).unwrap();
    let logout = async |session: Session| session.invalidate();
    Router::new().route("/logout", post(logout)).layer(SessionLayer::new(store).store_timeout(LONG))
}

async fn log_out(node: &Router, visitor: &Visitor) {
    let cookie = format!("{COOKIE}={}", visitor.ticket.as_ref().unwrap());
    let request = Request::post("/logout").header(COOKIE_HEADER, cookie).body(Body::empty()).unwrap();
    let Ok(answer) = node.clone().oneshot(request).await;
    assert_eq!(answer.status(), 200, "a replica has it");
}
