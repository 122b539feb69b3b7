//! Clones of one session that work at once, and work that nobody waits for any more.

use std::time::Duration;

use cloakroom::core::BoxFuture;
use cloakroom::{Error, LoadPolicy, Session};
use cloakroom_testkit::faulty::{Gate, Moment, Operation};
use futures_util::FutureExt as _;
use futures_util::future::{join_all, poll_immediate};
use http::StatusCode;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::rig::Rig;

/// Of tokio's clock, which is paused where it is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

type Act = fn(&Session);

/// Begins a commit, and stops waiting for it when it stands at the gate.
async fn begin_commit(session: &Session, gate: &Gate) {
    assert!(session.commit().now_or_never().is_none());
    gate.arrived().await;
}

fn increment(session: &Session) -> impl Future<Output = Result<(), Error>> {
    session.update_named("first", |number: &mut i64| *number += 1)
}

#[tokio::test]
async fn updates_by_two_clones_both_count() {
    for moment in [Moment::Before, Moment::After] {
        let rig = Rig::new();
        let ticket = rig.session().await;
        let gate = rig.faults.hold_next(Operation::Commit, moment);
        let updates = |session: Session| async move {
            let clone = session.clone();
            let opens = async {
                gate.arrived().await;
                gate.open();
            };
            let (one, two, ()) = tokio::join!(increment(&session), increment(&clone), opens);
            one?;
            two?;
            assert_eq!(session.get_named::<i64>("first").await?, Some(3));
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), updates).await.is(200).without_cookie();
        assert_eq!(rig.stored(&ticket).await.unwrap()["first"], [3][..], "{moment:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_update_of_many_clones_is_lost() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let updates = |session: Session| async move {
        let tasks = (0..20).map(|_| {
            let clone = session.clone();
            tokio::spawn(async move { increment(&clone).await })
        });
        join_all(tasks).await.into_iter().try_for_each(|done| done.unwrap())?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), updates).await.is(200).without_cookie();
    assert_eq!(rig.stored(&ticket).await.unwrap()["first"], [21][..]);
}

/// The store has taken the sign-in, and its answer is on the way.
#[tokio::test]
async fn a_heartbeat_beside_a_sign_in_costs_nobody_the_new_ticket() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let gate = rig.faults.hold_next(Operation::Commit, Moment::After);
    let (sender, receiver) = oneshot::channel();
    let signs_in = |session: Session| async move {
        session.sign_in("ada")?;
        sender.send(session).unwrap();
        Ok(StatusCode::OK)
    };
    let beats = async {
        let session = receiver.await.unwrap();
        gate.arrived().await;
        let (beat, ()) = tokio::join!(session.heartbeat(), async { gate.open() });
        beat
    };
    let (answer, beat) = tokio::join!(rig.run(Some(&ticket), signs_in), beats);
    assert!(rig.opens(&answer.is(200).ticket()).await);
    beat.unwrap();
}

/// It finds no session where one was when it began to wait.
#[tokio::test]
async fn a_heartbeat_that_waited_while_a_clone_ended_the_session_is_of_no_use() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
    let beats = |session: Session| async move {
        session.set_named("late", &1)?;
        begin_commit(&session, &gate).await;
        let ends = async {
            session.invalidate();
            gate.open();
        };
        let (beat, ()) = tokio::join!(session.heartbeat(), ends);
        beat.map(|()| StatusCode::OK)
    };
    rig.run(Some(&ticket), beats).await.is(200).removes_cookie();
    assert!(rig.memory.is_empty());
}

#[tokio::test]
async fn of_two_clones_that_take_a_value_once_one_is_given_it() {
    for moment in [Moment::Before, Moment::After] {
        let rig = Rig::with(|layer| layer.load(LoadPolicy::Everything));
        let ticket = rig.session().await;
        let gate = rig.faults.hold_next(Operation::Commit, moment);
        let takes = |session: Session| async move {
            let clone = session.clone();
            let opens = async {
                gate.arrived().await;
                gate.open();
            };
            let one = session.take_once_named::<i64>("first");
            let two = clone.take_once_named::<i64>("first");
            let (one, two, ()) = tokio::join!(one, two, opens);
            assert_eq!((one?, two?), (Some(1), None));
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), takes).await.is(200).without_cookie();
        assert!(rig.names(&ticket).await.unwrap().is_empty(), "{moment:?}");
    }
}

