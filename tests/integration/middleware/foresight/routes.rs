//! Which requests are of one route, and what a route or the layer says in place of what is learned.

use std::convert::Infallible;

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Router, middleware};
use cloakroom::{Attr, Attribute, LoadPolicy, Name, Session, Sessions};
use http::Method;
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

use super::{loads, reads, session, value};
use crate::middleware::rig::{Rig, answer, request};
use crate::support::COOKIE;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Cart(u64);

impl Attribute for Cart {
    const NAME: &'static str = "cart";
}

#[tokio::test]
async fn the_layer_may_say_what_is_loaded() {
    let names = || LoadPolicy::Named([Name::from_static("c")].into());
    for (policy, loaded) in [(names(), "c"), (LoadPolicy::Everything, "*"), (LoadPolicy::OnDemand, "-")] {
        let rig = Rig::with(|layer| layer.load(policy));
        let ticket = session(&rig).await;
        for _ in 0..3 {
            let expected = if loaded == "*" { vec!["*"] } else { vec![loaded, "a"] };
            assert_eq!(reads(&rig, &ticket, "/", &["a"]).await, expected);
        }
    }
}

fn app(rig: &Rig) -> Router {
    let reads_a = async |session: Session| value(&session, "a").await.to_string();
    let only_b = LoadPolicy::Named([Name::from_static("b")].into());
    let named = async |sessions: Sessions| {
        let session = sessions.named(COOKIE).await.unwrap();
        value(&session, "a").await;
    };
    let late_cart =
        async |session: Session, cart: Attr<Cart>| assert_eq!((session.is_new(), cart.0), (false, 1));
    Router::new()
        .route(
            "/users/{id}",
            get(reads_a).post(async |session: Session| value(&session, "b").await.to_string()),
        )
        .route("/named", get(named))
        .route("/late", get(late_cart))
        .route("/says", get(reads_a).layer(only_b.clone()))
        .route(
            "/says-twice",
            get(reads_a).layer::<_, Infallible>(LoadPolicy::Everything).layer(only_b.clone()),
        )
        .route("/says-named", get(named).layer(only_b))
        .nest("/nested", Router::new().route("/{name}", post(reads_a)))
        .layer(middleware::from_fn(async |request: axum::extract::Request, next: middleware::Next| {
            next.run(request).await
        }))
        .layer(rig.layer.clone())
}

async fn ask(rig: &Rig, app: &Router, ticket: &str, method: Method, path: &str) -> Vec<String> {
    let mut request = request(Some(ticket)).map(|()| Body::empty());
    (*request.method_mut(), *request.uri_mut()) = (method, path.parse().unwrap());
    let Ok(response) = app.clone().oneshot(request).await;
    answer(response).await.is(200);
    loads(rig)
}

#[tokio::test]
async fn axum_tells_the_route() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    let app = app(&rig);
    let get = async |path| ask(&rig, &app, &ticket, Method::GET, path).await;
    let post = async |path| ask(&rig, &app, &ticket, Method::POST, path).await;
    assert_eq!(get("/users/ada").await, ["-", "a"]);
    assert_eq!(get("/users/bob").await, ["a"], "another path of the same route");
    assert_eq!(post("/users/bob").await, ["-", "b"], "another method");
    assert_eq!(post("/users/eve").await, ["b"]);
    assert_eq!(post("/nested/one").await, ["-", "a"]);
    assert_eq!(post("/nested/two").await, ["a"]);
    assert_eq!(get("/late").await, ["-", "cart"]);
    assert_eq!(get("/late").await, ["cart"], "for the extractor before");
    assert_eq!(get("/named").await, ["-", "a"]);
    assert_eq!(get("/named").await, ["a"]);
}

#[tokio::test]
async fn a_route_may_say_what_is_loaded() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    let app = app(&rig);
    for _ in 0..3 {
        assert_eq!(ask(&rig, &app, &ticket, Method::GET, "/says").await, ["b", "a"]);
        assert_eq!(ask(&rig, &app, &ticket, Method::GET, "/says-twice").await, ["*"], "the innermost counts");
        assert_eq!(ask(&rig, &app, &ticket, Method::GET, "/says-named").await, ["b", "a"]);
    }
}
