//! Stored values that cannot be decoded.

use cloakroom::{ErrorKind, OnUndecodable, Session};
use http::StatusCode;

use super::super::undecodable::plant_in;
use super::pair::{Pair, Peer};
use crate::support::{Answer, Backend, for_each_store};

for_each_store!(it_is_an_error_and_stays, the_attribute_is_dropped, the_session_is_dropped);

const GARBAGE: &[u8] = b"\x81\xa5items";

/// Makes a session on one node whose `cart` is damaged, beside a `first` that is not.
async fn damaged(backend: Backend, policy: OnUndecodable) -> (Pair, String) {
    let pair = Pair::with(backend, |layer| layer.on_undecodable(policy)).await;
    let ticket = pair.a.session().await;
    plant_in(&pair.a.store, &ticket, "cart", GARBAGE).await;
    (pair, ticket)
}

/// Reads it, and checks what is read: nothing, or the error.
async fn reads(node: &Peer, ticket: &str, expected: Option<ErrorKind>) -> Answer {
    let reads = async |session: Session| {
        let read = session.get_named::<Vec<String>>("cart").await;
        assert_eq!(read.as_ref().err().map(cloakroom::Error::kind), expected);
        assert_eq!(read.ok().flatten(), None);
        Ok(StatusCode::OK)
    };
    node.run(Some(ticket), reads).await.is(200)
}

async fn it_is_an_error_and_stays(backend: Backend) {
    let (pair, ticket) = damaged(backend, OnUndecodable::Fail).await;
    for node in pair.both() {
        reads(node, &ticket, Some(ErrorKind::Undecodable)).await.without_cookie();
        assert_eq!(node.names(&ticket).await, ["cart", "first"]);
    }
}

async fn the_attribute_is_dropped(backend: Backend) {
    let (pair, ticket) = damaged(backend, OnUndecodable::DropAttribute).await;
    reads(&pair.b, &ticket, None).await.without_cookie();
    for node in pair.both() {
        assert_eq!(node.names(&ticket).await, ["first"]);
    }
}

async fn the_session_is_dropped(backend: Backend) {
    let (pair, ticket) = damaged(backend, OnUndecodable::DropSession).await;
    reads(&pair.b, &ticket, None).await.removes_cookie();
    for node in pair.both() {
        assert!(!node.opens(&ticket).await);
    }
}
