//! What asks for a recent sign-in.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use cloakroom::{RecentSignIn, Session};
use http::StatusCode;

use super::pair::Pair;
use crate::support::{Backend, eventually, for_each_store};

for_each_store!(a_sign_in_is_as_old_on_every_node);

fn app() -> Router {
    Router::new()
        .route("/hour", get(async |confirmed: RecentSignIn<3600>| confirmed.principal.to_string()))
        .route("/now", get(async |_: RecentSignIn<0>| ()))
}

async fn a_sign_in_is_as_old_on_every_node(backend: Backend) {
    let pair = Pair::of(backend).await;
    let anonymous = pair.a.session().await;
    let ticket = pair.a.sign_in(Some(&anonymous), "ada").await.is(200).ticket();
    for node in pair.both() {
        assert_eq!(node.ask(app(), "/hour", Some(&ticket)).await.is(200).body, "ada");
        eventually(|| async { node.ask(app(), "/now", Some(&ticket)).await.status == 403 }).await;
        node.ask(app(), "/hour", Some(&anonymous)).await.is(401);
        node.ask(app(), "/hour", None).await.is(401);
    }
    let signed_in = pair.b.opened(&ticket).await.unwrap().meta.signed_in_at.unwrap();
    let again = async |session: Session| {
        session.sign_in("ada")?;
        session.require_sign_in_within(Duration::ZERO)?;
        Ok(StatusCode::OK)
    };
    let renewed = pair.b.run(Some(&ticket), again).await.is(200).ticket();
    assert!(pair.a.opened(&renewed).await.unwrap().meta.signed_in_at.unwrap() > signed_in);
    pair.a.ask(app(), "/hour", Some(&renewed)).await.is(200);
    pair.a.ask(app(), "/hour", Some(&ticket)).await.is(401);
}
