//! Rotation by age.

use std::time::Duration;

use cloakroom::core::{ErrorKind as StoreError, TicketChange};
use cloakroom::{Error, Session};
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::{Call, Fault, Operation};
use http::StatusCode;
use tokio::sync::oneshot;

use super::rig::Rig;

const AGE: Duration = Duration::from_secs(10 * 60);
const MOMENT: Duration = Duration::from_millis(1);

fn rig(clock: &ManualClock) -> Rig {
    Rig::on_clock(clock, |layer| layer.renew_every(AGE).rotation_grace(Duration::from_secs(60 * 60)))
}

async fn read(session: Session) -> Result<StatusCode, Error> {
    session.get_named::<i64>("first").await?;
    Ok(StatusCode::OK)
}

async fn set(session: Session) -> Result<StatusCode, Error> {
    session.set_named("late", &1)?;
    Ok(StatusCode::OK)
}

#[tokio::test]
async fn a_ticket_is_renewed_at_its_age_by_the_stores_clock() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = rig.session().await;
    clock.advance(AGE - MOMENT);
    rig.run(Some(&ticket), read).await.is(200).without_cookie();
    clock.advance(MOMENT);
    let new = rig.run(Some(&ticket), read).await.is(200).ticket();
    rig.run(Some(&new), read).await.is(200).without_cookie();
    clock.advance(AGE);
    rig.run(Some(&new), read).await.is(200).ticket();
}

#[tokio::test]
async fn nothing_is_renewed_unless_asked_for() {
    let clock = ManualClock::default();
    let rig =
        Rig::on_clock(&clock, |layer| layer.max_inactive_interval(Duration::from_secs(400 * 24 * 3600)));
    let ticket = rig.session().await;
    clock.advance(Duration::from_secs(300 * 24 * 3600));
    rig.run(Some(&ticket), read).await.is(200).without_cookie();
}

#[tokio::test]
async fn a_renewal_goes_with_the_changes_in_one_commit() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = rig.session().await;
    clock.advance(AGE);
    let new = rig.run(Some(&ticket), set).await.is(200).ticket();
    let calls = rig.faults.calls();
    let [Call::Load(_), Call::Commit(commit)] = &calls[..] else { panic!("{calls:?}") };
    assert!(matches!(commit.changes.ticket, Some(TicketChange::Renew { .. })));
    assert_eq!(rig.names(&new).await.unwrap(), ["first", "late"]);
}

#[tokio::test]
async fn an_explicit_commit_renews_and_nothing_does_again() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = rig.session().await;
    clock.advance(AGE);
    let commits = |session: Session| async move {
        session.set_named("one", &1)?;
        session.commit().await?;
        session.set_named("two", &1)?;
        session.commit().await?;
        session.rotate();
        Ok(StatusCode::OK)
    };
    let new = rig.run(Some(&ticket), commits).await.is(200).ticket();
    assert_eq!(rig.faults.count(Operation::Commit), 2);
    assert_eq!(rig.names(&new).await.unwrap(), ["first", "one", "two"]);
}

/// The ticket before is not renewed for its age: whoever shows it has a newer one, or is given that.
#[tokio::test]
async fn a_late_request_with_the_ticket_before_renews_nothing() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let old = rig.session().await;
    clock.advance(AGE);
    let new = rig.run(Some(&old), read).await.is(200).ticket();
    assert_eq!(rig.run(Some(&old), read).await.is(200).ticket(), new, "its answer may be lost");
    rig.run(Some(&new), read).await.is(200).without_cookie();
    clock.advance(AGE);
    rig.faults.forget_calls();
    rig.run(Some(&old), read).await.is(200).without_cookie();
    assert_eq!(rig.faults.count(Operation::Commit), 0);
    rig.run(Some(&old), set).await.is(200).without_cookie();
    rig.run(Some(&new), read).await.is(200).ticket();
}

#[tokio::test]
async fn after_the_head_nothing_is_renewed_and_nothing_is_in_the_way() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = rig.session().await;
    clock.advance(AGE);
    let (sender, receiver) = oneshot::channel();
    let keeps = async |request: http::Request<()>| {
        sender.send(request).unwrap();
        Ok(StatusCode::OK)
    };
    rig.serve(Some(&ticket), keeps).await.is(200).without_cookie();
    let request = receiver.await.unwrap();
    let session = Session::from_extensions(request.extensions()).await.unwrap();
    session.commit().await.unwrap();
    assert_eq!(rig.faults.count(Operation::Commit), 0);
    session.set_named("late", &1).unwrap();
    session.commit().await.unwrap();
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first", "late"]);
    rig.run(Some(&ticket), read).await.is(200).ticket();
}

