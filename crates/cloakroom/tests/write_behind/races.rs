//! Loads, commits and ends that arrive while something is being written.

use std::time::Duration;

use cloakroom::core::{
    Bind, Changes, Conflict, Error, ErrorKind, Expect, Gone, Invalidate, Invalidated, Outcome, Principal,
    Store as _, TicketChange, Version,
};
use cloakroom_testkit::faulty::{Fault, Moment, Operation};

use crate::support::{Rig, change, committed, edit, is, opened, seen, set};

#[tokio::test]
async fn a_load_that_comes_during_a_write_sees_it_once() {
    for moment in [Moment::Before, Moment::After] {
        let rig = Rig::new();
        let ticket = rig.held().await;
        let gate = rig.faults.hold(Operation::Commit, moment);
        let flush = rig.begin_flush();
        gate.arrived().await;
        let load = rig.begin_load(&ticket);
        tokio::task::yield_now().await;
        assert!(!load.is_finished(), "whether the write is done is not known yet");
        gate.open();
        assert_eq!(seen(load.await.unwrap()), is(2, "1"), "{moment:?}");
        flush.await.unwrap().unwrap();
        assert_eq!(rig.stored(&ticket).await, is(2, "1"));
    }
}

#[tokio::test]
async fn a_load_that_a_write_comes_after_sees_what_is_held_back() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    let gate = rig.faults.hold_next(Operation::Load, Moment::After);
    let load = rig.begin_load(&ticket);
    gate.arrived().await;
    let flush = rig.begin_flush();
    assert_eq!(committed(rig.node.commit(&set(&ticket, "a", "2")).await).version.0, 3, "it waits for nobody");
    tokio::task::yield_now().await;
    assert_eq!(rig.faults.count(Operation::Commit), 1, "only the create: the write waits for the load");
    gate.open();
    assert_eq!(seen(load.await.unwrap()), is(3, "2"));
    flush.await.unwrap().unwrap();
    assert_eq!((rig.stored(&ticket).await, rig.sees(&ticket).await), (is(3, "2"), is(3, "2")));
}

