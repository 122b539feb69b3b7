//! The ticket in a header of its own, for clients without cookies.

use cloakroom::{Error, Session, SessionLayer, SigningKey};
use cloakroom_testkit::faulty::Operation;
use http::{HeaderName, Request, StatusCode};

use super::rig::{Rig, request};
use crate::support::Answer;

const HEADER: HeaderName = HeaderName::from_static("x-session");

fn by_header(layer: SessionLayer) -> SessionLayer {
    layer.header(HEADER)
}

/// Makes a request that shows these tickets in the header, and perhaps one in the cookie.
fn shows(tickets: &[&str], cookie: Option<&str>) -> Request<()> {
    let mut request = request(cookie);
    for ticket in tickets {
        request.headers_mut().append(HEADER, ticket.parse().unwrap());
    }
    request
}

/// Returns the ticket that an answer brings in the header, and checks what else the answer says of it.
#[track_caller]
fn ticket(answer: &Answer) -> String {
    assert!(!answer.headers.contains_key("set-cookie"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut lines = answer.headers.get_all(HEADER).iter();
    let line = lines.next().unwrap_or_else(|| panic!("no ticket: {answer:?}"));
    assert!(line.is_sensitive() && lines.next().is_none(), "{answer:?}");
    line.to_str().unwrap().to_owned()
}

#[track_caller]
fn without_ticket(answer: Answer) -> Answer {
    assert!(!answer.headers.contains_key(HEADER), "{answer:?}");
    answer.without_cookie()
}

#[track_caller]
fn varies(answer: &Answer) {
    let vary: Vec<_> = answer.headers.get_all("vary").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(vary, ["Cookie", "x-session"], "{answer:?}");
}

async fn set(session: Session) -> Result<StatusCode, Error> {
    session.set_named("a", &1)?;
    Ok(StatusCode::OK)
}

async fn sees(session: Session) -> Result<StatusCode, Error> {
    Ok(if session.is_new() { StatusCode::NOT_FOUND } else { StatusCode::OK })
}

async fn rotate(session: Session) -> Result<StatusCode, Error> {
    session.rotate();
    Ok(StatusCode::OK)
}

async fn leave(session: Session) -> Result<StatusCode, Error> {
    session.invalidate();
    Ok(StatusCode::OK)
}

#[tokio::test]
async fn a_client_begins_with_an_empty_header_and_is_answered_in_it() {
    for configure in
        [by_header as fn(_) -> _, |layer| by_header(layer).keys([SigningKey::from_bytes([7; 64])])]
    {
        let rig = Rig::with(configure);
        without_ticket(rig.send(shows(&["new"], None), sees).await.is(404));
        let created = rig.send(shows(&[""], None), set).await.is(200);
        varies(&created);
        let first = ticket(&created);
        let seen = without_ticket(rig.send(shows(&[&first], None), sees).await.is(200));
        varies(&seen);
        assert_eq!(seen.header("cache-control"), "private, no-cache");
        let rotated = ticket(&rig.send(shows(&[&first], None), rotate).await.is(200));
        assert_eq!((rotated.len(), &rotated[..22]), (first.len(), &first[..22]));
        assert_eq!(ticket(&rig.send(shows(&[&rotated], None), leave).await.is(200)), "");
        without_ticket(rig.send(shows(&[&rotated], None), sees).await.is(404));
        assert!(rig.memory.is_empty());
    }
}

/// What a browser adds by itself must not count where a request is taken for one that no other site can make.
#[tokio::test]
async fn the_cookies_of_a_request_with_the_header_do_not_count() {
    let rig = Rig::with(by_header);
    let cookie = rig.session().await;
    for shown in ["", "malformed"] {
        without_ticket(rig.send(shows(&[shown], Some(&cookie)), sees).await.is(404));
        without_ticket(rig.send(shows(&[shown], Some(&cookie)), leave).await.is(200));
        let own = ticket(&rig.send(shows(&[shown], Some(&cookie)), set).await.is(200));
        assert_ne!(own[..22], cookie[..22]);
    }
    assert!(rig.faults.calls().iter().all(|call| call.operation() == Operation::Commit));
    assert!(rig.opens(&cookie).await);
}

#[tokio::test]
async fn a_request_without_the_header_has_its_cookie() {
    let rig = Rig::with(by_header);
    let created = rig.send(shows(&[], None), set).await.is(200);
    varies(&created);
    assert!(!created.headers.contains_key(HEADER));
    let cookie = created.ticket();
    without_ticket(rig.send(shows(&[], Some(&cookie)), sees).await.is(200));
    rig.send(shows(&[], Some(&cookie)), leave).await.is(200).removes_cookie();
}

#[tokio::test]
async fn each_of_several_lines_is_tried_within_the_bound() {
    let rig = Rig::with(by_header);
    let own = rig.session().await;
    let unknown = || cloakroom::core::Ticket::generate().unwrap().expose();
    let (a, b) = (unknown(), unknown());
    for lines in [[&own, &a, &b], [&a, &own, &b], [&a, &b, &own]] {
        let lines = lines.map(String::as_str);
        without_ticket(rig.send(shows(&lines, None), sees).await.is(200));
        without_ticket(rig.send(shows(&["", "x", lines[0], lines[1], lines[2]], None), sees).await.is(200));
    }
    rig.faults.forget_calls();
    let flood: Vec<String> = (0..50).map(|_| unknown()).collect();
    let flood: Vec<&str> = flood.iter().map(String::as_str).collect();
    without_ticket(rig.send(shows(&flood, None), sees).await.is(404));
    assert_eq!(rig.faults.count(Operation::Load), 4);
}

#[tokio::test]
async fn a_header_that_was_not_asked_for_is_no_business_of_ours() {
    let rig = Rig::new();
    let own = rig.session().await;
    let answer = rig.send(shows(&[&own], None), sees).await.is(404);
    assert_eq!(answer.headers.get_all("vary").iter().count(), 1);
    rig.send(shows(&[&own], None), set).await.is(200).ticket();
}

#[tokio::test]
async fn a_route_that_does_not_use_the_session_says_nothing_of_the_header() {
    let rig = Rig::with(by_header);
    let layer = rig.layer.clone();
    let inner = tower::service_fn(async |_: Request<()>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(axum::body::Body::empty()))
    });
    let Ok(response) =
        tower::ServiceExt::oneshot(tower::Layer::layer(&layer, inner), shows(&["x"], None)).await;
    assert!(response.headers().is_empty(), "{response:?}");
}

#[tokio::test]
async fn a_header_that_means_something_else_is_refused() {
    for name in ["cookie", "set-cookie", "authorization", "vary", "content-language", "range", "sec-x"] {
        let layer = Rig::with(|layer| layer.header(HeaderName::from_static(name))).layer;
        assert!(layer.check().is_err(), "{name}");
    }
    assert!(Rig::with(by_header).layer.check().is_ok());
}
