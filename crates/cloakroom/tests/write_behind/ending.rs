//! Ends and lists while what is held back cannot be written.

use std::time::Duration;

use cloakroom::core::{
    AtLimit, Bind, Commit, Creation, Ended, ErrorKind, Gone, Intent, Invalidate, Invalidated, MaxSessions,
    Outcome, Principal, Store as _, Ticket,
};
use cloakroom_testkit::faulty::{Fault, Moment, Operation};
use tokio::time::timeout;

use crate::support::{INTERVAL, Rig, committed, is, seen, set};

/// How long an operator's end or list may take.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn ada() -> Principal {
    Principal::from_static("ada")
}

pub(crate) fn ends_ada() -> Invalidate {
    Invalidate::Principal { principal: ada(), except: None }
}

/// Makes a session of ada, with `a` at version 1.
pub(crate) async fn session_of_ada(rig: &Rig) -> Ticket {
    let ticket = Ticket::generate().unwrap();
    let bind = Some(Bind { principal: ada(), max_sessions: None });
    let creation = Creation { max_inactive_interval: INTERVAL, max_lifetime: None, bind };
    let create = Commit { intent: Intent::Create(creation), ..set(&ticket, "a", "0") };
    committed(rig.node.commit(&create).await);
    ticket
}

/// The same, with `a` = 1 held back.
async fn held_of_ada(rig: &Rig) -> Ticket {
    let ticket = session_of_ada(rig).await;
    let before = rig.faults.count(Operation::Commit);
    committed(rig.node.commit(&set(&ticket, "a", "1")).await);
    assert_eq!(rig.faults.count(Operation::Commit), before, "it is held back");
    ticket
}