#[tokio::test]
async fn commits_gather_while_a_write_is_under_way() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
    let flush = rig.begin_flush();
    gate.arrived().await;
    for version in 3..6 {
        let held = rig.node.commit(&set(&ticket, "a", &version.to_string())).await;
        assert_eq!(committed(held).version.0, version);
    }
    assert_eq!(rig.stored(&ticket).await, is(1, "0"));
    gate.open();
    flush.await.unwrap().unwrap();
    assert_eq!(rig.stored(&ticket).await, is(5, "5"));
    let written: Vec<_> = rig.commits().iter().skip(1).map(|commit| commit.stands_for.get()).collect();
    assert_eq!(written, [1, 3]);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_with_the_same_id() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    rig.faults.inject_times(Operation::Commit, 1, Fault::LoseAnswer(ErrorKind::Unavailable));
    rig.node.flush().await.unwrap_err();
    assert_eq!(rig.stored(&ticket).await, is(2, "1"), "it was applied");
    assert_eq!(committed(rig.node.commit(&set(&ticket, "a", "2")).await).version.0, 3);
    assert_eq!(rig.sees(&ticket).await, is(3, "2"));
    let ids: Vec<_> = rig.commits().iter().skip(1).map(|commit| commit.id).collect();
    assert_eq!(ids[0], ids[1], "the load has asked again");
    rig.node.flush().await.unwrap();
    assert_eq!(rig.stored(&ticket).await, is(3, "2"));
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_is_neither_lost_nor_doubled() {
    for fault in [Fault::Hang, Fault::HangApplied] {
        let rig = Rig::new();
        let ticket = rig.held().await;
        rig.faults.inject_times(Operation::Commit, 1, fault);
        assert_eq!(rig.node.flush().await.unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(rig.sees(&ticket).await, is(2, "1"), "{fault:?}");
        assert_eq!(rig.stored(&ticket).await, is(2, "1"), "{fault:?}");
        assert_eq!(rig.node.held_sessions(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_that_is_given_up_while_it_writes_loses_nothing() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    rig.faults.inject_times(Operation::Commit, 1, Fault::Fail(ErrorKind::Unavailable));
    rig.node.flush().await.unwrap_err();
    rig.faults.inject_times(Operation::Commit, 1, Fault::HangApplied);
    let given_up = tokio::time::timeout(Duration::from_secs(1), rig.sees(&ticket)).await;
    assert!(given_up.is_err());
    assert_eq!(rig.sees(&ticket).await, is(2, "1"));
    assert_eq!(rig.stored(&ticket).await, is(2, "1"));
}

#[tokio::test]
async fn an_expectation_goes_at_once_and_after_what_is_held_back() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    let attributes = vec![edit("a", Some("2"), Some(Expect::Revision(Version(2))))];
    let expecting = change(&ticket, Changes { attributes, ..Changes::default() });
    assert_eq!(committed(rig.node.commit(&expecting).await).version.0, 3);
    assert_eq!(rig.stored(&ticket).await, is(3, "2"));
    let again = vec![edit("a", Some("3"), Some(Expect::Revision(Version(2))))];
    let again = change(&ticket, Changes { attributes: again, ..Changes::default() });
    let refused = rig.node.commit(&again).await.unwrap();
    assert!(matches!(refused, Outcome::Conflict(Conflict::Attribute(_))), "{refused:?}");
}

#[tokio::test]
async fn a_commit_that_goes_at_once_holds_up_those_that_could_wait() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
    let interval = Changes { max_inactive_interval: Some(Duration::from_secs(2000)), ..Changes::default() };
    let terms = rig.begin_commit(change(&ticket, interval));
    gate.arrived().await;
    let later = rig.begin_commit(set(&ticket, "a", "3"));
    tokio::task::yield_now().await;
    assert!(!later.is_finished(), "it could be told a version that another commit gets");
    gate.open();
    let versions = [terms.await.unwrap(), later.await.unwrap()].map(|answer| committed(answer).version.0);
    assert_eq!(versions, [3, 4]);
    assert_eq!(rig.sees(&ticket).await, is(4, "3"));
}

#[tokio::test]
async fn an_end_settles_what_is_held_back_and_nothing_comes_after_it() {
    for is_writing in [false, true] {
        let rig = Rig::new();
        let ticket = rig.held().await;
        committed(rig.node.commit(&set(&ticket, "a", "2")).await);
        let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
        let flush = is_writing.then(|| rig.begin_flush());
        let node = rig.node.clone();
        let end = tokio::spawn(async move { node.invalidate(&Invalidate::Ticket(ticket.guard())).await });
        gate.arrived().await;
        gate.open();
        let Invalidated::Done(ended) = end.await.unwrap().unwrap() else { panic!("it ends") };
        assert_eq!(ended.len(), 1);
        if let Some(flush) = flush {
            flush.await.unwrap().unwrap();
        }
        rig.node.flush().await.unwrap();
        assert_eq!((rig.stored(&ticket).await, rig.sees(&ticket).await), (None, None));
        let late = rig.node.commit(&set(&ticket, "a", "3")).await.unwrap();
        assert!(matches!(late, Outcome::Gone(Gone::Absent)), "{late:?}");
    }
}

#[tokio::test]
async fn an_end_is_done_though_nothing_can_be_written() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    rig.faults.inject(Operation::Commit, Fault::Fail(ErrorKind::Full));
    let ended = rig.node.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    assert!(matches!(ended, Invalidated::Done(ended) if ended.len() == 1));
    rig.faults.clear(Operation::Commit);
    assert_eq!(rig.node.held_sessions(), 0);
    rig.node.flush().await.unwrap();
    assert_eq!(rig.stored(&ticket).await, None);
}

#[tokio::test]
async fn a_wrong_ticket_settles_nothing_away_and_ends_nothing() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    let wrong = ticket.with_new_secret().unwrap();
    assert_eq!(rig.sees(&wrong).await, None);
    let refused = rig.node.commit(&set(&wrong, "a", "x")).await.unwrap();
    assert!(matches!(refused, Outcome::Gone(Gone::Absent)), "{refused:?}");
    let ended = rig.node.invalidate(&Invalidate::Ticket(wrong.guard())).await.unwrap();
    assert!(matches!(ended, Invalidated::Done(ended) if ended.is_empty()));
    assert_eq!(rig.sees(&ticket).await, is(2, "1"));
}