/// A request that lasts on holds the new ticket, which is no sign that the browser has it.
#[tokio::test]
async fn a_heartbeat_of_the_request_that_renewed_does_not_say_that_its_answer_arrived() {
    for rotates in [false, true] {
        let clock = ManualClock::default();
        let rig = rig(&clock);
        let ticket = rig.session().await;
        clock.advance(AGE);
        let (sender, receiver) = oneshot::channel();
        let keeps = |session: Session| async move {
            if rotates {
                session.rotate();
                session.commit().await?;
            }
            sender.send(session).unwrap();
            Ok(StatusCode::OK)
        };
        let lost = rig.run(Some(&ticket), keeps).await.is(200).ticket();
        clock.advance(Duration::from_secs(1));
        receiver.await.unwrap().heartbeat().await.unwrap();
        let opened = rig.opened(&lost).await.unwrap();
        assert_eq!(opened.meta.accessed_at, opened.now, "it is an access");
        assert_eq!(rig.run(Some(&ticket), read).await.is(200).ticket(), lost);
    }
}

/// Nor is a renewal that is only to be given again.
#[tokio::test]
async fn to_give_a_lost_renewal_again_harms_no_answer_if_it_fails() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = rig.session().await;
    clock.advance(AGE);
    let lost = rig.run(Some(&ticket), read).await.is(200).ticket();
    rig.faults.inject(Operation::Commit, Fault::Fail(StoreError::Full));
    rig.run(Some(&ticket), read).await.is(200).without_cookie();
    let commits = |session: Session| async move {
        session.commit().await?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), commits).await.is(200).without_cookie();
    rig.run(Some(&ticket), set).await.is(503).without_cookie();
    rig.faults.clear(Operation::Commit);
    assert_eq!(rig.run(Some(&ticket), read).await.is(200).ticket(), lost);
}

/// What the request came for was done: that the store did not take a renewal is no reason to refuse the answer.
#[tokio::test]
async fn a_renewal_alone_that_fails_harms_no_answer() {
    for fault in [Fault::Fail(StoreError::Full), Fault::LoseAnswer(StoreError::Other)] {
        let clock = ManualClock::default();
        let rig = rig(&clock);
        let ticket = rig.session().await;
        clock.advance(AGE);
        rig.faults.inject(Operation::Commit, fault);
        rig.run(Some(&ticket), read).await.is(200).without_cookie();
        assert_eq!(rig.faults.count(Operation::Commit), 1);
        rig.run(Some(&ticket), set).await.is(503).without_cookie();
        let rotates = |session: Session| async move {
            session.rotate();
            Ok(StatusCode::OK)
        };
        if fault == Fault::Fail(StoreError::Full) {
            rig.run(Some(&ticket), rotates).await.is(503).without_cookie();
        }
        rig.faults.clear(Operation::Commit);
        let new = rig.run(Some(&ticket), read).await.is(200).ticket();
        assert!(rig.opens(&new).await, "{fault:?}");
    }
}

#[tokio::test]
async fn a_request_that_has_failed_or_ends_the_session_renews_nothing() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = rig.session().await;
    clock.advance(AGE);
    let fails = |session: Session| async move {
        session.set_named("late", &1)?;
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    rig.run(Some(&ticket), fails).await.is(500).without_cookie();
    let leaves_and_returns = |session: Session| async move {
        session.invalidate();
        session.set_named("again", &1)?;
        Ok(StatusCode::OK)
    };
    let other = rig.run(Some(&ticket), leaves_and_returns).await.is(200).ticket();
    assert_ne!(other[..22], ticket[..22]);
    let calls = rig.faults.calls();
    let renewed = calls.iter().any(|call| matches!(call, Call::Commit(it) if it.changes.ticket.is_some()));
    assert!(!renewed, "{calls:?}");
}

#[tokio::test]
async fn an_age_of_nothing_is_refused() {
    assert!(Rig::with(|layer| layer.renew_every(Duration::ZERO)).layer.check().is_err());
}