async fn end(rig: &Rig, invalidate: &Invalidate) -> Vec<Ended> {
    match timeout(PATIENCE, rig.node.invalidate(invalidate)).await.expect("soon").unwrap() {
        Invalidated::Done(ended) => ended,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn all_of_a_principal_end_though_a_write_fails_or_hangs() {
    for fault in [Fault::Fail(ErrorKind::Full), Fault::Fail(ErrorKind::Corrupt), Fault::Hang] {
        let rig = Rig::new();
        let tickets = [held_of_ada(&rig).await, held_of_ada(&rig).await];
        rig.faults.inject(Operation::Commit, fault);
        assert_eq!(end(&rig, &ends_ada()).await.len(), 2, "{fault:?}");
        assert_eq!(rig.node.held_sessions(), 0, "what was held back is given up");
        rig.faults.clear(Operation::Commit);
        rig.node.flush().await.unwrap();
        for ticket in tickets {
            assert_eq!((rig.stored(&ticket).await, rig.sees(&ticket).await), (None, None));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_session_ends_though_its_write_hangs() {
    for is_writing in [false, true] {
        let rig = Rig::new();
        let ticket = rig.held().await;
        rig.faults.inject(Operation::Commit, Fault::Hang);
        let flush = is_writing.then(|| rig.begin_flush());
        if is_writing {
            rig.faults.called(Operation::Commit, 2).await;
        }
        assert_eq!(end(&rig, &Invalidate::Ticket(ticket.guard())).await.len(), 1);
        assert_eq!(rig.node.held_sessions(), 0);
        if let Some(flush) = flush {
            let _ = flush.await.unwrap();
        }
        rig.faults.clear(Operation::Commit);
        assert_eq!((rig.stored(&ticket).await, rig.sees(&ticket).await), (None, None));
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_spares_the_others() {
    let rig = Rig::new();
    let (spared, ended, nobody) = (held_of_ada(&rig).await, held_of_ada(&rig).await, rig.held().await);
    rig.faults.inject(Operation::Commit, Fault::Fail(ErrorKind::Full));
    let others = Invalidate::Principal { principal: ada(), except: Some(spared.handle()) };
    assert_eq!(end(&rig, &others).await.len(), 1);
    rig.faults.clear(Operation::Commit);
    assert_eq!((rig.sees(&spared).await, rig.sees(&nobody).await), (is(2, "1"), is(2, "1")));
    assert_eq!(rig.sees(&ended).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_the_store_takes_for_expired_does_not_come_back_after_an_end() {
    for one in [false, true] {
        let rig = Rig::new();
        let ticket = session_of_ada(&rig).await;
        rig.clock.advance(INTERVAL / 2);
        assert_eq!(rig.sees(&ticket).await, is(1, "0"));
        committed(rig.node.commit(&set(&ticket, "a", "1")).await);
        assert_eq!(rig.node.held_sessions(), 1);
        rig.clock.advance(INTERVAL * 6 / 10);
        rig.faults.inject(Operation::Commit, Fault::Fail(ErrorKind::Full));
        let owned = Invalidate::Handle { handle: ticket.handle(), owner: Some(ada()) };
        assert!(end(&rig, &if one { owned } else { ends_ada() }).await.is_empty(), "as far as it knows");
        rig.faults.clear(Operation::Commit);
        rig.node.flush().await.unwrap();
        assert_eq!((rig.stored(&ticket).await, rig.sees(&ticket).await), (None, None));
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_are_listed_though_a_write_fails_or_hangs() {
    for fault in [Fault::Fail(ErrorKind::Full), Fault::Hang] {
        let rig = Rig::new();
        let ticket = held_of_ada(&rig).await;
        rig.faults.inject(Operation::Commit, fault);
        let listed = timeout(PATIENCE, rig.node.sessions_of(&ada())).await.expect("soon").unwrap();
        assert_eq!(listed.len(), 1, "{fault:?}");
        rig.faults.clear(Operation::Commit);
        assert_eq!(rig.sees(&ticket).await, is(2, "1"), "it is still held back");
    }
}

/// Ends the session of ada in a way that concerns more than one.
async fn end_by(rig: &Rig, way: &str) {
    match way {
        "principal" => assert_eq!(end(rig, &ends_ada()).await.len(), 1),
        "everyone" => drop(end(rig, &Invalidate::Everyone).await),
        _ => {
            let max_sessions = Some(MaxSessions { count: 1, at_limit: AtLimit::EndOldest });
            let bind = Some(Bind { principal: ada(), max_sessions });
            let creation = Creation { max_inactive_interval: INTERVAL, max_lifetime: None, bind };
            let ticket = Ticket::generate().unwrap();
            let sign_in = Commit { intent: Intent::Create(creation), ..set(&ticket, "a", "0") };
            assert_eq!(committed(rig.node.commit(&sign_in).await).ended.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_load_from_before_an_end_lets_no_commit_be_held_back_after_it() {
    for way in ["principal", "everyone", "room"] {
        let rig = Rig::new();
        let ticket = session_of_ada(&rig).await;
        let gate = rig.faults.hold_next(Operation::Load, Moment::After);
        let load = rig.begin_load(&ticket);
        gate.arrived().await;
        end_by(&rig, way).await;
        gate.open();
        assert_eq!(seen(load.await.unwrap()), is(1, "0"), "from before");
        let late = rig.node.commit(&set(&ticket, "a", "late")).await.unwrap();
        assert!(matches!(late, Outcome::Gone(Gone::Absent)), "{way}: {late:?}");
    }
}

#[tokio::test]
async fn a_load_from_before_an_end_that_got_no_answer_lets_no_commit_be_held_back() {
    let rig = Rig::new();
    let ticket = session_of_ada(&rig).await;
    let gate = rig.faults.hold_next(Operation::Load, Moment::After);
    let load = rig.begin_load(&ticket);
    gate.arrived().await;
    rig.faults.inject_times(Operation::Invalidate, 1, Fault::LoseAnswer(ErrorKind::Unavailable));
    rig.node.invalidate(&ends_ada()).await.unwrap_err();
    gate.open();
    assert_eq!(seen(load.await.unwrap()), is(1, "0"), "from before");
    let late = rig.node.commit(&set(&ticket, "a", "late")).await.unwrap();
    assert!(matches!(late, Outcome::Gone(Gone::Absent)), "{late:?}");
}

#[tokio::test]
async fn a_session_that_ended_while_it_was_made_takes_no_commits() {
    let rig = Rig::new();
    let gate = rig.faults.hold_next(Operation::Commit, Moment::After);
    let ticket = Ticket::generate().unwrap();
    let creation = Creation { max_inactive_interval: INTERVAL, max_lifetime: None, bind: None };
    let create = rig.begin_commit(Commit { intent: Intent::Create(creation), ..set(&ticket, "a", "0") });
    gate.arrived().await;
    end_by(&rig, "everyone").await;
    gate.open();
    committed(create.await.unwrap());
    let late = rig.node.commit(&set(&ticket, "a", "late")).await.unwrap();
    assert!(matches!(late, Outcome::Gone(Gone::Absent)), "{late:?}");
}
