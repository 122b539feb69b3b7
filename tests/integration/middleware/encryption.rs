//! Attribute values encrypted in the store.

use axum::body::Bytes;
use cloakroom::core::{Edit, ErrorKind as StoreErrorKind};
use cloakroom::{
    Attribute, Encryption, EncryptionKey, Error, ErrorKind, Name, OnUndecodable, Session, SessionLayer,
    SqliteStore,
};
use cloakroom_testkit::faulty::{Call, Fault, Operation};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::log::logged;
use super::rig::{Rig, answer, request};
use super::undecodable::plant;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Note(String);

impl Attribute for Note {
    const NAME: &'static str = "note";
}

const SECRET: &str = "meet-me-at-the-cloakroom";

/// How much longer a value is in the store: as documented.
const OVERHEAD: usize = 46;

fn key(byte: u8) -> EncryptionKey {
    EncryptionKey::new([byte; 32])
}

fn encrypting(encryption: Encryption) -> impl FnOnce(SessionLayer) -> SessionLayer {
    |layer| layer.encrypt(encryption)
}

fn rig() -> Rig {
    Rig::with(encrypting(Encryption::with(key(1))))
}

async fn writes(session: Session) -> Result<StatusCode, Error> {
    session.set(&Note(SECRET.to_owned()))?;
    Ok(StatusCode::OK)
}

async fn reads(session: Session) -> Result<StatusCode, Error> {
    assert_eq!(session.get::<Note>().await?.unwrap().0, SECRET);
    Ok(StatusCode::OK)
}

/// Checks that the note is there, and is undecodable.
async fn fails(session: Session) -> Result<StatusCode, Error> {
    let refused = session.get::<Note>().await.unwrap_err();
    assert_eq!((refused.kind(), refused.attribute()), (ErrorKind::Undecodable, Some("note")));
    assert!(session.contains::<Note>().await?);
    Ok(StatusCode::OK)
}

/// Returns the values that were committed, in their order.
fn values(rig: &Rig) -> Vec<(Name, Bytes)> {
    let commits = rig.faults.calls().into_iter().filter_map(|call| match call {
        Call::Commit(commit) => Some(commit.changes.attributes),
        _ => None,
    });
    let set = commits.flatten().filter_map(|change| match change.edit {
        Edit::Set { value, .. } => Some((change.name, value)),
        Edit::Remove => None,
    });
    set.collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_value_comes_back_and_the_store_does_not_see_it() {
    let rig = rig();
    let ticket = rig.run(None, writes).await.is(200).ticket();
    let stored = rig.stored(&ticket).await.unwrap()["note"].clone();
    assert!(!contains(&stored, SECRET) && !contains(&stored, &SECRET[..4]), "{stored:?}");
    assert_eq!(stored.len(), 1 + SECRET.len() + OVERHEAD);
    rig.run(Some(&ticket), reads).await.is(200).without_cookie();
}

#[tokio::test]
async fn every_way_to_write_encrypts() {
    let rig = rig();
    let writes = |session: Session| async move {
        session.set_named("a", SECRET)?;
        session.attr_named::<String>("b").await?.push_str(SECRET);
        session.update_named("c", |it: &mut String| it.push_str(SECRET)).await?;
        session.commit().await?;
        session.set_named_for("d", SECRET, std::time::Duration::from_secs(60))?;
        session.clear();
        session.set_named("e", SECRET)?;
        session.update_named("f", |it: &mut String| it.push_str(SECRET)).await?;
        Ok(StatusCode::OK)
    };
    rig.run(None, writes).await.is(200);
    let values = values(&rig);
    assert!(values.len() >= 5, "{values:?}");
    assert!(!values.iter().any(|(_, value)| contains(value, SECRET)));
}

#[tokio::test]
async fn a_dump_of_the_database_holds_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("sessions.db");
    let write = async |layer: SessionLayer| {
        let inner = tower::service_fn(|request: http::Request<()>| async move {
            let session = Session::from_extensions(request.extensions()).await.unwrap();
            let status = writes(session).await.unwrap();
            Ok::<_, std::convert::Infallible>(axum::response::IntoResponse::into_response(status))
        });
        let service = tower::Layer::layer(&layer, inner);
        let Ok(response) = tower::ServiceExt::oneshot(service, request(None)).await;
        answer(response).await.is(200).ticket();
    };
    let holds = || {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        files.into_iter().any(|file| contains(&std::fs::read(file).unwrap(), SECRET))
    };
    let store = SqliteStore::open(&database).await.unwrap();
    let plain = SessionLayer::new(store);
    write(plain.clone().encrypt(Encryption::with(key(1)))).await;
    assert!(!holds());
    write(plain).await;
    assert!(holds(), "the search finds what is plain");
}

