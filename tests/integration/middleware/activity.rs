//! Which requests count as their visitor's activity, where the layer or the route says so.

use std::time::Duration;

use axum::Router;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use cloakroom::core::{ErrorKind as StoreError, Touch};
use cloakroom::{Activity, ErrorKind, Session};
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::{Call, Fault, Operation};
use http::{Extensions, Request, StatusCode};
use tower::ServiceExt as _;

use super::log::logged;
use super::rig::{Rig, answer, request};
use crate::support::Answer;

const INTERVAL: Duration = Duration::from_secs(60);

async fn used(_: Session) {}

async fn unused() {}

/// One route for each kind of activity, once with a handler that uses its session and once with one that does not.
fn app(rig: &Rig) -> Router {
    Router::new()
        .route("/", get(used))
        .route("/plain", get(unused))
        .route("/always", get(used).layer(Activity::Always))
        .route("/plain/always", get(unused).layer(Activity::Always))
        .route("/never", get(used).layer(Activity::Never))
        .route("/plain/never", get(unused).layer(Activity::Never))
        .route("/if-used", get(used).layer((Activity::Never, Activity::IfUsed)))
        .layer(rig.layer.clone())
}

async fn get_from(app: &Router, path: &str, ticket: &str) -> Answer {
    let mut request = request(Some(ticket)).map(|()| axum::body::Body::empty());
    *request.uri_mut() = path.parse().unwrap();
    let Ok(response) = app.clone().oneshot(request).await;
    answer(response).await.is(200).without_cookie()
}

/// Returns how the loads of a request were an access.
async fn touches(rig: &Rig, app: &Router, path: &str, ticket: &str) -> Vec<Touch> {
    rig.faults.forget_calls();
    get_from(app, path, ticket).await;
    let touch = |call| match call {
        Call::Load(load) => load.touch,
        other => panic!("{path}: {other:?}"),
    };
    rig.faults.calls().into_iter().map(touch).collect()
}

const COUNTS: &[Touch] = &[Touch::AtMostEvery(Duration::ZERO)];
const DOES_NOT: &[Touch] = &[Touch::Never];

