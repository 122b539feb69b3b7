//! Several layers in one stack.

use axum::Router;
use axum::middleware::{Next, from_fn};
use axum::routing::any;
use cloakroom::{ErrorKind, MemoryStore, Session, SessionLayer, Sessions};
use http::header::{CACHE_CONTROL, COOKIE as COOKIE_HEADER, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response};
use tower::ServiceExt as _;

/// Keeps a cookie of each layer.
async fn send(app: Router, cookies: &str) -> (Response<axum::body::Body>, Vec<String>) {
    let request = Request::get("/").header(COOKIE_HEADER, cookies).body(axum::body::Body::empty()).unwrap();
    let Ok(response) = app.oneshot(request).await;
    let lines = response.headers().get_all(SET_COOKIE).iter();
    let set = lines.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned()).collect();
    (response, set)
}

fn stack<H, T>(handler: H, shop: &SessionLayer, admin: &SessionLayer) -> Router
where
    H: axum::handler::Handler<T, ()>,
    T: 'static,
{
    Router::new().route("/", any(handler)).layer(shop.clone()).layer(admin.clone())
}

fn layers() -> (SessionLayer, SessionLayer) {
    let shop = SessionLayer::new(MemoryStore::new()).cookie_name("__Host-shop");
    (shop, SessionLayer::new(MemoryStore::new()).cookie_name("__Host-admin"))
}

#[tokio::test]
async fn each_layer_has_a_session_of_its_own() {
    let (shop, admin) = layers();
    let sets = async |inner: Session, sessions: Sessions| {
        inner.set_named("who", "shop").unwrap();
        sessions.named("__Host-admin").await.unwrap().set_named("who", "admin").unwrap();
        let same = sessions.named("__Host-shop").await.unwrap();
        assert_eq!(same.get_named::<String>("who").await.unwrap().unwrap(), "shop");
        assert_eq!(sessions.named("__Host-id").await.unwrap_err().kind(), ErrorKind::MissingLayer);
    };
    let (response, mut cookies) = send(stack(sets, &shop, &admin), "").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().get_all("vary").iter().count(), 1);
    cookies.sort();
    assert!(cookies[0].starts_with("__Host-admin=") && cookies[1].starts_with("__Host-shop="), "{cookies:?}");
    let reads = async |inner: Session, sessions: Sessions| {
        let outer = sessions.named("__Host-admin").await.unwrap();
        let who =
            |session: Session| async move { session.get_named::<String>("who").await.unwrap().unwrap() };
        format!("{} {}", who(inner).await, who(outer).await)
    };
    let (response, set) = send(stack(reads, &shop, &admin), &cookies.join("; ")).await;
    assert!(set.is_empty());
    let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    assert_eq!(body, "shop admin");
}

#[tokio::test]
async fn a_ticket_of_one_opens_nothing_in_the_other() {
    let (shop, admin) = layers();
    let sets = async |session: Session| session.set_named("who", "shop").unwrap();
    let (_, cookies) = send(stack(sets, &shop, &admin), "").await;
    let stolen = cookies[0].replace("shop", "admin");
    let looks = async |sessions: Sessions| {
        assert!(sessions.named("__Host-admin").await.unwrap().is_new());
        assert!(sessions.named("__Host-shop").await.unwrap().is_new());
    };
    let (response, _) = send(stack(looks, &shop, &admin), &stolen).await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn one_layer_that_is_used_does_not_wake_the_other() {
    let (shop, admin) = layers();
    let sets = async |sessions: Sessions| {
        sessions.named("__Host-admin").await.unwrap().set_named("a", &1).unwrap();
    };
    let (_, cookies) = send(stack(sets, &shop, &admin), "").await;
    assert_eq!(cookies.len(), 1);
    assert!(cookies[0].starts_with("__Host-admin="));
}

#[tokio::test]
async fn a_middleware_of_the_application_sees_the_session_of_its_handler() {
    let counts = async |session: Session, request: axum::extract::Request, next: Next| {
        session.set_named("before", &1).unwrap();
        let response = next.run(request).await;
        assert_eq!(session.get_named::<i64>("within").await.unwrap(), Some(2));
        response
    };
    let handler = async |session: Session| {
        assert_eq!(session.get_named::<i64>("before").await.unwrap(), Some(1));
        session.set_named("within", &2).unwrap();
    };
    let layer = SessionLayer::new(MemoryStore::new());
    let app = Router::new().route("/", any(handler)).layer(from_fn(counts)).layer(layer);
    let (response, cookies) = send(app, "").await;
    assert_eq!((response.status().as_u16(), cookies.len()), (200, 1));
}

#[tokio::test]
async fn a_ticket_of_an_outer_layer_forbids_storing_though_the_inner_one_was_only_read() {
    for (own, expected) in [
        (None, "no-store"),
        (Some("max-age=5"), "max-age=5"),
        (Some("private, no-cache"), "private, no-cache"),
    ] {
        let (shop, admin) = layers();
        let sets = async move |_: Session, sessions: Sessions| {
            sessions.named("__Host-admin").await.unwrap().set_named("who", "admin").unwrap();
            let own = own.map(|own| (CACHE_CONTROL, HeaderValue::from_static(own)));
            own.into_iter().collect::<HeaderMap>()
        };
        let (response, cookies) = send(stack(sets, &shop, &admin), "").await;
        assert_eq!(cookies.len(), 1);
        let said: Vec<_> = response.headers().get_all(CACHE_CONTROL).iter().collect();
        assert_eq!(said, [expected]);
    }
}

#[tokio::test]
async fn what_one_refuses_the_others_do_not_store() {
    let (shop, admin) = layers();
    let shop = shop.max_session_bytes(50);
    let sets = async |inner: Session, sessions: Sessions| {
        inner.set_named("big", &"x".repeat(100)).unwrap();
        sessions.named("__Host-admin").await.unwrap().set_named("who", "admin").unwrap();
    };
    let (response, cookies) = send(stack(sets, &shop, &admin), "").await;
    assert_eq!(response.status(), 413);
    assert!(cookies.is_empty(), "{cookies:?}");
}
