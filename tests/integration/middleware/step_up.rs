//! What asks for a recent sign-in.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use cloakroom::core::BoxFuture;
use cloakroom::{AnonymousOnStoreFailure, Error, ErrorKind, RecentSignIn, Session};
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::{Fault, Operation};
use http::StatusCode;
use tower::ServiceExt as _;

use super::rig::{Rig, answer, request};
use crate::support::Answer;

const AGE: Duration = Duration::from_secs(300);
const MOMENT: Duration = Duration::from_millis(1);

fn app(rig: &Rig) -> Router {
    let confirmed = async |confirmed: RecentSignIn<300>| {
        assert_eq!(confirmed.session.principal(), Some(confirmed.principal.clone()));
        confirmed.principal.to_string()
    };
    let redirects = async |confirmed: Result<RecentSignIn<300>, Error>| match confirmed {
        Ok(_) => StatusCode::OK,
        Err(error) if error.kind() == ErrorKind::SignInTooOld => StatusCode::SEE_OTHER,
        Err(error) => error.status(),
    };
    Router::new()
        .route("/confirmed", post(confirmed))
        .route("/redirects", post(redirects))
        .route("/lax", post(confirmed).layer(AnonymousOnStoreFailure))
        .layer(rig.layer.clone())
}

async fn ask(rig: &Rig, path: &str, ticket: Option<&str>) -> Answer {
    let mut request = request(ticket).map(|()| axum::body::Body::empty());
    (*request.uri_mut(), *request.method_mut()) = (path.parse().unwrap(), http::Method::POST);
    let Ok(response) = app(rig).oneshot(request).await;
    answer(response).await.without_cookie()
}

async fn sign_in(rig: &Rig, ticket: Option<&str>) -> String {
    let signs_in = |session: Session| async move {
        session.sign_in("ada")?;
        assert!(session.require_sign_in_within(Duration::ZERO).is_ok(), "as recent as can be");
        Ok(StatusCode::OK)
    };
    rig.run(ticket, signs_in).await.is(200).ticket()
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

#[tokio::test]
async fn a_sign_in_is_recent_up_to_its_age_by_the_stores_clock() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| layer);
    let ticket = sign_in(&rig, None).await;
    clock.advance(AGE);
    assert_eq!(text(&ask(&rig, "/confirmed", Some(&ticket)).await.is(200)), "ada");
    ask(&rig, "/redirects", Some(&ticket)).await.is(200);
    clock.advance(MOMENT);
    assert!(text(&ask(&rig, "/confirmed", Some(&ticket)).await.is(403)).contains("sign in again"));
    ask(&rig, "/redirects", Some(&ticket)).await.is(303);
}

#[tokio::test]
async fn signing_in_once_more_is_recent_and_using_the_session_is_not() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| layer.touch_every(Duration::ZERO));
    let mut ticket = sign_in(&rig, None).await;
    clock.advance(AGE + MOMENT);
    let uses = |session: Session| async move {
        session.set_named("a", &1)?;
        session.rotate();
        Ok(StatusCode::OK)
    };
    ticket = rig.run(Some(&ticket), uses).await.is(200).ticket();
    ask(&rig, "/confirmed", Some(&ticket)).await.is(403);
    let again = sign_in(&rig, Some(&ticket)).await;
    ask(&rig, "/confirmed", Some(&again)).await.is(200);
    ask(&rig, "/confirmed", Some(&ticket)).await.is(401);
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_told_so() {
    let rig = Rig::new();
    let anonymous = rig.session().await;
    for ticket in [None, Some(anonymous.as_str()), Some(&"A".repeat(44))] {
        assert!(text(&ask(&rig, "/confirmed", ticket).await.is(401)).contains("nobody is signed in"));
        ask(&rig, "/redirects", ticket).await.is(401);
    }
}

/// Neither old nor nobody: it is not known.
#[tokio::test]
async fn without_the_store_nothing_is_confirmed() {
    let rig = Rig::new();
    let ticket = sign_in(&rig, None).await;
    rig.faults.inject(Operation::Load, Fault::Fail(cloakroom::core::ErrorKind::Other));
    for path in ["/confirmed", "/redirects", "/lax"] {
        ask(&rig, path, Some(&ticket)).await.is(503);
    }
}

#[tokio::test]
async fn the_time_of_the_sign_in_is_told() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| layer);
    let ticket = rig.session().await;
    clock.advance(AGE);
    let ticket = sign_in(&rig, Some(&ticket)).await;
    clock.advance(AGE);
    let tells = |session: Session| async move {
        assert_eq!(session.signed_in_at(), session.created_at().map(|created| created + AGE));
        assert_eq!(session.require_sign_in_within(AGE)?.as_str(), "ada");
        let refused = session.require_sign_in_within(AGE - MOMENT).unwrap_err();
        assert_eq!((refused.kind(), refused.status()), (ErrorKind::SignInTooOld, StatusCode::FORBIDDEN));
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), tells).await.is(200);
}

type Look = fn(&Session) -> BoxFuture<'_, Result<(), Error>>;

/// A web socket that was opened soon after the sign-in.
#[tokio::test]
async fn a_sign_in_grows_old_while_a_request_lasts() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| layer);
    let looks: [Look; 4] = [
        |session| Box::pin(session.reload()),
        |session| Box::pin(session.heartbeat()),
        |session| Box::pin(async move { session.get_named::<u8>("unseen").await.map(drop) }),
        |session| Box::pin(async move { session.attribute_names().await.map(drop) }),
    ];
    for look in looks {
        let ticket = sign_in(&rig, None).await;
        let clock = clock.clone();
        let lasts = |session: Session| async move {
            assert!(session.require_sign_in_within(AGE).is_ok());
            clock.advance(AGE + MOMENT);
            look(&session).await?;
            let refused = session.require_sign_in_within(AGE).map_err(|error| error.kind());
            assert_eq!(refused.unwrap_err(), ErrorKind::SignInTooOld);
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), lasts).await.is(200);
    }
}
