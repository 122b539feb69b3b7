//! What an application may do about a store that fails: its own answer, or, on routes that say so, none of the session.

use axum::Router;
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use cloakroom::core::{BoxFuture, ErrorKind as StoreError};
use cloakroom::{AnonymousOnStoreFailure, Attr, Attribute, Error, ErrorKind, Session, StoreFailed};
use cloakroom_testkit::faulty::{Fault, Operation};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

use super::log::logged;
use super::rig::{Rig, answer, request};
use crate::support::Answer;

#[derive(Debug, Default, Deserialize, Serialize)]
struct First(i64);

impl Attribute for First {
    const NAME: &'static str = "first";
}

/// Handles a request on a route that may do without its session.
async fn marked<H, T>(rig: &Rig, ticket: Option<&str>, handler: H) -> Answer
where
    H: axum::handler::Handler<T, ()>,
    T: 'static,
{
    let app = Router::new().route("/", get(handler).layer(AnonymousOnStoreFailure)).layer(rig.layer.clone());
    let Ok(response) = app.oneshot(request(ticket).map(|()| axum::body::Body::empty())).await;
    answer(response).await
}

const FAULTS: [Fault; 4] = [
    Fault::Fail(StoreError::Unavailable),
    Fault::Fail(StoreError::Timeout),
    Fault::Fail(StoreError::Corrupt),
    Fault::Hang,
];

/// Reads as much as can be read.
async fn read(session: Session, Attrs { first }: Attrs) -> Result<(), Error> {
    assert!(session.store_failed() && session.is_new());
    assert_eq!(first.0, 0);
    assert_eq!(session.get_named::<i64>("second").await?, None);
    assert!(session.attribute_names().await?.is_empty());
    assert_eq!((session.handle(), session.principal(), session.time_left()), (None, None, None));
    session.remove_named("absent");
    session.clear();
    session.rotate();
    session.commit().await
}

/// So that the session is asked for twice.
struct Attrs {
    first: Attr<First>,
}

impl<S: Sync> axum::extract::FromRequestParts<S> for Attrs {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Error> {
        Ok(Self { first: Attr::from_request_parts(parts, state).await? })
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_that_says_so_is_read_as_by_a_stranger() {
    for fault in FAULTS {
        let rig = Rig::new();
        let ticket = rig.session().await;
        rig.faults.inject(Operation::Load, fault);
        let (log, answer) = logged(marked(&rig, Some(&ticket), read)).await;
        let answer = answer.is(200).without_cookie();
        assert_eq!(answer.header("vary"), "Cookie", "no cache may share it");
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert_eq!(rig.faults.calls().len(), 1, "the store is asked once, and told nothing");
        assert!(log.contains("WARN") && log.contains("runs without its session"), "{log}");
        assert!(!log.contains(&ticket[22..]));
        assert!(rig.opens(&ticket).await);
    }
}

type Handler = fn(Session) -> BoxFuture<'static, Result<(), Error>>;

#[tokio::test]
async fn what_would_change_anything_is_a_503_without_a_cookie() {
    let changes: [(&str, Handler); 9] = [
        ("set", |it| Box::pin(async move { it.set_named("a", &1) })),
        ("sign-in", |it| Box::pin(async move { it.sign_in("ada") })),
        ("logout", |it| {
            it.invalidate();
            Box::pin(async { Ok(()) })
        }),
        ("logout, then set", |it| {
            it.invalidate();
            Box::pin(async move { it.set_named("a", &1) })
        }),
        ("interval", |it| {
            Box::pin(async move { it.set_max_inactive_interval(std::time::Duration::from_secs(9)) })
        }),
        ("attribute in place", |it| {
            Box::pin(async move {
                it.attr::<First>().await?.0 = 5;
                Ok(())
            })
        }),
        ("update", |it| Box::pin(async move { it.update_named("n", |n: &mut i64| *n += 1).await })),
        ("commit", |it| {
            Box::pin(async move {
                it.set_named("a", &1)?;
                it.commit().await
            })
        }),
        ("heartbeat", |it| Box::pin(async move { it.heartbeat().await })),
    ];
    for (case, change) in changes {
        let rig = Rig::new();
        let ticket = rig.session().await;
        rig.faults.inject(Operation::Load, Fault::Fail(StoreError::Other));
        let answer = marked(&rig, Some(&ticket), move |session: Session| change(session)).await;
        assert_eq!(answer.status, 503, "{case}");
        answer.without_cookie();
        assert_eq!(rig.faults.calls().len(), 1, "{case}");
        assert_eq!(
            (rig.names(&ticket).await.unwrap(), rig.memory.len()),
            (vec!["first".to_owned()], 1),
            "{case}"
        );
    }
}

#[tokio::test]
async fn other_routes_and_other_failures_are_as_ever() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let fails = |operation| rig.faults.inject(operation, Fault::Fail(StoreError::Other));
    fails(Operation::Load);
    rig.run(Some(&ticket), |_| async { Ok(StatusCode::OK) }).await.is(503).without_cookie();
    rig.faults.clear(Operation::Load);
    let fetches = async |session: Session| {
        assert!(!session.store_failed());
        session.get_named::<i64>("first").await.map(drop)
    };
    marked(&rig, Some(&ticket), fetches).await.is(200);
    rig.faults.inject_times(Operation::Commit, 1, Fault::Fail(StoreError::Other));
    marked(&rig, Some(&ticket), async |it: Session| it.set_named("a", &1)).await.is(503).without_cookie();
    let loses = {
        let faults = rig.faults.clone();
        async move |session: Session| {
            faults.inject(Operation::Load, Fault::Fail(StoreError::Other));
            session.get_named::<i64>("not-foreseen").await.map(drop)
        }
    };
    marked(&rig, Some(&ticket), loses).await.is(503).without_cookie();
}

#[tokio::test]
async fn a_second_ticket_is_no_way_around_a_failure() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.faults.inject_times(Operation::Load, 1, Fault::Fail(StoreError::Other));
    let line = format!("{}; __Host-id={ticket}", cloakroom::core::Ticket::generate().unwrap().expose());
    let sees = async |session: Session| assert!(session.store_failed());
    marked(&rig, Some(&line), sees).await.is(200).without_cookie();
}

