//! Requests that fail.

use std::panic::AssertUnwindSafe;

use cloakroom::{Error, Session};
use cloakroom_testkit::faulty::Operation;
use futures_util::FutureExt as _;
use http::StatusCode;
use tower::{Layer as _, ServiceExt as _};

use super::rig::{Rig, request};

async fn answers(rig: &Rig, ticket: &str, status: StatusCode) {
    let set = |session: Session| async move {
        session.set_named("late", &1)?;
        session.remove_named("first");
        Ok(status)
    };
    rig.run(Some(ticket), set).await.is(status.as_u16()).without_cookie();
}

#[tokio::test]
async fn only_a_5xx_or_a_408_is_a_failure() {
    for status in [200, 204, 302, 400, 404, 409, 413, 422, 429, 408, 500, 502, 503, 599] {
        let rig = Rig::new();
        let ticket = rig.session().await;
        answers(&rig, &ticket, StatusCode::from_u16(status).unwrap()).await;
        let failed = status >= 500 || status == 408;
        let expected = if failed { "first" } else { "late" };
        assert_eq!(rig.names(&ticket).await.unwrap(), [expected], "{status}");
        assert_eq!(rig.faults.count(Operation::Commit), usize::from(!failed), "{status}");
    }
}

#[tokio::test]
async fn what_counts_as_a_failure_is_the_applications_to_say() {
    let rig = Rig::with(|layer| {
        layer.failed_when(|status, headers| status == 418 || headers.contains_key("x-failed"))
    });
    let ticket = rig.session().await;
    answers(&rig, &ticket, StatusCode::IM_A_TEAPOT).await;
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
    answers(&rig, &ticket, StatusCode::INTERNAL_SERVER_ERROR).await;
    assert_eq!(rig.names(&ticket).await.unwrap(), ["late"]);
}

#[tokio::test]
async fn a_failed_request_makes_no_session_and_rotates_nothing() {
    let rig = Rig::new();
    let fail = |session: Session| async move {
        session.set_named("late", &1)?;
        session.sign_in("ada")?;
        session.rotate();
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    rig.run(None, fail).await.is(500).without_cookie();
    assert!(rig.memory.is_empty());
    let ticket = rig.session().await;
    rig.run(Some(&ticket), fail).await.is(500).without_cookie();
    assert_eq!(rig.opened(&ticket).await.unwrap().meta.principal, None);
}

#[tokio::test]
async fn a_panic_commits_nothing_but_a_logout() {
    for leaves in [false, true] {
        let rig = Rig::new();
        let ticket = rig.session().await;
        let panicking = |session: Session| async move {
            session.set_named("late", &1)?;
            if leaves {
                session.invalidate();
            }
            tokio::task::yield_now().await;
            panic!("as it must");
        };
        let request = rig.run(Some(&ticket), panicking);
        assert!(AssertUnwindSafe(request).catch_unwind().await.is_err());
        rig.layer.settled().await;
        let names = rig.names(&ticket).await;
        assert_eq!(names, (!leaves).then(|| vec!["first".to_owned()]));
        assert_eq!(rig.faults.count(Operation::Commit), 0);
    }
}

#[tokio::test]
async fn a_service_that_gives_an_error_commits_nothing_but_a_logout() {
    for leaves in [false, true] {
        let rig = Rig::new();
        let ticket = rig.session().await;
        let inner = tower::service_fn(|request: http::Request<()>| async move {
            let session = Session::from_extensions(request.extensions()).await?;
            session.set_named("late", &1)?;
            if leaves {
                session.invalidate();
            }
            session.set_named("\n", &1)?;
            Ok::<_, Error>(http::Response::new(axum::body::Body::empty()))
        });
        let answer = rig.layer.layer(inner).oneshot(request(Some(&ticket))).await;
        assert!(answer.is_err());
        let names = rig.names(&ticket).await;
        assert_eq!(names, (!leaves).then(|| vec!["first".to_owned()]));
    }
}

#[tokio::test]
async fn what_was_applied_before_a_failure_stands_with_its_cookie() {
    let rig = Rig::new();
    let commits = |session: Session| async move {
        session.set_named("kept", &1)?;
        session.commit().await?;
        session.set_named("lost", &1)?;
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    let ticket = rig.run(None, commits).await.is(500).ticket();
    assert_eq!(rig.names(&ticket).await.unwrap(), ["kept"]);

    let updates = |session: Session| async move {
        session.update_named("kept", |number: &mut i64| *number += 1).await?;
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    let ticket = rig.run(None, updates).await.is(500).ticket();
    assert_eq!(rig.stored(&ticket).await.unwrap()["kept"], [1][..]);

    let takes = |session: Session| async move {
        assert_eq!(session.take_once_named::<i64>("kept").await?, Some(1));
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    rig.run(Some(&ticket), takes).await.is(500).without_cookie();
    assert!(rig.names(&ticket).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_committed_before_a_rotation_failed_keeps_the_ticket() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let rotates = |session: Session| async move {
        session.rotate();
        session.commit().await?;
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    let new = rig.run(Some(&ticket), rotates).await.is(500).ticket();
    assert!(rig.opens(&new).await);
}

#[tokio::test]
async fn a_logout_is_done_though_its_request_fails() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let leaves = |session: Session| async move {
        session.invalidate();
        session.set_named("again", &1)?;
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    rig.run(Some(&ticket), leaves).await.is(500).removes_cookie();
    assert!(rig.memory.is_empty(), "and the new session is not made");
}
