//! The cookie as the application wants it.

use std::time::Duration;

use cloakroom::{SameSite, Session};
use cloakroom_testkit::faulty::Operation;
use http::StatusCode;
use http::header::{COOKIE as COOKIE_HEADER, SET_COOKIE};
use tower::{Layer as _, ServiceExt as _};

use super::rig::{Rig, request};

/// Returns the `Set-Cookie` of a request that makes a session, or ends the one that is given.
async fn set_cookie(rig: &Rig, cookie: Option<&str>) -> String {
    let inner = tower::service_fn(|request: http::Request<()>| async move {
        let session = Session::from_extensions(request.extensions()).await?;
        if session.is_new() {
            session.set_named("a", &1)?;
        } else {
            session.invalidate();
        }
        Ok::<_, cloakroom::Error>(http::Response::new(axum::body::Body::empty()))
    });
    let mut request = request(None);
    if let Some(cookie) = cookie {
        request.headers_mut().insert(COOKIE_HEADER, cookie.parse().unwrap());
    }
    let response = rig.layer.layer(inner).oneshot(request).await.unwrap();
    response.headers()[SET_COOKIE].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_cookie_is_as_configured_and_removed_with_the_same_attributes() {
    let rig = Rig::with(|layer| {
        layer
            .cookie_name("shop")
            .cookie_path("/shop")
            .cookie_domain("example.com")
            .same_site(SameSite::None)
            .partitioned()
            .persistent()
            .max_lifetime(Duration::from_secs(3600))
    });
    let set = set_cookie(&rig, None).await;
    let (pair, attributes) = set.split_once("; ").unwrap();
    assert_eq!(pair.len(), "shop=".len() + 44);
    let same = "HttpOnly; SameSite=None; Path=/shop; Domain=example.com; Secure; Partitioned";
    assert_eq!(attributes, format!("{same}; Max-Age=3600"));
    let removed = set_cookie(&rig, Some(pair)).await;
    assert_eq!(removed, format!("shop=; {same}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
}

#[tokio::test]
async fn a_persistent_cookie_without_a_lifetime_lasts_400_days() {
    let rig = Rig::with(|layer| layer.persistent());
    assert!(set_cookie(&rig, None).await.ends_with("; Max-Age=34560000"));
}

#[tokio::test]
async fn a_persistent_cookie_is_not_sent_again_to_prolong_it() {
    let rig = Rig::with(|layer| layer.persistent().touch_every(Duration::ZERO));
    let pair = set_cookie(&rig, None).await;
    let ticket = pair.split(['=', ';']).nth(1).unwrap().to_owned();
    let changes = |session: Session| async move {
        session.set_named("b", &1)?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), changes).await.is(200).without_cookie();
}

#[tokio::test]
async fn contradictions_fail_when_the_layer_is_built() {
    let contradicts = Rig::with(|layer| layer.cookie_domain("example.com")).layer;
    assert!(contradicts.clone().check().is_err());
    let built = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| contradicts.layer(())));
    assert!(built.is_err());
}

/// A flood of cookies costs the store no more than a few loads.
#[tokio::test]
async fn the_number_of_tickets_that_are_tried_is_bounded() {
    let rig = Rig::new();
    let pairs: Vec<String> = (0..100)
        .map(|_| format!("__Host-id={}", cloakroom::core::Ticket::generate().unwrap().expose()))
        .collect();
    set_cookie(&rig, Some(&pairs.join("; "))).await;
    let tried = rig.faults.count(Operation::Load);
    assert!((2..=10).contains(&tried), "{tried}");
}

#[tokio::test]
async fn a_cookie_value_is_marked_as_a_secret() {
    let rig = Rig::new();
    let makes = async |request: http::Request<()>| {
        let session = Session::from_extensions(request.extensions()).await?;
        session.set_named("a", &1)?;
        Ok(StatusCode::OK)
    };
    let response = rig.response(None, makes).await;
    assert!(response.headers()[SET_COOKIE].is_sensitive(), "HPACK must not index it");
}
