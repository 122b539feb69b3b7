//! Attributes by reference, and the extractors.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Request;
use axum::routing::{any, post};
use cloakroom::{Attr, Attribute, Attrs, Error, ErrorKind, Session};
use cloakroom_testkit::faulty::Operation;
use http::StatusCode;
use serde::{Deserialize, Serialize, Serializer};
use tower::ServiceExt as _;

use super::log::logged;
use super::rig::{Rig, answer, request};
use crate::support::Answer;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

impl Attribute for Cart {
    const NAME: &'static str = "cart";
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Theme(String);

impl Attribute for Theme {
    const NAME: &'static str = "theme";
}

/// Cannot be encoded if told so.
#[derive(Debug, Default, Deserialize)]
struct Moody(bool);

impl Attribute for Moody {
    const NAME: &'static str = "moody";
}

impl Serialize for Moody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 { Err(serde::ser::Error::custom("not today")) } else { serializer.serialize_bool(self.0) }
    }
}

/// Sends a request through a whole axum application.
async fn send(rig: &Rig, ticket: Option<&str>, path: &str, routes: Router) -> Answer {
    let (mut parts, ()) = request(ticket).into_parts();
    parts.uri = path.parse().unwrap();
    let request = Request::from_parts(parts, axum::body::Body::empty());
    let Ok(response) = routes.layer(rig.layer.clone()).oneshot(request).await;
    answer(response).await
}

fn routes() -> Router {
    Router::new()
        .route("/add", any(async |mut cart: Attr<Cart>| cart.items.push("tea".to_owned())))
        .route("/look", any(async |cart: Attr<Cart>| cart.items.len().to_string()))
        .route("/is-there", any(async |cart: Option<Attr<Cart>>| cart.is_some().to_string()))
        .route("/both", any(both))
        .route("/undo", any(undo))
        .route(
            "/moody",
            any(async |session: Session, mut moody: Attr<Moody>| {
                session.set_named("late", &1).unwrap();
                moody.0 = true;
            }),
        )
}

async fn both(Attrs((mut cart, theme)): Attrs<(Attr<Cart>, Option<Attr<Theme>>)>) -> String {
    cart.items.push("cup".to_owned());
    theme.map_or_else(String::new, |theme| theme.0.clone())
}

async fn undo(mut cart: Attr<Cart>) {
    cart.items.push("tea".to_owned());
    cart.items.pop();
}

async fn cart_with(rig: &Rig, items: usize) -> String {
    let ticket = send(rig, None, "/add", routes()).await.is(200).ticket();
    for _ in 1..items {
        send(rig, Some(&ticket), "/add", routes()).await.is(200).without_cookie();
    }
    rig.faults.forget_calls();
    ticket
}

#[tokio::test]
async fn what_was_changed_through_it_is_written_back() {
    let rig = Rig::new();
    let ticket = cart_with(&rig, 3).await;
    assert_eq!(send(&rig, Some(&ticket), "/look", routes()).await.is(200).body, "3");
    assert_eq!((rig.faults.count(Operation::Load), rig.faults.count(Operation::Commit)), (1, 0));
}

#[tokio::test]
async fn a_default_that_was_only_looked_at_makes_no_session() {
    let rig = Rig::new();
    assert_eq!(send(&rig, None, "/look", routes()).await.is(200).without_cookie().body, "0");
    assert_eq!(send(&rig, None, "/undo", routes()).await.is(200).without_cookie().body, "");
    assert!(rig.faults.calls().is_empty());
}

#[tokio::test]
async fn a_change_that_was_undone_is_none() {
    let rig = Rig::new();
    let ticket = cart_with(&rig, 1).await;
    send(&rig, Some(&ticket), "/undo", routes()).await.is(200);
    assert_eq!(rig.faults.count(Operation::Commit), 0);
}

#[tokio::test]
async fn an_optional_one_tells_whether_it_is_there() {
    let rig = Rig::new();
    let ticket = cart_with(&rig, 1).await;
    assert_eq!(send(&rig, None, "/is-there", routes()).await.is(200).without_cookie().body, "false");
    assert_eq!(send(&rig, Some(&ticket), "/is-there", routes()).await.is(200).body, "true");
}

#[tokio::test]
async fn several_come_with_one_load() {
    let rig = Rig::new();
    let ticket = cart_with(&rig, 1).await;
    assert_eq!(send(&rig, Some(&ticket), "/both", routes()).await.is(200).body, "");
    assert_eq!((rig.faults.count(Operation::Load), rig.faults.count(Operation::Commit)), (1, 1));
    assert_eq!(send(&rig, Some(&ticket), "/look", routes()).await.body, "2");
    let sets = |session: Session| async move {
        session.set(&Theme("dark".to_owned()))?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), sets).await.is(200);
    assert_eq!(send(&rig, Some(&ticket), "/both", routes()).await.is(200).body, "dark");
}

