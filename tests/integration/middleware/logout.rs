//! A logout that was asked for is done, or it is said that it was not.

use std::panic::AssertUnwindSafe;

use cloakroom::{Session, SessionLayer};
use cloakroom_testkit::faulty::{Fault, Moment, Operation};
use futures_util::FutureExt as _;
use http::StatusCode;
use tokio::sync::oneshot;

use super::log::logged;
use super::rig::Rig;

fn tight(layer: SessionLayer) -> SessionLayer {
    layer.max_session_bytes(50)
}

/// A clone leaves while what the request has set is on its way to the store, which takes or refuses it.
#[tokio::test]
async fn one_that_comes_while_a_commit_is_under_way_is_done_whatever_becomes_of_that() {
    for (bytes, status) in [(1, 200), (100, 413)] {
        let rig = Rig::with(tight);
        let ticket = rig.session().await;
        let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
        let (sender, receiver) = oneshot::channel();
        let sets = |session: Session| async move {
            session.set_named("late", &"x".repeat(bytes))?;
            sender.send(session).unwrap();
            Ok(StatusCode::OK)
        };
        let leaves = async {
            let session = receiver.await.unwrap();
            gate.arrived().await;
            session.invalidate();
            gate.open();
        };
        let (answer, ()) = tokio::join!(rig.run(Some(&ticket), sets), leaves);
        answer.is(status).removes_cookie();
        assert!(!rig.opens(&ticket).await, "{bytes}");
    }
}

#[tokio::test]
async fn one_that_comes_after_a_failed_request_and_is_not_committed_is_reported() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let (log, ()) = logged(async {
        let (sender, receiver) = oneshot::channel();
        let fails = |session: Session| async move {
            sender.send(session).unwrap();
            Ok(StatusCode::INTERNAL_SERVER_ERROR)
        };
        rig.run(Some(&ticket), fails).await.is(500);
        receiver.await.unwrap().invalidate();
    })
    .await;
    assert!(log.contains("WARN") && log.contains("session changes are lost"), "{log}");
}

#[tokio::test]
async fn one_that_the_store_fails_is_said_to_have_failed_and_nothing_else() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.faults.inject(Operation::Invalidate, Fault::Fail(cloakroom::core::ErrorKind::Full));
    let leaves = |session: Session| async move {
        session.invalidate();
        Ok(StatusCode::OK)
    };
    let (log, answer) = logged(rig.run(Some(&ticket), leaves)).await;
    answer.is(503).without_cookie();
    assert!(log.contains("ERROR") && !log.contains("session changes are lost"), "{log}");
}

#[tokio::test]
async fn one_is_done_though_what_says_whether_its_request_has_failed_panics() {
    let rig = Rig::with(|layer| {
        layer.failed_when(|status, _| {
            assert_ne!(status, StatusCode::IM_A_TEAPOT);
            false
        })
    });
    let ticket = rig.session().await;
    let leaves = |session: Session| async move {
        session.invalidate();
        Ok(StatusCode::IM_A_TEAPOT)
    };
    let request = rig.run(Some(&ticket), leaves);
    assert!(AssertUnwindSafe(request).catch_unwind().await.is_err());
    rig.layer.settled().await;
    assert!(!rig.opens(&ticket).await);
}
