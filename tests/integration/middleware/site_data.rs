//! `Clear-Site-Data` at the end of a session.

use cloakroom::core::ErrorKind as StoreError;
use cloakroom::{Error, Session, SessionLayer, SiteData};
use cloakroom_testkit::faulty::{Fault, Operation};
use http::StatusCode;

use super::rig::{Rig, answer, request};
use crate::support::Answer;

const HEADER: &str = "clear-site-data";
const EVERYTHING: &str = r#""cache", "cookies", "storage""#;

fn clears(layer: SessionLayer) -> SessionLayer {
    layer.clear_site_data([SiteData::Cache, SiteData::Cookies, SiteData::Storage])
}

async fn leave(session: Session) -> Result<StatusCode, Error> {
    session.sign_out();
    Ok(StatusCode::OK)
}

async fn leave_and_return(session: Session) -> Result<StatusCode, Error> {
    session.sign_out();
    session.set_named("flash", "signed out")?;
    Ok(StatusCode::OK)
}

async fn end_all(session: Session) -> Result<StatusCode, Error> {
    session.invalidate_all().await?;
    Ok(StatusCode::OK)
}

async fn sign_in(session: Session) -> Result<StatusCode, Error> {
    session.sign_in("ada")?;
    Ok(StatusCode::OK)
}

async fn read(session: Session) -> Result<StatusCode, Error> {
    session.get_named::<i64>("first").await?;
    Ok(StatusCode::OK)
}

fn without(answer: Answer) -> Answer {
    assert!(!answer.headers.contains_key(HEADER), "{answer:?}");
    answer
}

#[tokio::test]
async fn the_end_of_a_session_clears_what_was_asked_for() {
    let rig = Rig::with(clears);
    let ticket = rig.session().await;
    without(rig.run(Some(&ticket), read).await.is(200));
    assert_eq!(rig.run(Some(&ticket), leave).await.is(200).removes_cookie().header(HEADER), EVERYTHING);
    without(rig.run(Some(&ticket), leave).await.is(200));
    without(rig.run(None, leave).await.is(200));
    let ticket = without(rig.run(None, sign_in).await.is(200)).ticket();
    assert_eq!(rig.run(Some(&ticket), end_all).await.is(200).removes_cookie().header(HEADER), EVERYTHING);
    let storage = Rig::with(|layer| layer.clear_site_data([SiteData::Storage]));
    let ticket = storage.session().await;
    assert_eq!(storage.run(Some(&ticket), leave).await.is(200).header(HEADER), r#""storage""#);
}

/// The cookie of the new session would be cleared with the others.
#[tokio::test]
async fn a_new_session_in_the_same_answer_keeps_its_cookie() {
    let rig = Rig::with(clears);
    let ticket = rig.session().await;
    let answer = rig.run(Some(&ticket), leave_and_return).await.is(200);
    assert_ne!(answer.ticket()[..22], ticket[..22]);
    assert_eq!(answer.header(HEADER), r#""cache", "storage""#);
    let cookies = Rig::with(|layer| layer.clear_site_data([SiteData::Cookies]));
    let ticket = cookies.session().await;
    without(cookies.run(Some(&ticket), leave_and_return).await.is(200)).ticket();
}

#[tokio::test]
async fn nothing_is_cleared_unless_asked_for() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    without(rig.run(Some(&ticket), leave).await.is(200).removes_cookie());
}

#[tokio::test]
async fn an_end_that_the_store_did_not_acknowledge_clears_nothing() {
    let rig = Rig::with(clears);
    let ticket = rig.session().await;
    rig.faults.inject(Operation::Invalidate, Fault::Fail(StoreError::Other));
    without(rig.run(Some(&ticket), leave).await.is(503).without_cookie());
    rig.faults.clear(Operation::Invalidate);
    rig.faults.inject(Operation::Commit, Fault::Fail(StoreError::Other));
    without(rig.run(Some(&ticket), leave_and_return).await.is(503).without_cookie());
}

#[tokio::test]
async fn what_the_application_says_stands() {
    let rig = Rig::with(clears);
    let ticket = rig.session().await;
    let inner = tower::service_fn(|request: http::Request<()>| async move {
        Session::from_extensions(request.extensions()).await?.sign_out();
        let response = http::Response::builder().header(HEADER, "\"*\"");
        Ok::<_, Error>(response.body(axum::body::Body::empty()).unwrap())
    });
    let service = tower::Layer::layer(&rig.layer, inner);
    let answer = answer(tower::ServiceExt::oneshot(service, request(Some(&ticket))).await.unwrap()).await;
    let lines: Vec<_> = answer.headers.get_all(HEADER).iter().collect();
    assert_eq!(lines, ["\"*\""]);
}
