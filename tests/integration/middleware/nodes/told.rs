//! What listeners are told: on the node that did it, and nowhere else.

use cloakroom::Session;
use http::StatusCode;

use super::pair::Pair;
use crate::support::{Backend, for_each_store};

for_each_store!(a_sessions_life_is_told_where_each_step_was_taken);

async fn a_sessions_life_is_told_where_each_step_was_taken(backend: Backend) {
    let pair = Pair::of(backend).await;
    let ticket = pair.a.session().await;
    let rotates = async |session: Session| {
        session.rotate();
        Ok(StatusCode::OK)
    };
    let ticket = pair.b.run(Some(&ticket), rotates).await.is(200).ticket();
    let ticket = pair.a.sign_in(Some(&ticket), "ada").await.is(200).ticket();
    let leaves = async |session: Session| {
        session.sign_out();
        Ok(StatusCode::OK)
    };
    pair.b.run(Some(&ticket), leaves).await.is(200).removes_cookie();
    assert_eq!(pair.a.story().await, ["created", "signed_in"]);
    assert_eq!(pair.b.story().await, ["rotated", "invalidated by request"]);
}
