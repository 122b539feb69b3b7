//! A store that fails, hangs, or loses its answer.

use std::time::Duration;

use cloakroom::core::ErrorKind as StoreError;
use cloakroom::{Error, ErrorKind, Session};
use cloakroom_testkit::faulty::{Call, Fault, Operation};
use http::StatusCode;
use tokio::time::Instant;

use super::rig::Rig;
use crate::support::Answer;

/// The default of the layer. The clock is tokio's, and paused.
const TIMEOUT: Duration = Duration::from_secs(2);

const FAULTS: [Fault; 8] = [
    Fault::Fail(StoreError::Unavailable),
    Fault::Fail(StoreError::Timeout),
    Fault::Fail(StoreError::Full),
    Fault::Fail(StoreError::Corrupt),
    Fault::Fail(StoreError::Other),
    Fault::LoseAnswer(StoreError::Other),
    Fault::Hang,
    Fault::HangApplied,
];

async fn set(session: Session) -> Result<StatusCode, Error> {
    session.set_named("late", &1)?;
    Ok(StatusCode::OK)
}

async fn rotate(session: Session) -> Result<StatusCode, Error> {
    session.rotate();
    Ok(StatusCode::OK)
}

async fn leave(session: Session) -> Result<StatusCode, Error> {
    session.invalidate();
    Ok(StatusCode::OK)
}

async fn update(session: Session) -> Result<StatusCode, Error> {
    session.update_named("first", |number: &mut i64| *number += 1).await?;
    Ok(StatusCode::OK)
}

async fn commit(session: Session) -> Result<StatusCode, Error> {
    session.set_named("late", &1)?;
    session.commit().await?;
    Ok(StatusCode::OK)
}

/// Checks that an answer tells of the outage, and of nothing else.
fn is_outage(answer: Answer) {
    let answer = answer.is(503).without_cookie();
    assert!(answer.body.is_empty(), "{answer:?}");
    assert_eq!(answer.header("vary"), "Cookie");
}

/// Lets one operation of a request go wrong in every way, and checks that the answer is a 503 in time.
macro_rules! is_outage_whatever_goes_wrong {
    ($($case:ident: $handler:ident at $operation:ident;)+) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $case() {
                for fault in FAULTS {
                    let rig = Rig::new();
                    let ticket = rig.session().await;
                    rig.faults.inject(Operation::$operation, fault);
                    let began = Instant::now();
                    is_outage(rig.run(Some(&ticket), $handler).await);
                    assert!(began.elapsed() <= TIMEOUT + Duration::from_millis(1), "{fault:?}");
                    rig.faults.clear(Operation::$operation);
                    rig.run(None, set).await.is(200).ticket();
                }
            }
        )+
    };
}

is_outage_whatever_goes_wrong!(
    a_load: set at Load;
    a_change: set at Commit;
    a_rotation: rotate at Commit;
    a_logout: leave at Invalidate;
    an_update: update at Commit;
    an_explicit_commit: commit at Commit;
);

#[tokio::test(start_paused = true)]
async fn a_creation_that_fails_is_a_503_without_a_cookie() {
    for fault in FAULTS {
        for handler in [
            create as Handler,
            |it| Box::pin(update(it)),
            |it| Box::pin(commit(it)),
            |it| Box::pin(sign_in(it)),
        ] {
            let rig = Rig::new();
            rig.faults.inject(Operation::Commit, fault);
            is_outage(rig.run(None, handler).await);
            rig.faults.clear(Operation::Commit);
            rig.run(None, handler).await.is(200).ticket();
        }
    }
}

type Handler = fn(Session) -> cloakroom::core::BoxFuture<'static, Result<StatusCode, Error>>;

fn create(session: Session) -> cloakroom::core::BoxFuture<'static, Result<StatusCode, Error>> {
    Box::pin(set(session))
}

async fn sign_in(session: Session) -> Result<StatusCode, Error> {
    session.sign_in("ada")?;
    Ok(StatusCode::OK)
}

#[tokio::test(start_paused = true)]
async fn a_hanging_store_is_waited_for_just_as_long_as_was_set() {
    let rig = Rig::with(|layer| layer.store_timeout(Duration::from_millis(70)));
    let ticket = rig.session().await;
    rig.faults.inject(Operation::Commit, Fault::Hang);
    let began = Instant::now();
    is_outage(rig.run(Some(&ticket), set).await);
    assert_eq!(began.elapsed().as_millis(), 70);
}

