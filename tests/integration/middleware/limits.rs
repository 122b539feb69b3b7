//! Limits that the application sets.

use cloakroom::{Error, ErrorKind, Session, SessionLayer};
use cloakroom_testkit::faulty::Operation;
use http::StatusCode;

use super::rig::Rig;

fn tight(layer: SessionLayer) -> SessionLayer {
    layer.max_attribute_bytes(20).max_session_bytes(50).max_attributes(3).max_name_bytes(5)
}

#[tokio::test]
async fn what_is_over_a_limit_by_itself_is_refused_when_it_is_set() {
    let rig = Rig::with(tight);
    let ticket = rig.session().await;
    let sets = |session: Session| async move {
        session.set_named("text", &"x".repeat(19))?;
        for (name, value) in [("text", "x".repeat(20)), ("longer", "x".to_owned())] {
            let error = session.set_named(name, &value).unwrap_err();
            assert_eq!((error.kind(), error.status()), (ErrorKind::OverLimit, StatusCode::PAYLOAD_TOO_LARGE));
        }
        assert_eq!(session.get_named::<String>("text").await?, Some("x".repeat(19)), "as before");
        let error = session.update_named("text", |text: &mut String| text.push('x')).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OverLimit);
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), sets).await.is(200);
    assert_eq!(rig.stored(&ticket).await.unwrap()["text"].len(), 20);
}

async fn sets_four(session: Session) -> Result<StatusCode, Error> {
    for name in ["a", "b", "c"] {
        session.set_named(name, &1)?;
    }
    Ok(StatusCode::OK)
}

async fn sets_sixty_bytes(session: Session) -> Result<StatusCode, Error> {
    session.set_named("a", &"x".repeat(19))?;
    session.set_named("b", &"x".repeat(19))?;
    session.set_named("first", &"x".repeat(19))?;
    Ok(StatusCode::OK)
}

#[tokio::test]
async fn what_is_over_a_limit_together_replaces_the_answer_and_stores_nothing() {
    let rig = Rig::with(tight);
    let ticket = rig.session().await;
    for answer in [rig.run(Some(&ticket), sets_four).await, rig.run(Some(&ticket), sets_sixty_bytes).await] {
        let answer = answer.is(413).without_cookie();
        assert!(answer.body.is_empty());
    }
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
    assert_eq!(rig.faults.count(Operation::Commit), 2);
    rig.run(None, sets_sixty_bytes).await.is(413).without_cookie();
    assert_eq!(rig.memory.len(), 1);
}

#[tokio::test]
async fn lowering_a_limit_locks_nobody_out() {
    let rig = Rig::new();
    let ticket = rig.run(None, sets_sixty_bytes).await.is(200).ticket();
    let store = rig.memory.clone();
    let tightened = Rig { layer: tight(SessionLayer::new(store)), ..rig };
    let shrinks = |session: Session| async move {
        session.set_named("a", &"x".repeat(18))?;
        Ok(StatusCode::OK)
    };
    tightened.run(Some(&ticket), shrinks).await.is(200);
    assert_eq!(tightened.stored(&ticket).await.unwrap()["a"].len(), 19);
}

/// The library documents: past a limit the answer is 413, and nothing of the request is stored.
#[tokio::test]
async fn a_handler_that_passes_the_refusal_on_stores_nothing() {
    let rig = Rig::with(tight);
    let ticket = rig.session().await;
    let passes_on = |session: Session| async move {
        session.set_named("a", &1)?;
        session.set_named("b", &"x".repeat(20))?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), passes_on).await.is(413).without_cookie();
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
}
