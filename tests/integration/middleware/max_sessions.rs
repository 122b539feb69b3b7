//! How many sessions a principal may have.

use cloakroom::{AtLimit, ErrorKind, MemoryStore, Session, SessionLayer, Store as _};
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::{Moment, Operation};
use futures_util::future::join_all;
use http::StatusCode;
use std::time::Duration;

use super::ear::{ADA, LEAVE};
use super::rig::Rig;

fn refusing(count: u32) -> Rig {
    Rig::with(|layer| layer.max_sessions_per_principal(count, AtLimit::Refuse))
}

async fn sessions_of_ada(rig: &Rig) -> usize {
    rig.memory.sessions_of(&cloakroom::Principal::new("ada").unwrap()).await.unwrap().len()
}

#[tokio::test]
async fn a_sign_in_that_is_refused_is_a_409_and_stores_nothing() {
    let rig = refusing(1);
    let first = rig.run(None, ADA).await.is(200).ticket();
    let signs_in = |session: Session| async move {
        session.set_named("late", &1)?;
        session.sign_in("ada")?;
        Ok(StatusCode::OK)
    };
    let answer = rig.run(None, signs_in).await.is(409).without_cookie();
    assert!(answer.body.is_empty());
    assert_eq!(rig.memory.len(), 1);
    let anonymous = rig.session().await;
    rig.run(Some(&anonymous), signs_in).await.is(409).without_cookie();
    assert_eq!(rig.names(&anonymous).await.unwrap(), ["first"], "and the session is as before");
    rig.run(Some(&first), LEAVE).await.is(200);
    rig.run(Some(&anonymous), signs_in).await.is(200).ticket();
}

#[tokio::test]
async fn a_handler_may_answer_a_refused_sign_in_itself() {
    let rig = refusing(1);
    rig.run(None, ADA).await.is(200).ticket();
    let anonymous = rig.session().await;
    let explains = |session: Session| async move {
        session.set_named("role", "admin")?;
        session.sign_in("ada")?;
        let error = session.commit().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::TooManySessions, StatusCode::CONFLICT));
        assert_eq!(session.principal(), None);
        session.set_named("note", "too many")?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&anonymous), explains).await.is(200).without_cookie();
    assert_eq!(rig.names(&anonymous).await.unwrap(), ["first", "note"], "what was meant for ada is dropped");
    assert_eq!(sessions_of_ada(&rig).await, 1);
}

#[tokio::test]
async fn signing_in_again_needs_no_more_room() {
    let rig = refusing(1);
    let ticket = rig.run(None, ADA).await.is(200).ticket();
    let ticket = rig.run(Some(&ticket), ADA).await.is(200).ticket();
    assert!(rig.opens(&ticket).await);
}

#[tokio::test]
async fn the_oldest_ends_for_a_further_sign_in() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| layer.max_sessions_per_principal(2, AtLimit::EndOldest));
    let mut tickets = Vec::new();
    for _ in 0..4 {
        tickets.push(rig.run(None, ADA).await.is(200).ticket());
        clock.advance(Duration::from_secs(1));
    }
    let mut opens = Vec::new();
    for ticket in &tickets {
        opens.push(rig.opens(ticket).await);
    }
    assert_eq!(opens, [false, false, true, true]);
}

/// All have seen that there is a place left before one of them takes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sign_ins_that_race_for_the_last_places_as_many_win_as_there_are() {
    for _ in 0..20 {
        let rig = refusing(3);
        let gate = rig.faults.hold(Operation::Commit, Moment::Before);
        let racers = (0..8).map(|_| {
            let rig = rig.clone();
            tokio::spawn(async move { rig.run(None, ADA).await })
        });
        let racers: Vec<_> = racers.collect();
        gate.arrivals(8).await;
        gate.open();
        let answers: Vec<_> = join_all(racers).await.into_iter().map(Result::unwrap).collect();
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 3);
        for answer in lost {
            answer.is(409).without_cookie();
        }
        for answer in won {
            assert!(rig.opens(&answer.ticket()).await);
        }
        assert_eq!((rig.memory.len(), sessions_of_ada(&rig).await), (3, 3));
    }
}

#[test]
fn none_at_all_is_no_limit() {
    let layer = SessionLayer::new(MemoryStore::new()).max_sessions_per_principal(0, AtLimit::Refuse);
    layer.check().unwrap_err();
}