fn commits(rig: &Rig) -> Vec<cloakroom::core::CommitId> {
    let calls = rig.faults.calls().into_iter();
    let ids = calls.filter_map(|call| match call {
        Call::Commit(commit) => Some(commit.id),
        _ => None,
    });
    ids.collect()
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_answer_was_lost_is_tried_once_more_and_applied_once() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let before = rig.opened(&ticket).await.unwrap().meta.version;
    for handler in [create as Handler, |it| Box::pin(update(it))] {
        rig.faults.forget_calls();
        rig.faults.inject_times(Operation::Commit, 1, Fault::LoseAnswer(StoreError::Unavailable));
        rig.run(Some(&ticket), handler).await.is(200).without_cookie();
        let ids = commits(&rig);
        assert_eq!(ids.len(), 2);
        assert_eq!(ids[0], ids[1]);
    }
    let after = rig.opened(&ticket).await.unwrap().meta.version;
    assert_eq!(after, before.next().next(), "each was applied once");
    assert_eq!(rig.stored(&ticket).await.unwrap()["first"], [2][..]);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_or_sign_in_whose_answer_was_lost_hands_out_the_ticket_that_works() {
    for handler in [|it| Box::pin(rotate(it)) as _, (|it| Box::pin(sign_in(it))) as Handler] {
        let rig = Rig::new();
        let ticket = rig.session().await;
        rig.faults.inject_times(Operation::Commit, 1, Fault::LoseAnswer(StoreError::Unavailable));
        let new = rig.run(Some(&ticket), handler).await.is(200).ticket();
        assert!(rig.opens(&new).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_was_lost_makes_one_session() {
    let rig = Rig::new();
    rig.faults.inject_times(Operation::Commit, 1, Fault::LoseAnswer(StoreError::Unavailable));
    let ticket = rig.run(None, set).await.is(200).ticket();
    assert_eq!(rig.names(&ticket).await.unwrap(), ["late"]);
    assert_eq!(rig.memory.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_logout_whose_answer_was_lost_is_tried_once_more_and_is_a_success() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.faults.inject_times(Operation::Invalidate, 1, Fault::LoseAnswer(StoreError::Unavailable));
    rig.run(Some(&ticket), leave).await.is(200).removes_cookie();
    assert_eq!(rig.faults.count(Operation::Invalidate), 2);
    assert!(rig.memory.is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_a_third_time_and_nothing_blindly() {
    for (fault, tries) in [
        (Fault::Fail(StoreError::Unavailable), 2),
        (Fault::Fail(StoreError::Full), 1),
        (Fault::Fail(StoreError::Other), 1),
        (Fault::Fail(StoreError::Refused), 1),
        (Fault::Hang, 1),
    ] {
        for (handler, operation) in
            [(create as Handler, Operation::Commit), (|it| Box::pin(leave(it)), Operation::Invalidate)]
        {
            let rig = Rig::new();
            let ticket = rig.session().await;
            rig.faults.inject(operation, fault);
            is_outage(rig.run(Some(&ticket), handler).await);
            assert_eq!(rig.faults.count(operation), tries, "{fault:?} {operation:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn both_tries_together_take_no_longer_than_the_timeout() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.faults.inject_times(Operation::Commit, 1, Fault::LoseAnswer(StoreError::Unavailable));
    rig.faults.inject(Operation::Commit, Fault::Hang);
    let began = Instant::now();
    is_outage(rig.run(Some(&ticket), set).await);
    assert_eq!(began.elapsed().as_secs(), TIMEOUT.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_logout_that_was_not_acknowledged_keeps_the_session_or_ends_it_wholly() {
    for (fault, gone) in
        [(Fault::Fail(StoreError::Other), false), (Fault::LoseAnswer(StoreError::Other), true)]
    {
        let rig = Rig::new();
        let ticket = rig.session().await;
        rig.faults.inject(Operation::Invalidate, fault);
        is_outage(rig.run(Some(&ticket), leave).await);
        assert_eq!(rig.opens(&ticket).await, !gone);
        rig.faults.clear(Operation::Invalidate);
        rig.run(Some(&ticket), leave).await.is(200);
        assert!(rig.memory.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_logout_nothing_else_is_applied() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.faults.inject(Operation::Invalidate, Fault::Fail(StoreError::Other));
    let leaves = |session: Session| async move {
        session.invalidate();
        session.set_named("again", &1)?;
        Ok(StatusCode::OK)
    };
    is_outage(rig.run(Some(&ticket), leaves).await);
    assert_eq!(rig.faults.count(Operation::Commit), 0);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
}

/// The old session is gone, but that the browser learns at its next request: a 503 carries no cookie.
#[tokio::test(start_paused = true)]
async fn an_outage_after_the_logout_is_a_503_without_a_cookie() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.faults.inject(Operation::Commit, Fault::Fail(StoreError::Other));
    let leaves = |session: Session| async move {
        session.invalidate();
        session.set_named("again", &1)?;
        Ok(StatusCode::OK)
    };
    is_outage(rig.run(Some(&ticket), leaves).await);
    assert!(rig.memory.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_failure_tells_what_it_is() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.faults.inject(Operation::Commit, Fault::Fail(StoreError::Full));
    let tells = |session: Session| async move {
        session.set_named("late", &1)?;
        let error = session.commit().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::Store, StatusCode::SERVICE_UNAVAILABLE));
        let source = std::error::Error::source(&error).unwrap().downcast_ref::<cloakroom::core::Error>();
        assert_eq!(source.unwrap().kind(), StoreError::Full);
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    rig.run(Some(&ticket), tells).await.is(500).without_cookie();
}

/// A request that may do without its session is answered, whatever the store does.
#[tokio::test(start_paused = true)]
async fn what_needs_no_store_is_answered() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    for operation in [Operation::Load, Operation::Commit, Operation::Invalidate] {
        rig.faults.inject(operation, Fault::Hang);
    }
    rig.serve(Some(&ticket), async |_| Ok(StatusCode::OK)).await.is(200);
    let reads = |session: Session| async move {
        assert!(session.is_new());
        assert_eq!(session.get_named::<i64>("first").await?, None);
        Ok(StatusCode::OK)
    };
    rig.run(None, reads).await.is(200).without_cookie();
}
