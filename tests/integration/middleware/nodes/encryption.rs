//! Values encrypted in the store, while their key is replaced node by node.

use cloakroom::{Encryption, EncryptionKey, ErrorKind, Session, SessionLayer};
use http::StatusCode;

use super::super::undecodable::plant_in;
use super::pair::{Pair, Peer};
use crate::support::{Answer, Backend, for_each_store};

for_each_store!(
    no_store_sees_a_value,
    a_key_is_replaced_node_by_node,
    a_value_of_another_session_does_not_open,
);

const SECRET: &str = "meet-me-at-the-cloakroom";

fn with(key: u8) -> Encryption {
    Encryption::with(EncryptionKey::new([key; 32]))
}

fn also(key: u8, other: u8) -> impl Fn(SessionLayer) -> SessionLayer {
    move |layer| layer.encrypt(with(key).also_opens(EncryptionKey::new([other; 32])))
}

async fn writes(node: &Peer, ticket: Option<&str>, text: &str) -> Answer {
    let writes = async |session: Session| session.set_named("note", text).map(|()| StatusCode::OK);
    node.run(ticket, writes).await.is(200)
}

/// Returns the note; `None` where its key is not known.
async fn reads(node: &Peer, ticket: &str) -> Option<String> {
    let mut read = None;
    let reads = async |session: Session| match session.get_named("note").await {
        Err(error) if error.kind() == ErrorKind::Undecodable => Ok(StatusCode::OK),
        note => {
            read = note?;
            Ok(StatusCode::OK)
        }
    };
    node.run(Some(ticket), reads).await.is(200);
    read
}

/// Returns the note as the store has it.
async fn stored(node: &Peer, ticket: &str) -> Vec<u8> {
    let attributes = node.opened(ticket).await.unwrap().attributes;
    attributes.into_iter().find(|it| it.name.as_str() == "note").unwrap().value.to_vec()
}

async fn no_store_sees_a_value(backend: Backend) {
    let pair = Pair::with(backend, |layer| layer.encrypt(with(1))).await;
    let ticket = writes(&pair.a, None, SECRET).await.ticket();
    let before = stored(&pair.b, &ticket).await;
    assert!(memchr::memmem::find(&before, SECRET.as_bytes()).is_none());
    assert_eq!(reads(&pair.b, &ticket).await.as_deref(), Some(SECRET));
    let updates = async |session: Session| {
        session.update_named("note", |note: &mut String| note.push('!')).await?;
        Ok(StatusCode::OK)
    };
    pair.b.run(Some(&ticket), updates).await.is(200);
    assert_eq!(reads(&pair.a, &ticket).await.unwrap(), format!("{SECRET}!"));
}

/// One node after the other: both learn the new key, both turn to it, both forget the old one.
async fn a_key_is_replaced_node_by_node(backend: Backend) {
    let pair = Pair::with(backend, |layer| layer.encrypt(with(1))).await;
    let ticket = writes(&pair.a, None, "one").await.ticket();
    let learns = pair.b.restarted(also(1, 2));
    writes(&learns, Some(&ticket), "two").await;
    assert_eq!(reads(&pair.a, &ticket).await.as_deref(), Some("two"), "the new key is not used yet");
    let turns = pair.a.restarted(also(2, 1));
    assert_eq!(reads(&turns, &ticket).await.as_deref(), Some("two"));
    let forgets = pair.b.restarted(|layer| layer.encrypt(with(2)));
    assert_eq!(reads(&forgets, &ticket).await, None, "not written since");
    writes(&turns, Some(&ticket), "three").await;
    for node in [&learns, &turns, &forgets] {
        assert_eq!(reads(node, &ticket).await.as_deref(), Some("three"));
    }
    assert_eq!(reads(&pair.a, &ticket).await, None, "the old key alone opens it no more");
}

async fn a_value_of_another_session_does_not_open(backend: Backend) {
    let pair = Pair::with(backend, |layer| layer.encrypt(with(1))).await;
    let theirs = writes(&pair.a, None, SECRET).await.ticket();
    let mine = writes(&pair.b, None, "mine").await.ticket();
    plant_in(&pair.a.store, &mine, "note", stored(&pair.a, &theirs).await).await;
    assert_eq!(reads(&pair.b, &mine).await, None);
    plant_in(&pair.a.store, &theirs, "copy", stored(&pair.a, &theirs).await).await;
    assert_eq!(reads(&pair.b, &theirs).await.as_deref(), Some(SECRET), "where it belongs");
}
