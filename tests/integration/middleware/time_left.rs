//! How long a session still lives.

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::{get, post};
use cloakroom::core::Clock as _;
use cloakroom::{Error, Session, SessionLayer, TimeLeft};
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::{Fault, Operation};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::rig::{Rig, answer, request};
use crate::support::Answer;

const INTERVAL: Duration = Duration::from_secs(100);
const LIFETIME: Duration = Duration::from_secs(250);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn app(rig: &Rig) -> Router {
    Router::new()
        .route("/time-left", get(TimeLeft::show))
        .route("/keep-alive", post(TimeLeft::keep_alive))
        .layer(rig.layer.clone())
}

async fn ask(rig: &Rig, method: Method, path: &str, ticket: Option<&str>) -> Answer {
    let mut request = request(ticket).map(|()| axum::body::Body::empty());
    (*request.uri_mut(), *request.method_mut()) = (path.parse().unwrap(), method);
    let Ok(response) = app(rig).oneshot(request).await;
    answer(response).await.without_cookie()
}

async fn shown(rig: &Rig, method: Method, path: &str, ticket: Option<&str>) -> [Value; 2] {
    let answer = ask(rig, method, path, ticket).await.is(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let shown = answer.json();
    ["time_left_ms", "lifetime_left_ms"].map(|name| shown[name].clone())
}

fn limited(layer: SessionLayer) -> SessionLayer {
    layer.max_inactive_interval(INTERVAL).max_lifetime(LIFETIME).touch_every(Duration::ZERO)
}

#[tokio::test]
async fn asking_does_not_keep_a_session_alive() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, limited);
    let ticket = rig.session().await;
    for passed in (0..100).step_by(20) {
        let expected = [json!((100 - passed) * 1000), json!((250 - passed) * 1000)];
        assert_eq!(shown(&rig, Method::GET, "/time-left", Some(&ticket)).await, expected);
        clock.advance(seconds(20));
    }
    let over = [Value::Null, Value::Null];
    assert_eq!(shown(&rig, Method::GET, "/time-left", Some(&ticket)).await, over);
    assert_eq!(shown(&rig, Method::GET, "/time-left", None).await, over);
    assert_eq!(rig.faults.count(Operation::Commit), 0);
}

#[tokio::test]
async fn keeping_alive_tells_what_there_is_from_then_on() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| limited(layer).touch_every(seconds(3600)));
    let ticket = rig.session().await;
    for expected in [[100_000, 245_000], [100_000, 240_000]] {
        clock.advance(seconds(5));
        let left = shown(&rig, Method::POST, "/keep-alive", Some(&ticket)).await;
        assert_eq!(left, expected.map(Value::from), "whatever the throttle");
    }
    clock.advance(seconds(90));
    shown(&rig, Method::POST, "/keep-alive", Some(&ticket)).await;
    clock.advance(seconds(90));
    let left = shown(&rig, Method::POST, "/keep-alive", Some(&ticket)).await;
    assert_eq!(left, [json!(60_000), json!(60_000)], "nothing keeps it beyond its max lifetime");
    clock.advance(seconds(60));
    let over = [Value::Null, Value::Null];
    assert_eq!(shown(&rig, Method::POST, "/keep-alive", Some(&ticket)).await, over);
}

#[tokio::test]
async fn a_store_that_fails_is_no_session_without_time() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.faults.inject(Operation::Load, Fault::Fail(cloakroom::core::ErrorKind::Unavailable));
    for (method, path) in [(Method::GET, "/time-left"), (Method::POST, "/keep-alive")] {
        ask(&rig, method, path, Some(&ticket)).await.is(503);
    }
}

type Act = fn(Session) -> cloakroom::core::BoxFuture<'static, Result<(), Error>>;

/// Returns the seconds that a request is told after it has acted.
async fn told(rig: &Rig, clock: &ManualClock, ticket: Option<&str>, act: Act) -> Option<u64> {
    let mut left = None;
    let told = &mut left;
    let acts = move |session: Session| async move {
        act(session.clone()).await?;
        *told = session.time_left();
        let now: SystemTime = clock.now().into();
        assert_eq!(session.expires_at(), told.map(|left| now + left));
        Ok(StatusCode::OK)
    };
    rig.run(ticket, acts).await.is(200);
    left.map(|left| left.as_secs())
}

const NOTHING: Act = |_| Box::pin(async { Ok(()) });

/// The throttle is a tenth of the interval, for that is less than what was asked for.
#[tokio::test]
async fn an_access_counts_as_far_as_it_was_recorded() {
    let recorded: [Act; 3] = [
        |session| Box::pin(async move { session.heartbeat().await }),
        |session| {
            Box::pin(async move {
                session.set_named("a", &1)?;
                session.commit().await
            })
        },
        |session| Box::pin(async move { session.update_named("n", |n: &mut i64| *n += 1).await }),
    ];
    for act in recorded {
        let clock = ManualClock::default();
        let rig =
            Rig::on_clock(&clock, |layer| layer.max_inactive_interval(INTERVAL).touch_every(seconds(30)));
        let ticket = rig.session().await;
        clock.advance(seconds(9));
        assert_eq!(told(&rig, &clock, Some(&ticket), NOTHING).await, Some(91), "not recorded");
        assert_eq!(told(&rig, &clock, Some(&ticket), act).await, Some(100));
        clock.advance(seconds(9));
        assert_eq!(told(&rig, &clock, Some(&ticket), NOTHING).await, Some(91), "as it was");
        clock.advance(seconds(1));
        assert_eq!(told(&rig, &clock, Some(&ticket), NOTHING).await, Some(100), "recorded");
        let opened = rig.opened(&ticket).await.unwrap();
        assert_eq!(opened.meta.accessed_at, opened.now, "as it was");
    }
}

#[tokio::test]
async fn there_is_time_left_from_when_the_session_is_in_the_store() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| layer.max_inactive_interval(INTERVAL));
    let sets: Act = |session| Box::pin(async move { session.set_named("a", &1) });
    assert_eq!(told(&rig, &clock, None, sets).await, None);
    let commits: Act = |session| {
        Box::pin(async move {
            session.set_named("a", &1)?;
            session.set_max_inactive_interval(seconds(7))?;
            session.commit().await
        })
    };
    assert_eq!(told(&rig, &clock, None, commits).await, Some(7));
    assert_eq!(told(&rig, &clock, None, NOTHING).await, None);
}