/// Lets many clones at once take the value 1, and checks that one of them is given it.
async fn one_takes(session: Session) -> Result<StatusCode, Error> {
    let tasks = (0..8).map(|_| {
        let clone = session.clone();
        tokio::spawn(async move { clone.take_once_named::<i64>("first").await })
    });
    let taken = join_all(tasks).await.into_iter().map(|taken| taken.unwrap());
    let taken = taken.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(taken.iter().flatten().collect::<Vec<_>>(), [&1]);
    Ok(StatusCode::OK)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_clones_that_take_a_stored_value_once_one_is_given_it() {
    for _ in 0..20 {
        let rig = Rig::new();
        let ticket = rig.session().await;
        rig.run(Some(&ticket), one_takes).await.is(200).without_cookie();
        assert!(rig.names(&ticket).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_clones_that_take_a_value_of_their_request_once_one_is_given_it() {
    for _ in 0..20 {
        let rig = Rig::new();
        let takes = |session: Session| async move {
            session.set_named("first", &1)?;
            one_takes(session).await
        };
        rig.run(None, takes).await.is(200).without_cookie();
        assert!(rig.memory.is_empty());
    }
}

/// What is done to the attribute `first`, and what it is afterwards. It was 1.
const EDITS: [(&str, Act, Option<u8>); 4] = [
    ("set back", |it| it.set_named("first", &1).unwrap(), Some(1)),
    ("set anew", |it| it.set_named("first", &7).unwrap(), Some(7)),
    ("removed", |it| it.remove_named("first"), None),
    ("cleared", Session::clear, None),
];

#[tokio::test]
async fn an_edit_during_a_commit_outlives_it() {
    for moment in [Moment::Before, Moment::After] {
        for (case, edit, expected) in EDITS {
            let rig = Rig::new();
            let ticket = rig.session().await;
            let gate = rig.faults.hold_next(Operation::Commit, moment);
            let edits = |session: Session| async move {
                assert_eq!(session.get_named("first").await?, Some(1_u8));
                session.set_named("first", &2)?;
                begin_commit(&session, &gate).await;
                edit(&session);
                assert_eq!(session.get_named("first").await?, expected, "{case}");
                gate.open();
                Ok(StatusCode::OK)
            };
            rig.run(Some(&ticket), edits).await.is(200).without_cookie();
            let stored = rig.stored(&ticket).await.unwrap();
            assert_eq!(stored.get("first").map(|value| value[0]), expected, "{case} {moment:?}");
        }
    }
}

#[tokio::test]
async fn an_edit_during_a_commit_is_seen_after_it() {
    for (case, edit, expected) in EDITS {
        let rig = Rig::new();
        let ticket = rig.session().await;
        let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
        let edits = |session: Session| async move {
            session.set_named("first", &2)?;
            begin_commit(&session, &gate).await;
            edit(&session);
            gate.open();
            session.reload().await?;
            assert_eq!(session.get_named("first").await?, expected, "{case}");
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), edits).await.is(200);
    }
}

#[tokio::test]
async fn an_edit_during_an_update_outlives_it() {
    for moment in [Moment::Before, Moment::After] {
        for (case, edit, expected) in EDITS {
            let rig = Rig::with(|layer| layer.load(LoadPolicy::Everything));
            let ticket = rig.session().await;
            let gate = rig.faults.hold_next(Operation::Commit, moment);
            let edits = |session: Session| async move {
                assert!(increment(&session).now_or_never().is_none());
                gate.arrived().await;
                edit(&session);
                gate.open();
                Ok(StatusCode::OK)
            };
            rig.run(Some(&ticket), edits).await.is(200).without_cookie();
            let stored = rig.stored(&ticket).await.unwrap();
            assert_eq!(stored.get("first").map(|value| value[0]), expected, "{case} {moment:?}");
        }
    }
}

#[tokio::test]
async fn a_sign_in_during_a_commit_is_done_after_it() {
    for is_new in [false, true] {
        let rig = Rig::new();
        let ticket = if is_new { None } else { Some(rig.session().await) };
        let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
        let signs_in = |session: Session| async move {
            session.set_named("late", &1)?;
            begin_commit(&session, &gate).await;
            session.sign_in("ada")?;
            gate.open();
            Ok(StatusCode::OK)
        };
        let new = rig.run(ticket.as_deref(), signs_in).await.is(200).ticket();
        assert_eq!(rig.opened(&new).await.unwrap().meta.principal.unwrap().as_str(), "ada");
        assert!(rig.names(&new).await.unwrap().contains(&"late".to_owned()));
        assert_eq!(rig.memory.len(), 1);
        if let Some(ticket) = ticket {
            assert!(!rig.opens(&ticket).await);
        }
    }
}

#[tokio::test]
async fn other_terms_during_a_commit_are_committed_after_it() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
    let interval = Duration::from_secs(7);
    let changes = |session: Session| async move {
        session.set_label("before")?;
        session.set_max_inactive_interval(Duration::from_secs(5))?;
        begin_commit(&session, &gate).await;
        session.set_label("after")?;
        session.set_max_inactive_interval(interval)?;
        session.rotate();
        gate.open();
        Ok(StatusCode::OK)
    };
    let new = rig.run(Some(&ticket), changes).await.is(200).ticket();
    let meta = rig.opened(&new).await.unwrap().meta;
    assert_eq!((meta.label.unwrap().as_str(), meta.max_inactive_interval), ("after", interval));
}

#[tokio::test]
async fn a_logout_during_a_commit_ends_the_session_and_what_is_set_goes_to_a_new_one() {
    for moment in [Moment::Before, Moment::After] {
        let rig = Rig::new();
        let ticket = rig.session().await;
        let gate = rig.faults.hold_next(Operation::Commit, moment);
        let leaves = |session: Session| async move {
            session.set_named("late", &1)?;
            begin_commit(&session, &gate).await;
            session.invalidate();
            session.set_named("fresh", &1)?;
            gate.open();
            Ok(StatusCode::OK)
        };
        let new = rig.run(Some(&ticket), leaves).await.is(200).ticket();
        assert!(!rig.opens(&ticket).await);
        assert_eq!(rig.names(&new).await.unwrap(), ["fresh"]);
        assert_eq!(rig.memory.len(), 1);
    }
}

/// What makes a new session, begun and not waited for.
const CREATIONS: [(&str, Act); 3] = [
    ("commit", |it| {
        it.set_named("late", &1).unwrap();
        assert!(it.commit().now_or_never().is_none());
    }),
    ("sign-in", |it| {
        it.sign_in("ada").unwrap();
        assert!(it.commit().now_or_never().is_none());
    }),
    ("update", |it| assert!(increment(it).now_or_never().is_none())),
];

#[tokio::test]
async fn a_logout_during_the_creation_ends_the_session_that_is_made() {
    for status in [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR] {
        for (case, create) in CREATIONS {
            let rig = Rig::new();
            let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
            let leaves = |session: Session| async move {
                create(&session);
                session.invalidate();
                gate.open();
                Ok(status)
            };
            let answer = rig.run(None, leaves).await.is(status.as_u16());
            assert!(answer.set_cookie().is_none_or(|cookie| cookie.value.is_empty()), "{case} {answer:?}");
            assert_eq!(rig.memory.len(), 0, "{case}");
        }
    }
}

#[tokio::test]
async fn a_logout_during_the_creation_ends_the_session_though_the_request_is_dropped() {
    for (case, create) in CREATIONS {
        let rig = Rig::new();
        let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
        let leaves = |session: Session| async move {
            create(&session);
            session.invalidate();
            std::future::pending::<()>().await;
            Ok(StatusCode::OK)
        };
        assert!(rig.run(None, leaves).now_or_never().is_none());
        gate.open();
        rig.layer.settled().await;
        assert_eq!(rig.memory.len(), 0, "{case}");
    }
}

#[tokio::test]
async fn what_is_made_by_work_that_nobody_waits_for_comes_with_its_cookie() {
    for status in [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR] {
        for (case, create) in CREATIONS {
            let rig = Rig::new();
            let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
            let creates = |session: Session| async move {
                create(&session);
                gate.open();
                Ok(status)
            };
            let ticket = rig.run(None, creates).await.is(status.as_u16()).ticket();
            assert!(rig.opens(&ticket).await, "{case}");
            assert_eq!(rig.memory.len(), 1, "{case}");
        }
    }
}

#[tokio::test]
async fn a_new_ticket_of_a_commit_that_nobody_waits_for_is_given_out() {
    let changes: [(&str, Act); 2] =
        [("rotation", Session::rotate), ("sign-in", |it| it.sign_in("ada").unwrap())];
    for status in [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR] {
        for (case, change) in changes {
            let rig = Rig::new();
            let ticket = rig.session().await;
            let gate = rig.faults.hold_next(Operation::Commit, Moment::After);
            let changes = |session: Session| async move {
                change(&session);
                begin_commit(&session, &gate).await;
                gate.open();
                Ok(status)
            };
            let new = rig.run(Some(&ticket), changes).await.is(status.as_u16()).ticket();
            assert_ne!(new, ticket, "{case}");
            assert!(rig.opens(&new).await, "{case}");
        }
    }
}

type Begin = for<'a> fn(&'a Session) -> BoxFuture<'a, Result<(), Error>>;

/// Work of each kind that follows others of its request in turn, and the operation at which it stands.
const WORK: [(&str, Operation, Begin); 7] = [
    ("get", Operation::Load, |it| Box::pin(it.get_named::<i64>("first").map(|got| got.map(drop)))),
    ("names", Operation::Load, |it| Box::pin(it.attribute_names().map(|got| got.map(drop)))),
    ("reload", Operation::Load, |it| Box::pin(it.reload())),
    ("update", Operation::Commit, |it| Box::pin(increment(it))),
    ("take", Operation::Commit, |it| Box::pin(it.take_once_named::<i64>("first").map(|got| got.map(drop)))),
    ("commit", Operation::Commit, |it| {
        it.set_label("begun").unwrap();
        Box::pin(it.commit())
    }),
    ("end others", Operation::Invalidate, |it| Box::pin(it.invalidate_others().map(|got| got.map(drop)))),
];

#[tokio::test(start_paused = true)]
async fn work_that_nobody_polls_any_more_keeps_no_other_out() {
    for (case, operation, begin) in WORK {
        // What stands at its commit needs nothing to be fetched before.
        let all_is_loaded = operation == Operation::Commit;
        let rig = Rig::with(|layer| if all_is_loaded { layer.load(LoadPolicy::Everything) } else { layer });
        let signs_in = |session: Session| async move {
            session.set_named("first", &1)?;
            session.sign_in("ada")?;
            Ok(StatusCode::OK)
        };
        let ticket = rig.run(None, signs_in).await.is(200).ticket();
        let stalls = |session: Session| {
            let gate = rig.faults.hold_next(operation, Moment::Before);
            async move {
                let mut begun = begin(&session);
                assert!(poll_immediate(&mut begun).await.is_none(), "{case}");
                gate.arrived().await;
                gate.open();
                session.set_named("late", &1)?;
                timeout(PATIENCE, session.commit()).await.expect(case)?;
                begun.await?;
                Ok(StatusCode::OK)
            }
        };
        rig.run(Some(&ticket), stalls).await.is(200).without_cookie();
        assert!(rig.names(&ticket).await.unwrap().contains(&"late".to_owned()), "{case}");
    }
}
