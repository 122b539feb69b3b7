//! What a request has changed before it failed, and what its tasks do afterwards.

use cloakroom::{Attr, Attribute, ErrorKind, Session};
use cloakroom_testkit::faulty::{Fault, Moment, Operation};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::log::logged;
use super::rig::Rig;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Count(u32);

impl Attribute for Count {
    const NAME: &'static str = "count";
}

/// Handles a request that makes changes and fails, and returns its session.
async fn failed(rig: &Rig, ticket: &str) -> Session {
    let (sender, receiver) = oneshot::channel();
    let fails = |session: Session| async move {
        session.set_named("failed", &1)?;
        session.remove_named("first");
        session.set_label("failed")?;
        sender.send(session).unwrap();
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    rig.run(Some(ticket), fails).await.is(500).without_cookie();
    receiver.await.unwrap()
}

/// Begins a request that makes changes and never ends, drops it, and returns its session.
async fn dropped(rig: &Rig, ticket: &str) -> Session {
    let (sender, receiver) = oneshot::channel();
    let hangs = |session: Session| async move {
        session.set_named("failed", &1)?;
        session.remove_named("first");
        session.set_label("failed")?;
        let mut count: Attr<Count> = session.attr().await?;
        count.0 = 1;
        sender.send(session.clone()).unwrap();
        std::future::pending().await
    };
    tokio::select! {
        _ = rig.run(Some(ticket), hangs) => unreachable!(),
        session = receiver => session.unwrap(),
    }
}

/// Checks that a task of the request stores what it changes afterwards, and nothing from before.
async fn stores_only_what_comes_after(rig: &Rig, ticket: &str, session: Session) {
    session.set_named("late", &1).unwrap();
    let refused = session.commit().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RequestFailed);
    assert_eq!(rig.names(ticket).await.unwrap(), ["first"], "it does not look as if all were stored");
    session.commit().await.unwrap();
    assert_eq!(rig.names(ticket).await.unwrap(), ["first", "late"]);
    assert_eq!(rig.opened(ticket).await.unwrap().meta.label, None);
}

#[tokio::test]
async fn a_task_commits_nothing_of_a_request_that_has_failed() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let session = failed(&rig, &ticket).await;
    stores_only_what_comes_after(&rig, &ticket, session).await;
}

#[tokio::test]
async fn a_task_commits_nothing_of_a_request_that_was_dropped() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let session = dropped(&rig, &ticket).await;
    stores_only_what_comes_after(&rig, &ticket, session).await;
}

#[tokio::test]
async fn a_task_commits_nothing_of_a_request_whose_commit_has_failed() {
    for refused in [true, false] {
        let rig = Rig::with(|layer| layer.max_session_bytes(50));
        let ticket = rig.session().await;
        if !refused {
            rig.faults.inject(Operation::Commit, Fault::Fail(cloakroom::core::ErrorKind::Full));
        }
        let (sender, receiver) = oneshot::channel();
        let sets = |session: Session| async move {
            session.set_named("failed", &"x".repeat(if refused { 100 } else { 1 }))?;
            session.set_label("failed")?;
            sender.send(session).unwrap();
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), sets).await.is(if refused { 413 } else { 503 });
        rig.faults.clear(Operation::Commit);
        stores_only_what_comes_after(&rig, &ticket, receiver.await.unwrap()).await;
    }
}

/// What had begun before is no part of the failure: it runs to its end.
#[tokio::test]
async fn a_commit_that_is_under_way_when_its_request_fails_is_told_what_became_of_it() {
    for bytes in [1, 100] {
        let rig = Rig::with(|layer| layer.max_session_bytes(50));
        let ticket = rig.session().await;
        let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
        let (sender, receiver) = oneshot::channel();
        let fails = |session: Session| async move {
            session.set_named("begun", &"x".repeat(bytes))?;
            session.set_label("begun")?;
            let task = session.clone();
            tokio::spawn(async move { drop(sender.send((task.commit().await, task))) });
            gate.arrived().await;
            Ok(StatusCode::INTERNAL_SERVER_ERROR)
        };
        rig.run(Some(&ticket), fails).await.is(500);
        let (committed, session) = receiver.await.unwrap();
        assert_eq!(committed.is_ok(), bytes == 1);
        session.commit().await.unwrap();
        let expected: &[&str] = if bytes == 1 { &["begun", "first"] } else { &["first"] };
        assert_eq!(rig.names(&ticket).await.unwrap(), expected);
        let label = rig.opened(&ticket).await.unwrap().meta.label;
        assert_eq!(label.is_some(), bytes == 1, "what was refused is not tried again");
    }
}

/// Returns how often it is reported that changes are lost, when tasks of failed requests make some or none.
async fn reports(changes: bool) -> usize {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let (log, ()) = logged(async {
        for session in [failed(&rig, &ticket).await, dropped(&rig, &ticket).await] {
            if changes {
                session.set_named("late", &1).unwrap();
            }
        }
    })
    .await;
    log.matches("session changes are lost").count()
}

#[tokio::test]
async fn what_was_given_up_is_not_reported_and_what_came_after_is() {
    assert_eq!((reports(false).await, reports(true).await), (0, 2));
}
