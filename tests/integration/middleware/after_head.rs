//! A session that is used after its response's head has gone out.

use cloakroom::{ErrorKind, Session};
use http::StatusCode;
use tokio::sync::oneshot;

use super::log::logged;
use super::rig::Rig;

/// Handles a request, and returns its session after the answer has gone out.
async fn after_head(rig: &Rig, ticket: Option<&str>) -> Session {
    let (sender, receiver) = oneshot::channel();
    let keeps = |session: Session| async move {
        sender.send(session).unwrap();
        Ok(StatusCode::OK)
    };
    rig.run(ticket, keeps).await.is(200).without_cookie();
    receiver.await.unwrap()
}

#[tokio::test]
async fn a_task_reads_and_commits() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let session = after_head(&rig, Some(&ticket)).await;
    let worked = tokio::spawn(async move {
        assert_eq!(session.get_named::<i64>("first").await?, Some(1));
        session.set_named("late", &1)?;
        session.commit().await?;
        session.update_named("first", |number: &mut i64| *number += 1).await?;
        session.heartbeat().await?;
        session.reload().await
    });
    worked.await.unwrap().unwrap();
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first", "late"]);
    assert_eq!(rig.stored(&ticket).await.unwrap()["first"], [2][..]);
}

#[tokio::test]
async fn what_was_never_committed_is_reported() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let (log, ()) = logged(async {
        let session = after_head(&rig, Some(&ticket)).await;
        let clone = session.clone();
        session.set_named("late", &1).unwrap();
        drop(session);
        drop(clone);
    })
    .await;
    assert!(log.contains("WARN") && log.contains("session changes are lost"), "{log}");
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
}

#[tokio::test]
async fn what_was_committed_is_not_reported() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let (log, ()) = logged(async {
        let session = after_head(&rig, Some(&ticket)).await;
        session.set_named("late", &1).unwrap();
        session.commit().await.unwrap();
    })
    .await;
    assert!(!log.contains("WARN"), "{log}");
}

#[tokio::test]
async fn an_interval_that_was_never_committed_is_reported() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let (log, ()) = logged(async {
        let session = after_head(&rig, Some(&ticket)).await;
        session.set_max_inactive_interval(std::time::Duration::from_secs(1)).unwrap();
    })
    .await;
    assert!(log.contains("session changes are lost"), "{log}");
}

#[tokio::test]
async fn a_logout_that_was_never_committed_is_reported_or_done() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let (log, ()) = logged(async {
        let session = after_head(&rig, Some(&ticket)).await;
        session.invalidate();
        drop(session);
        rig.layer.settled().await;
    })
    .await;
    assert!(!rig.opens(&ticket).await || log.contains("session changes are lost"), "{log}");
}

#[tokio::test]
async fn a_logout_can_be_committed() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let session = after_head(&rig, Some(&ticket)).await;
    session.invalidate();
    session.commit().await.unwrap();
    assert!(!rig.opens(&ticket).await);
}

#[tokio::test]
async fn what_would_need_a_cookie_is_refused() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    for signs_in in [false, true] {
        let session = after_head(&rig, Some(&ticket)).await;
        session.set_named("late", &1).unwrap();
        if signs_in {
            session.sign_in("ada").unwrap();
        } else {
            session.rotate();
        }
        assert_eq!(session.commit().await.unwrap_err().kind(), ErrorKind::HeadSent);
        assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
    }
    let session = after_head(&rig, None).await;
    session.set_named("late", &1).unwrap();
    assert_eq!(session.commit().await.unwrap_err().kind(), ErrorKind::HeadSent);
    let session = after_head(&rig, None).await;
    let updated = session.update_named("late", |number: &mut i64| *number += 1).await;
    assert_eq!(updated.unwrap_err().kind(), ErrorKind::HeadSent);
    assert_eq!(rig.memory.len(), 1, "nothing was made that nobody could open");
}

#[tokio::test]
async fn that_a_session_has_ended_is_told_each_time_also_to_the_request_that_made_it() {
    let rig = Rig::new();
    let (sender, receiver) = oneshot::channel();
    let makes = |session: Session| async move {
        session.set_named("first", &1)?;
        sender.send(session).unwrap();
        Ok(StatusCode::OK)
    };
    let ticket = rig.run(None, makes).await.is(200).ticket();
    let session = receiver.await.unwrap();
    let leaves = |session: Session| async move {
        session.invalidate();
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), leaves).await.is(200);
    for _ in 0..2 {
        assert_eq!(session.reload().await.unwrap_err().kind(), ErrorKind::Gone);
        assert_eq!(session.heartbeat().await.unwrap_err().kind(), ErrorKind::Gone);
    }
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_is_gone() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let session = after_head(&rig, Some(&ticket)).await;
    let leaves = |session: Session| async move {
        session.invalidate();
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), leaves).await.is(200);
    session.set_named("late", &1).unwrap();
    assert_eq!(session.commit().await.unwrap_err().kind(), ErrorKind::Gone);
    assert_eq!(session.heartbeat().await.unwrap_err().kind(), ErrorKind::Gone);
    assert_eq!(session.reload().await.unwrap_err().kind(), ErrorKind::Gone);
    assert!(rig.memory.is_empty());
}
