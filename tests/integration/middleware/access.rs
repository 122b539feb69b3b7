//! Which requests are an access, and what a session that has ended does to an answer.

use std::time::Duration;

use cloakroom::core::{Timestamp, Touch};
use cloakroom::{Error, OnGone, Session};
use cloakroom_testkit::faulty::{Call, Operation};
use http::StatusCode;

use super::rig::Rig;

async fn unused(_: http::Request<()>) -> Result<StatusCode, Error> {
    Ok(StatusCode::OK)
}

#[tokio::test]
async fn a_route_that_does_not_use_the_session_asks_nothing_of_the_store() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    for ticket in [None, Some(ticket.as_str()), Some(&"A".repeat(44))] {
        let answer = rig.serve(ticket, unused).await.is(200).without_cookie();
        assert_eq!((answer.header("vary"), answer.header("cache-control")), ("", ""));
    }
    assert!(rig.faults.calls().is_empty());
}

#[tokio::test]
async fn without_a_cookie_reading_asks_nothing_of_the_store() {
    let rig = Rig::new();
    let reads = |session: Session| async move {
        session.get_named::<i64>("first").await?;
        session.attribute_names().await?;
        session.rotate();
        session.remove_named("first");
        session.set_max_inactive_interval(Duration::from_secs(1))?;
        session.invalidate();
        Ok(StatusCode::OK)
    };
    rig.run(None, reads).await.is(200).without_cookie();
    assert!(rig.faults.calls().is_empty());
}

#[tokio::test]
async fn every_request_is_an_access_if_asked_for() {
    let rig = Rig::with(|layer| layer.every_request_is_access().touch_every(Duration::ZERO));
    let ticket = rig.session().await;
    let answer = rig.serve(Some(&ticket), unused).await.is(200).without_cookie();
    assert_eq!(
        (answer.header("vary"), answer.header("cache-control")),
        ("", ""),
        "its answer does not depend on it"
    );
    let calls = rig.faults.calls();
    let [Call::Load(load)] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!(load.touch, Touch::AtMostEvery(Duration::ZERO));
    rig.faults.forget_calls();
    rig.serve(None, unused).await.is(200);
    assert!(rig.faults.calls().is_empty());
    rig.run(Some(&ticket), |_| async { Ok(StatusCode::OK) }).await.is(200);
    assert_eq!(rig.faults.count(Operation::Load), 1, "once, not twice");
}

#[tokio::test(start_paused = true)]
async fn an_access_that_the_store_does_not_take_harms_no_answer() {
    let rig = Rig::with(|layer| layer.every_request_is_access());
    let ticket = rig.session().await;
    rig.faults.inject(Operation::Load, cloakroom_testkit::faulty::Fault::Hang);
    rig.serve(Some(&ticket), unused).await.is(200).without_cookie();
}

async fn accessed_at(rig: &Rig, ticket: &str) -> Timestamp {
    rig.opened(ticket).await.unwrap().meta.accessed_at
}

#[tokio::test]
async fn a_heartbeat_is_an_access_whatever_the_throttle() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let before = accessed_at(&rig, &ticket).await;
    let beats = |session: Session| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        session.heartbeat().await?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), beats).await.is(200);
    assert!(accessed_at(&rig, &ticket).await > before);
}

#[tokio::test]
async fn setting_an_equal_value_writes_nothing() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let sets = |session: Session| async move {
        assert_eq!(session.get_named::<i64>("first").await?, Some(1));
        session.set_named("first", &1)?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), sets).await.is(200).without_cookie();
    assert_eq!(rig.faults.count(Operation::Commit), 0);
}

/// Changes a session that ends before the change is committed.
async fn too_late(rig: &Rig) -> crate::support::Answer {
    let ticket = rig.session().await;
    let late = |session: Session| {
        let (rig, ticket) = (rig.node(), ticket.clone());
        async move {
            let leaves = |session: Session| async move {
                session.invalidate();
                Ok(StatusCode::OK)
            };
            rig.run(Some(&ticket), leaves).await.is(200);
            session.set_named("late", &1)?;
            Ok(StatusCode::CREATED)
        }
    };
    let answer = rig.run(Some(&ticket), late).await.without_cookie();
    assert!(rig.memory.is_empty());
    answer
}

#[tokio::test]
async fn the_answer_stands_though_the_session_is_gone() {
    too_late(&Rig::new()).await.is(201);
    too_late(&Rig::with(|layer| layer.on_gone(OnGone::LetStand))).await.is(201);
}

#[tokio::test]
async fn the_answer_is_replaced_if_asked_for() {
    let rig = Rig::with(|layer| layer.on_gone(OnGone::Respond(StatusCode::CONFLICT)));
    too_late(&rig).await.is(409);
}

#[tokio::test]
async fn an_explicit_commit_tells_that_the_session_is_gone() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let late = |session: Session| {
        let (rig, ticket) = (rig.node(), ticket.clone());
        async move {
            let leaves = |session: Session| async move {
                session.sign_out();
                Ok(StatusCode::OK)
            };
            rig.run(Some(&ticket), leaves).await.is(200);
            session.set_named("late", &1)?;
            assert_eq!(session.commit().await.unwrap_err().kind(), cloakroom::ErrorKind::Gone);
            assert_eq!(
                session.get_named::<i64>("first").await.unwrap_err().kind(),
                cloakroom::ErrorKind::Gone
            );
            Ok(StatusCode::OK)
        }
    };
    rig.run(Some(&ticket), late).await.is(200).without_cookie();
}

/// What others did since is told by the store, and what was asked for stays as it was asked for.
#[tokio::test]
async fn what_a_session_tells_of_itself_includes_the_requests_own_changes() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let changes = |session: Session| async move {
        assert!(!session.is_new());
        session.set_max_inactive_interval(Duration::from_secs(7))?;
        session.sign_in("ada")?;
        assert_eq!(session.max_inactive_interval(), Duration::from_secs(7));
        assert_eq!(session.principal().unwrap().as_str(), "ada");
        let handle = session.handle().unwrap();
        session.commit().await?;
        assert_eq!(session.handle(), Some(handle));
        assert_eq!(session.sessions().await?.len(), 1);
        session.invalidate();
        assert_eq!((session.handle(), session.principal()), (None, None));
        session.set_named("again", &1)?;
        session.commit().await?;
        assert_ne!(session.handle(), Some(handle));
        Ok(StatusCode::OK)
    };
    let new = rig.run(Some(&ticket), changes).await.is(200).ticket();
    assert_eq!(rig.names(&new).await.unwrap(), ["again"]);
    assert_eq!(rig.memory.len(), 1);
}

/// A ticket that was planted before the sign-in cannot write by signing in once more.
#[tokio::test]
async fn a_late_sign_in_writes_nothing() {
    let rig = Rig::new();
    let old = rig.session().await;
    let signs_in = |session: Session| async move {
        session.sign_in("ada")?;
        Ok(StatusCode::OK)
    };
    let new = rig.run(Some(&old), signs_in).await.is(200).ticket();
    let late = |session: Session| async move {
        session.set_named("late", &1)?;
        session.sign_in("ada")?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&old), late).await.is(200).without_cookie();
    assert_eq!(rig.names(&new).await.unwrap(), ["first"]);
}
