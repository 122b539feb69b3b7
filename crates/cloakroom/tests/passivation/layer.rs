//! Whole requests, with every session on disk before each.

use axum::body::Body;
use axum::http::{Request, header};
use axum::routing::{get, post};
use axum::{Router, response::Response};
use cloakroom::{Attr, Attribute, Session, SessionLayer};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

use crate::support::{Rig, until};

#[derive(Default, Serialize, Deserialize)]
struct Visits(u32);

impl Attribute for Visits {
    const NAME: &'static str = "visits";
}

async fn count(mut visits: Attr<Visits>) -> String {
    visits.0 += 1;
    visits.0.to_string()
}

async fn log_out(session: Session) {
    session.invalidate();
}

fn app(rig: &Rig) -> Router {
    let layer = SessionLayer::new(rig.store.clone()).insecure_cookie();
    Router::new().route("/", get(count)).route("/logout", post(log_out)).layer(layer)
}

async fn visit(app: &Router, method: &str, path: &str, cookie: &str) -> Response {
    let request = Request::builder().method(method).uri(path).header(header::COOKIE, cookie);
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_visitor_notices_nothing() {
    let rig = Rig::new(0).await;
    let app = app(&rig);
    let first = visit(&app, "GET", "/", "").await;
    let cookie = first.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(text(first).await, "1");
    for visits in 2..6 {
        rig.all_away().await;
        assert_eq!(text(visit(&app, "GET", "/", &cookie).await).await, visits.to_string());
    }
    rig.all_away().await;
    let logged_out = visit(&app, "POST", "/logout", &cookie).await;
    assert!(logged_out.status().is_success());
    assert!(rig.store.is_empty());
    assert_eq!(text(visit(&app, "GET", "/", &cookie).await).await, "1");
    until(|| rig.depot.parcels() == 1).await;
}