#[tokio::test]
async fn an_equal_value_is_not_written() {
    let rig = rig();
    let ticket = rig.run(None, writes).await.is(200).ticket();
    rig.faults.forget_calls();
    let again = |session: Session| async move {
        assert!(session.contains::<Note>().await?);
        session.set(&Note(SECRET.to_owned()))?;
        session.attr::<Note>().await?.0.push_str("");
        session.update(|_: &mut Note| ()).await?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), again).await.is(200);
    assert_eq!(rig.faults.count(Operation::Commit), 0);
}

#[tokio::test]
async fn updates_and_takes_are_atomic_all_the_same() {
    let rig = rig();
    let ticket = rig.session().await;
    let increments = |session: Session| async move {
        session.update_named("first", |it: &mut i64| *it += 1).await?;
        Ok(StatusCode::OK)
    };
    let (one, two) = tokio::join!(rig.run(Some(&ticket), increments), rig.run(Some(&ticket), increments));
    one.is(200);
    two.is(200);
    let takes = |session: Session| async move {
        assert_eq!(session.take_once_named("first").await?, Some(3));
        assert_eq!(session.take_once_named::<i64>("first").await?, None);
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), takes).await.is(200);
}

#[tokio::test]
async fn a_commit_whose_connection_broke_is_tried_again_as_it_was() {
    let rig = rig();
    rig.faults.inject_times(Operation::Commit, 1, Fault::LoseAnswer(StoreErrorKind::Unavailable));
    let ticket = rig.run(None, writes).await.is(200).ticket();
    let values = values(&rig);
    assert_eq!(values.len(), 2);
    assert_eq!(values[0], values[1]);
    rig.run(Some(&ticket), reads).await.is(200);
}

#[tokio::test]
async fn a_value_that_was_moved_or_altered_is_undecodable() {
    let rig = rig();
    let (one, two) =
        (rig.run(None, writes).await.is(200).ticket(), rig.run(None, writes).await.is(200).ticket());
    let stored = rig.stored(&one).await.unwrap()["note"].clone();
    plant(&rig, &two, "note", stored.clone()).await;
    rig.run(Some(&two), fails).await.is(200);
    plant(&rig, &one, "other", stored.clone()).await;
    let other = |session: Session| async move {
        assert!(session.get_named::<Note>("other").await.is_err());
        reads(session).await
    };
    rig.run(Some(&one), other).await.is(200);
    let mut altered = stored.to_vec();
    *altered.last_mut().unwrap() ^= 1;
    plant(&rig, &one, "note", altered).await;
    rig.run(Some(&one), fails).await.is(200);
    plant(&rig, &one, "note", stored).await;
    rig.run(Some(&one), reads).await.is(200);
}

#[tokio::test]
async fn a_value_stays_readable_through_rotation_and_sign_in() {
    let rig = rig();
    let ticket = rig.run(None, writes).await.is(200).ticket();
    let rotates = |session: Session| async move {
        session.rotate();
        Ok(StatusCode::OK)
    };
    let ticket = rig.run(Some(&ticket), rotates).await.is(200).ticket();
    rig.run(Some(&ticket), reads).await.is(200);
    let signs_in = |session: Session| async move {
        session.sign_in("ada".to_owned())?;
        Ok(StatusCode::OK)
    };
    let ticket = rig.run(Some(&ticket), signs_in).await.is(200).ticket();
    rig.run(Some(&ticket), reads).await.is(200);
}