#[tokio::test]
async fn a_route_says_whether_it_counts() {
    let rig = Rig::with(|layer| layer.touch_every(Duration::ZERO));
    let (ticket, app) = (rig.session().await, app(&rig));
    for (path, expected) in [
        ("/", COUNTS),
        ("/plain", &[]),
        ("/always", COUNTS),
        ("/plain/always", COUNTS),
        ("/never", DOES_NOT),
        ("/plain/never", &[]),
        ("/if-used", COUNTS),
    ] {
        assert_eq!(touches(&rig, &app, path, &ticket).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_route_has_the_last_word_where_every_request_counts() {
    let rig = Rig::with(|layer| layer.touch_every(Duration::ZERO).every_request_is_access());
    let (ticket, app) = (rig.session().await, app(&rig));
    for (path, expected) in
        [("/", COUNTS), ("/plain", COUNTS), ("/never", DOES_NOT), ("/plain/never", &[]), ("/if-used", COUNTS)]
    {
        assert_eq!(touches(&rig, &app, path, &ticket).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_rule_decides_by_the_head_and_a_route_has_the_last_word() {
    let rig = Rig::with(|layer| {
        layer.touch_every(Duration::ZERO).activity(|method, uri, headers| {
            assert_eq!((method, headers.contains_key("x-none")), (&http::Method::GET, false));
            if uri.path().starts_with("/plain") { Activity::Always } else { Activity::Never }
        })
    });
    let (ticket, app) = (rig.session().await, app(&rig));
    for (path, expected) in [
        ("/", DOES_NOT),
        ("/plain", COUNTS),
        ("/always", COUNTS),
        ("/plain/never", &[]),
        ("/if-used", COUNTS),
    ] {
        assert_eq!(touches(&rig, &app, path, &ticket).await, expected, "{path}");
    }
}

#[tokio::test]
async fn polling_does_not_keep_a_session_alive_and_activity_does() {
    let clock = ManualClock::default();
    let rig =
        Rig::on_clock(&clock, |layer| layer.max_inactive_interval(INTERVAL).touch_every(Duration::ZERO));
    let app = app(&rig);
    for (path, lives) in
        [("/never", false), ("/plain/never", false), ("/always", true), ("/plain/always", true)]
    {
        let ticket = rig.session().await;
        for _ in 0..7 {
            clock.advance(INTERVAL / 6);
            get_from(&app, path, &ticket).await;
        }
        assert_eq!(rig.opens(&ticket).await, lives, "{path}");
    }
}

async fn looks_first(_: Session, request: axum::extract::Request, next: Next) -> Response {
    next.run(request).await
}

/// An application like [`app`] with a middleware that uses every session before its route is known, where nothing counts
/// by itself.
fn looked_at_first(rig: &Rig) -> Router {
    let tells = async |session: Session| session.time_left().unwrap().as_secs().to_string();
    Router::new()
        .route("/", get(used))
        .route("/always", get(used).layer(Activity::Always))
        .route("/plain/always", get(unused).layer(Activity::Always))
        .route("/plain/if-used", get(unused).layer(Activity::IfUsed))
        .route("/plain/never", get(unused).layer(Activity::Never))
        .route("/told", get(tells).layer(Activity::Always))
        .layer(from_fn(looks_first))
        .layer(rig.layer.clone())
}

#[tokio::test]
async fn the_innermost_mark_has_the_last_word_though_the_session_was_loaded_before() {
    let rig = Rig::with(|layer| layer.touch_every(Duration::ZERO).activity(|_, _, _| Activity::Never));
    let (ticket, app) = (rig.session().await, looked_at_first(&rig));
    let counted = &[DOES_NOT, COUNTS].concat()[..];
    for (path, expected) in [
        ("/", DOES_NOT),
        ("/always", counted),
        ("/plain/always", counted),
        ("/plain/if-used", counted),
        ("/plain/never", DOES_NOT),
    ] {
        assert_eq!(touches(&rig, &app, path, &ticket).await, expected, "{path}");
    }
}

#[tokio::test]
async fn what_counts_only_after_it_was_loaded_tells_no_more_time_than_is_true_and_is_recorded() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| {
        layer.max_inactive_interval(INTERVAL).touch_every(Duration::ZERO).activity(|_, _, _| Activity::Never)
    });
    let (ticket, app) = (rig.session().await, looked_at_first(&rig));
    clock.advance(INTERVAL / 2);
    assert_eq!(get_from(&app, "/told", &ticket).await.body, "30");
    let opened = rig.opened(&ticket).await.unwrap();
    assert_eq!(opened.meta.accessed_at, opened.now);
}

#[tokio::test]
async fn what_counts_only_after_it_was_loaded_renews_an_old_ticket() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| {
        layer.renew_every(Duration::from_secs(1)).activity(|_, _, _| Activity::Never)
    });
    let ticket = rig.session().await;
    clock.advance(Duration::from_secs(1));
    let counts = async |request: Request<()>| {
        Session::from_extensions(request.extensions()).await?;
        Activity::IfUsed.mark(request.extensions())?;
        Ok(StatusCode::OK)
    };
    rig.serve(Some(&ticket), counts).await.is(200).ticket();
    assert_eq!((rig.faults.count(Operation::Load), rig.faults.count(Operation::Commit)), (1, 1));
}

/// That the access is not recorded is no reason to refuse what the request came for.
#[tokio::test]
async fn an_access_after_the_load_that_the_store_does_not_take_harms_no_answer() {
    let rig = Rig::with(|layer| layer.activity(|_, _, _| Activity::Never));
    let ticket = rig.session().await;
    let counts = async |request: Request<()>| {
        Session::from_extensions(request.extensions()).await?;
        Activity::Always.mark(request.extensions())?;
        rig.faults.inject(Operation::Load, Fault::Fail(StoreError::Unavailable));
        Ok(StatusCode::OK)
    };
    rig.serve(Some(&ticket), counts).await.is(200).without_cookie();
}

/// A renewal is a commit, and a commit is an access: a page that polls would live for ever.
#[tokio::test]
async fn what_is_no_activity_renews_nothing() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| layer.renew_every(Duration::from_secs(1)));
    let (ticket, app) = (rig.session().await, app(&rig));
    clock.advance(Duration::from_secs(1));
    assert_eq!(touches(&rig, &app, "/never", &ticket).await, DOES_NOT);
    let rotates = async |request: Request<()>| {
        Activity::Never.mark(request.extensions())?;
        let session = Session::from_extensions(request.extensions()).await?;
        session.rotate();
        Ok(StatusCode::OK)
    };
    rig.serve(Some(&ticket), rotates).await.is(200).ticket();
}

#[tokio::test]
async fn what_it_writes_and_a_heartbeat_count_all_the_same() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| layer.max_inactive_interval(INTERVAL));
    let ticket = rig.session().await;
    for writes in [true, false] {
        clock.advance(INTERVAL / 2);
        let acts = async |request: Request<()>| {
            Activity::Never.mark(request.extensions())?;
            let session = Session::from_extensions(request.extensions()).await?;
            let done = if writes { session.set_named("a", &1) } else { session.heartbeat().await };
            done.map(|()| StatusCode::OK)
        };
        rig.serve(Some(&ticket), acts).await.is(200);
        let meta = rig.opened(&ticket).await.unwrap();
        assert_eq!(meta.meta.accessed_at, meta.now);
    }
}

#[tokio::test]
async fn every_layer_around_is_told() {
    let rig = Rig::with(|layer| layer.cookie_name("__Host-admin").touch_every(Duration::ZERO));
    let outer = rig.node_with(|layer| layer.touch_every(Duration::ZERO));
    let ticket = outer.session().await;
    let app = Router::new()
        .route("/plain/always", get(unused).layer(Activity::Always))
        .layer(rig.layer.clone())
        .layer(outer.layer.clone());
    assert_eq!(touches(&outer, &app, "/plain/always", &ticket).await, COUNTS);
    assert_eq!(rig.faults.count(Operation::Load), 0, "it has no cookie");
}

#[tokio::test]
async fn outside_a_session_layer_a_mark_says_that_it_is_of_no_use() {
    let error = Activity::Never.mark(&Extensions::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingLayer);
    let rig = Rig::new();
    let app = Router::new().route("/", get(unused)).layer(rig.layer.clone()).layer(Activity::Never);
    let (log, _) = logged(get_from(&app, "/", &rig.session().await)).await;
    assert!(log.contains("WARN") && log.contains("no effect"), "{log}");
}