#[tokio::test]
async fn a_second_one_of_the_same_name_is_refused() {
    let rig = Rig::new();
    let twice = Router::new().route("/", any(async |_one: Attr<Cart>, _two: Attr<Cart>| ()));
    send(&rig, None, "/", twice).await.is(500).without_cookie();
    let handler = |session: Session| async move {
        let one: Attr<Cart> = session.attr().await?;
        let error = session.attr::<Cart>().await.unwrap_err();
        assert_eq!((error.kind(), error.attribute()), (ErrorKind::AlreadyBorrowed, Some("cart")));
        assert!(session.attr_named::<Cart>("other").await.is_ok());
        drop(one);
        session.attr::<Cart>().await?.items.push("tea".to_owned());
        session.attr::<Cart>().await?.items.push("cup".to_owned());
        Ok(StatusCode::OK)
    };
    let ticket = rig.run(None, handler).await.is(200).ticket();
    assert_eq!(send(&rig, Some(&ticket), "/look", routes()).await.body, "2");
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_fails_the_request_and_is_named() {
    let rig = Rig::new();
    let ticket = cart_with(&rig, 1).await;
    let (log, answer) = logged(send(&rig, Some(&ticket), "/moody", routes())).await;
    let answer = answer.is(500).without_cookie();
    assert!(answer.body.is_empty());
    assert!(log.contains("ERROR") && log.contains("moody") && log.contains("not today"), "{log}");
    assert_eq!(rig.names(&ticket).await.unwrap(), ["cart"], "nothing of it is committed");
    send(&rig, None, "/moody", routes()).await.is(500).without_cookie();
    assert_eq!(rig.memory.len(), 1);
}

/// Whoever commits in between is told; so is the visitor, whether or not the handler passes it on.
#[tokio::test]
async fn a_value_that_cannot_be_encoded_fails_the_request_though_the_error_is_swallowed() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let swallows = |session: Session| async move {
        session.attr::<Moody>().await?.0 = true;
        session.set_named("late", &1)?;
        for _ in 0..2 {
            let error = session.clone().commit().await.unwrap_err();
            assert_eq!((error.kind(), error.attribute()), (ErrorKind::Unencodable, Some("moody")));
        }
        Ok(StatusCode::OK)
    };
    let (log, answer) = logged(rig.run(Some(&ticket), swallows)).await;
    answer.is(500).without_cookie();
    assert!(log.contains("not today"), "{log}");
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
}

/// After the head there is no answer left that could say so: whoever commits is told once, and can go on.
#[tokio::test]
async fn a_value_that_cannot_be_encoded_after_the_head_is_reported_once() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let keeps = |session: Session| async move {
        sender.send(session).unwrap();
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), keeps).await.is(200);
    let session = receiver.await.unwrap();
    session.attr::<Moody>().await.unwrap().0 = true;
    session.set_named("late", &1).unwrap();
    assert_eq!(session.commit().await.unwrap_err().kind(), ErrorKind::Unencodable);
    session.commit().await.unwrap();
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first", "late"]);
}

#[tokio::test]
async fn setting_a_value_that_cannot_be_encoded_is_an_error() {
    let rig = Rig::new();
    let sets = |session: Session| async move {
        session.set_named("early", &1)?;
        let error = session.set(&Moody(true)).unwrap_err();
        assert_eq!((error.kind(), error.attribute()), (ErrorKind::Unencodable, Some("moody")));
        Err(error)
    };
    rig.run(None, sets).await.is(500).without_cookie();
    assert!(rig.memory.is_empty());
}

#[tokio::test]
async fn an_undecodable_attribute_harms_no_other() {
    let rig = Rig::new();
    let ticket = cart_with(&rig, 1).await;
    let breaks = |session: Session| async move {
        session.set_named("theme", &7)?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), breaks).await.is(200);
    let reads = |session: Session| async move {
        let error = session.get::<Theme>().await.unwrap_err();
        assert_eq!((error.kind(), error.attribute()), (ErrorKind::Undecodable, Some("theme")));
        assert_eq!(session.attr_if_present::<Theme>().await.unwrap_err().kind(), ErrorKind::Undecodable);
        assert!(session.contains::<Theme>().await?);
        assert_eq!(session.get::<Cart>().await?.unwrap().items.len(), 1);
        assert_eq!(session.get_named::<i64>("theme").await?, Some(7), "it is left as it is");
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), reads).await.is(200);
    send(&rig, Some(&ticket), "/both", routes()).await.is(500);
    assert_eq!(send(&rig, Some(&ticket), "/look", routes()).await.is(200).body, "1");
}

#[tokio::test]
async fn an_old_server_reads_a_struct_that_has_gained_fields() {
    #[derive(Serialize, Deserialize)]
    struct Newer {
        items: Vec<String>,
        voucher: Option<String>,
    }
    let rig = Rig::new();
    let ticket = cart_with(&rig, 1).await;
    let newer = |session: Session| async move {
        let cart: BTreeMap<String, Vec<String>> = session.get_named("cart").await?.unwrap();
        assert_eq!(cart["items"], ["tea"], "fields are stored by name");
        session.set_named("cart", &Newer { items: Vec::new(), voucher: Some("10%".to_owned()) })?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), newer).await.is(200);
    assert_eq!(send(&rig, Some(&ticket), "/look", routes()).await.is(200).body, "0");
}

#[tokio::test]
async fn without_the_layer_the_answer_names_the_fix() {
    for routes in [
        Router::new().route("/", post(async |_: Session| ())),
        Router::new().route("/", post(async |_: Attr<Cart>| ())),
        Router::new().route("/", post(async |_: Option<Attr<Cart>>| ())),
        Router::new().route("/", post(async |_: Attrs<(Attr<Cart>, Attr<Theme>)>| ())),
        Router::new().route("/", post(async |_: cloakroom::Sessions| ())),
    ] {
        let request = http::Request::post("/").body(axum::body::Body::empty()).unwrap();
        let Ok(response) = routes.oneshot(request).await;
        let answer = answer(response).await.is(500);
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(text.contains(".layer(SessionLayer::new("), "{text}");
    }
}

#[tokio::test]
async fn a_handler_is_tested_without_a_server() {
    async fn add(session: &Session) -> Result<usize, Error> {
        let mut cart: Attr<Cart> = session.attr().await?;
        cart.items.push("tea".to_owned());
        Ok(cart.items.len())
    }
    let session = Session::for_test();
    assert!(session.is_new());
    assert_eq!(add(&session).await.unwrap(), 1);
    session.commit().await.unwrap();
    assert_eq!(add(&session).await.unwrap(), 2);
}
