//! Clones that wait for each other, and what they do the moment they may.

use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use cloakroom::core::BoxFuture;
use cloakroom::{Error, ErrorKind, Session};
use cloakroom_testkit::faulty::{Moment, Operation};
use http::StatusCode;
use tokio::sync::oneshot;

use super::rig::Rig;

/// How long what is certain to come may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does something once, wherever it is woken.
struct Then<F>(Mutex<Option<F>>);

impl<F: FnOnce() + Send + 'static> Then<F> {
    fn waker(act: F) -> Waker {
        Arc::new(Self(Mutex::new(Some(act)))).into()
    }
}

impl<F: FnOnce() + Send + 'static> Wake for Then<F> {
    fn wake(self: Arc<Self>) {
        let act = self.0.lock().unwrap().take();
        act.into_iter().for_each(|act| act());
    }
}

/// Has a clone wait for its turn; what it is woken by does this.
fn wait_with(session: &Session, act: impl FnOnce() + Send + 'static) {
    let session = session.clone();
    let mut reload = Box::pin(async move { session.reload().await });
    assert!(reload.as_mut().poll(&mut Context::from_waker(&Then::waker(act))).is_pending());
}

/// An executor may run what it wakes at once, and that may look at the session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_woken_may_use_the_session_at_once() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
    let (looked, seen) = mpsc::channel();
    let waits = |session: Session| async move {
        session.set_named("late", &1)?;
        let first = tokio::spawn({
            let session = session.clone();
            async move { session.commit().await }
        });
        gate.arrived().await;
        let clone = session.clone();
        wait_with(&session, move || {
            // On a thread of its own, so that what never ends fails the test.
            let (told, is_new) = mpsc::channel();
            std::thread::spawn(move || told.send(clone.is_new()));
            looked.send(is_new.recv_timeout(PATIENCE)).unwrap();
        });
        gate.open();
        first.await.unwrap()?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), waits).await.is(200);
    assert_eq!(seen.recv().unwrap(), Ok(false));
}

/// What waits for the request's own commit comes after it and after the head, when no cookie can be sent any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_the_last_commit_comes_after_the_head() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
    let (sender, receiver) = oneshot::channel();
    let sets = |session: Session| async move {
        session.set_named("late", &1)?;
        sender.send(session).unwrap();
        Ok(StatusCode::OK)
    };
    let rotates = async {
        let session = receiver.await.unwrap();
        gate.arrived().await;
        session.rotate();
        let (commit, faults) = (pin_begun(&session), rig.faults.clone());
        let commit = Arc::new(tokio::spawn(commit));
        let other = Arc::clone(&commit);
        // The turn is over: the other goes on before the request does.
        wait_with(&session, move || {
            let began = Instant::now();
            while !other.is_finished() && faults.count(Operation::Commit) < 2 && began.elapsed() < PATIENCE {
                std::thread::yield_now();
            }
        });
        gate.open();
        commit
    };
    let (answer, commit) = tokio::join!(rig.run(Some(&ticket), sets), rotates);
    answer.is(200).without_cookie();
    let Some(commit) = Arc::into_inner(commit) else { panic!("who was woken has gone on") };
    assert_eq!(commit.await.unwrap().unwrap_err().kind(), ErrorKind::HeadSent);
}

/// Begins a commit, which waits for its turn.
fn pin_begun(session: &Session) -> BoxFuture<'static, Result<(), Error>> {
    let session = session.clone();
    let mut commit: BoxFuture<'static, _> = Box::pin(async move { session.commit().await });
    assert!(commit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    commit
}