#[tokio::test]
async fn everyone_ends_and_nothing_held_back_survives() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    rig.node.invalidate(&Invalidate::Everyone).await.unwrap();
    let after = rig.held().await;
    rig.node.flush().await.unwrap();
    assert_eq!((rig.stored(&ticket).await, rig.stored(&after).await), (None, is(2, "1")));
    assert_eq!(rig.node.held_sessions(), 0);
}

#[tokio::test]
async fn a_sign_in_comes_after_what_is_held_back() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    let next = ticket.with_new_secret().unwrap();
    let bind = Bind { principal: Principal::new("ada").unwrap(), max_sessions: None };
    let (proof, grace) = (next.guard().proof, Duration::from_secs(10));
    let sign_in = TicketChange::SignIn { proof, grace, bind };
    let sign_in = change(&ticket, Changes { ticket: Some(sign_in), ..Changes::default() });
    assert_eq!(committed(rig.node.commit(&sign_in).await).version.0, 3);
    assert_eq!(rig.stored(&next).await, is(3, "1"));
    let late = rig.node.commit(&set(&ticket, "a", "late")).await.unwrap();
    assert!(matches!(late, Outcome::Gone(Gone::Superseded)), "{late:?}");
    // The new ticket's commits are held back at once: this node has signed it in.
    let before = rig.faults.count(Operation::Commit);
    assert_eq!(committed(rig.node.commit(&set(&next, "a", "2")).await).version.0, 4);
    assert_eq!(rig.faults.count(Operation::Commit), before);
    let principal = Principal::new("ada").unwrap();
    let end = Invalidate::Principal { principal, except: None };
    assert!(matches!(rig.node.invalidate(&end).await.unwrap(), Invalidated::Done(ended) if ended.len() == 1));
    let late = rig.node.commit(&set(&next, "a", "late")).await.unwrap();
    assert!(matches!(late, Outcome::Gone(Gone::Absent)), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_commit_without_an_answer_leaves_nothing_to_decide_on() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.faults.inject_times(Operation::Commit, 1, Fault::HangApplied);
    let attributes = vec![edit("a", Some("1"), Some(Expect::Revision(Version(1))))];
    let expecting = change(&ticket, Changes { attributes, ..Changes::default() });
    let given_up = tokio::time::timeout(Duration::from_secs(1), rig.node.commit(&expecting)).await;
    assert!(given_up.is_err());
    let before = rig.faults.count(Operation::Commit);
    assert_eq!(committed(rig.node.commit(&set(&ticket, "b", "1")).await).version.0, 3);
    assert_eq!(rig.faults.count(Operation::Commit), before + 1, "it went at once");
    assert_eq!(rig.sees(&ticket).await, is(3, "1"));
}

#[tokio::test]
async fn a_load_fails_while_what_is_held_back_cannot_be_written() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    rig.faults.inject(Operation::Commit, Fault::LoseAnswer(ErrorKind::Unavailable));
    rig.node.flush().await.unwrap_err();
    let failed: Error = crate::support::load(&rig.node, &ticket).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Unavailable);
    rig.faults.clear(Operation::Commit);
    let loaded = crate::support::load(&rig.node, &ticket).await.unwrap();
    assert_eq!(opened(loaded).meta.version.0, 2);
}
