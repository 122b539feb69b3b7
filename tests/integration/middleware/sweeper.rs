//! What removes expired sessions in the background.

use std::time::Duration;

use cloakroom::Session;
use cloakroom::core::ErrorKind;
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::{Fault, Operation};
use http::StatusCode;

use super::log::logged;
use super::rig::Rig;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Makes a session that is live, and others that have expired. The live one comes first: a new session may make room for
/// itself among those that have expired.
async fn with_expired(number: usize) -> (Rig, String) {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| layer);
    let long = |session: Session| async move {
        session.set_named("first", &1)?;
        session.set_max_inactive_interval(2 * HOUR)?;
        Ok(StatusCode::OK)
    };
    let live = rig.run(None, long).await.is(200).ticket();
    for _ in 0..number {
        rig.session().await;
    }
    clock.advance(HOUR);
    (rig, live)
}

#[tokio::test]
async fn it_removes_what_has_expired_batch_by_batch_and_nothing_else() {
    let (rig, live) = with_expired(7).await;
    assert_eq!(rig.layer.sweeper().batch(3).sweep().await.unwrap(), 7);
    assert_eq!(rig.faults.count(Operation::Sweep), 3);
    assert_eq!(rig.memory.len(), 1);
    assert!(rig.opens(&live).await);
    assert_eq!(rig.layer.sweeper().sweep().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_does_not_end_it() {
    let (rig, _) = with_expired(2).await;
    rig.faults.inject_times(Operation::Sweep, 3, Fault::Fail(ErrorKind::Unavailable));
    let sweeper = rig.layer.sweeper().every(Duration::from_secs(60));
    let (log, ()) = logged(sweeper.run_until(rig.faults.called(Operation::Sweep, 5))).await;
    assert_eq!(rig.memory.len(), 1);
    assert_eq!(log.matches("WARN").count(), 3, "{log}");
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_it_is_told_to() {
    let (rig, _) = with_expired(1).await;
    rig.layer.sweeper().run_until(async {}).await;
    assert_eq!(rig.faults.count(Operation::Sweep), 0);
}

#[tokio::test]
async fn what_has_expired_opens_nothing_whether_or_not_it_was_swept() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| layer.max_inactive_interval(HOUR));
    let ticket = rig.session().await;
    let looks = |new: bool| {
        move |session: Session| async move {
            assert_eq!(session.is_new(), new);
            Ok(StatusCode::OK)
        }
    };
    clock.advance(HOUR - Duration::from_millis(1));
    rig.run(Some(&ticket), looks(false)).await.is(200).without_cookie();
    clock.advance(HOUR - Duration::from_millis(1));
    rig.run(Some(&ticket), looks(false)).await.is(200).without_cookie();
    clock.advance(HOUR);
    rig.run(Some(&ticket), looks(true)).await.is(200).without_cookie();
    assert_eq!(rig.memory.len(), 1);
}