#[tokio::test]
async fn a_key_is_replaced_step_by_step() {
    let old = rig();
    let with = |encryption| old.node_with(encrypting(encryption));
    let ticket = old.run(None, writes).await.is(200).ticket();
    let (learns, turns) = (
        with(Encryption::with(key(1)).also_opens(key(2))),
        with(Encryption::with(key(2)).also_opens(key(1))),
    );
    learns.run(Some(&ticket), reads).await.is(200);
    turns.run(Some(&ticket), reads).await.is(200);
    let new = with(Encryption::with(key(2)));
    new.run(Some(&ticket), fails).await.is(200);
    let rewrites = |session: Session| async move {
        session.attr::<Note>().await?.0.push('!');
        Ok(StatusCode::OK)
    };
    turns.run(Some(&ticket), rewrites).await.is(200);
    let is_rewritten = |session: Session| async move {
        assert_eq!(session.get::<Note>().await?.unwrap().0, format!("{SECRET}!"));
        Ok(StatusCode::OK)
    };
    learns.run(Some(&ticket), is_rewritten).await.is(200);
    new.run(Some(&ticket), is_rewritten).await.is(200);
    old.run(Some(&ticket), fails).await.is(200);
}

#[tokio::test]
async fn a_plain_value_is_refused_unless_the_switch_says_otherwise() {
    let plain = Rig::new();
    let ticket = plain.run(None, writes).await.is(200).ticket();
    let strict = plain.node_with(encrypting(Encryption::with(key(1))));
    strict.run(Some(&ticket), fails).await.is(200);
    assert!(contains(&plain.stored(&ticket).await.unwrap()["note"], SECRET), "left as it is");
    let migrating = plain.node_with(encrypting(Encryption::with(key(1)).accept_plain()));
    migrating.run(Some(&ticket), reads).await.is(200);
    let rewrites = |session: Session| async move {
        session.attr::<Note>().await?.0.push('!');
        Ok(StatusCode::OK)
    };
    migrating.run(Some(&ticket), rewrites).await.is(200);
    assert!(!contains(&plain.stored(&ticket).await.unwrap()["note"], SECRET));
    plain.run(Some(&ticket), fails).await.is(200);
}

#[tokio::test]
async fn the_policy_for_undecodable_values_holds_for_those_that_do_not_open() {
    let rig = rig();
    let ticket = rig.run(None, writes).await.is(200).ticket();
    let dropping = rig.node_with(|layer| {
        layer.encrypt(Encryption::with(key(2))).on_undecodable(OnUndecodable::DropAttribute)
    });
    let absent = |session: Session| async move {
        assert_eq!(session.get::<Note>().await?, None);
        Ok(StatusCode::OK)
    };
    let (log, answer) = logged(dropping.run(Some(&ticket), absent)).await;
    answer.is(200);
    assert!(log.contains("a key that is not known"), "{log}");
    assert!(rig.names(&ticket).await.unwrap().is_empty());
}

/// A limit is on the bytes in the store.
#[tokio::test]
async fn limits_count_what_is_stored() {
    let sets = |length: usize| {
        move |session: Session| async move {
            session.set_named("it", &"x".repeat(length))?;
            Ok(StatusCode::OK)
        }
    };
    let limited =
        |bytes| Rig::with(move |layer| layer.encrypt(Encryption::with(key(1))).max_attribute_bytes(bytes));
    let bytes = 1 + 20 + OVERHEAD as u64;
    limited(bytes).run(None, sets(20)).await.is(200);
    limited(bytes).run(None, sets(21)).await.is(413);
    let session =
        Rig::with(move |layer| layer.encrypt(Encryption::with(key(1))).max_session_bytes(bytes + 2));
    session.run(None, sets(20)).await.is(200);
    session.run(None, sets(21)).await.is(413);
}