/// Answers in its own way where the library has answered that the store failed.
async fn apologise(response: Response) -> Response {
    if response.extensions().get::<StoreFailed>().is_none() {
        return response;
    }
    (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "10")], "sorry").into_response()
}

#[tokio::test]
async fn an_application_answers_in_its_own_way_wherever_the_store_failed() {
    for operation in [Operation::Load, Operation::Commit, Operation::Invalidate] {
        let rig = Rig::new();
        let ticket = rig.session().await;
        let handler = async |session: Session| {
            if session.get_named::<i64>("first").await?.is_some() {
                session.set_named("a", &1)?;
                session.commit().await?;
            }
            session.invalidate();
            Ok::<_, Error>("done")
        };
        let app = Router::new()
            .route("/", any(handler))
            .route("/own", any(async || StatusCode::SERVICE_UNAVAILABLE))
            .layer(rig.layer.clone())
            .layer(map_response(apologise));
        let ask = async |path: &str| {
            let mut request = request(Some(&ticket)).map(|()| axum::body::Body::empty());
            *request.uri_mut() = path.parse().unwrap();
            let Ok(response) = app.clone().oneshot(request).await;
            answer(response).await.without_cookie()
        };
        rig.faults.inject(operation, Fault::Fail(StoreError::Other));
        let answer = ask("/").await.is(503);
        assert_eq!((&answer.body[..], answer.header("retry-after")), (&b"sorry"[..], "10"), "{operation:?}");
        assert!(ask("/own").await.is(503).body.is_empty(), "a 503 of the application's own");
    }
}

#[tokio::test]
async fn what_replaces_an_answer_is_marked_too() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.faults.inject(Operation::Commit, Fault::Fail(StoreError::Other));
    let sets = async |request: http::Request<()>| {
        let session = Session::from_extensions(request.extensions()).await?;
        assert_eq!(
            session.require_sign_in_within(std::time::Duration::MAX).unwrap_err().kind(),
            ErrorKind::NotSignedIn
        );
        session.set_named("a", &1)?;
        Ok(StatusCode::OK)
    };
    let response = rig.response(Some(&ticket), sets).await;
    assert!(response.extensions().get::<StoreFailed>().is_some());
    rig.faults.clear(Operation::Commit);
    let fails = async |_: http::Request<()>| Ok(StatusCode::SERVICE_UNAVAILABLE);
    assert!(rig.response(Some(&ticket), fails).await.extensions().get::<StoreFailed>().is_none());
}
