//! Listing and ending sessions without a request.

use std::time::Duration;

use cloakroom::core::{ErrorKind as StoreError, Ticket};
use cloakroom::{ErrorKind, Handle, Order};
use cloakroom_testkit::faulty::{Fault, Moment, Operation};
use futures_util::future::poll_immediate;
use tokio::time::Instant;

use super::ear::{ADA, Ear};
use super::log::logged;
use super::rig::Rig;

fn order() -> Order {
    Order::new("eve", "account closed").unwrap()
}

fn handle(ticket: &str) -> Handle {
    Ticket::parse(ticket.as_bytes()).unwrap().handle()
}

fn listened() -> (Rig, Ear) {
    let ear = Ear::new();
    (Rig::with(|layer| layer.listener(ear.clone())), ear)
}

/// Returns the ends that were told of.
async fn ends(rig: &Rig, ear: &Ear) -> Vec<String> {
    rig.layer.settled().await;
    ear.story().into_iter().filter(|event| event.contains("invalidated")).collect()
}

#[tokio::test]
async fn it_lists_a_principals_sessions() {
    let rig = Rig::new();
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.push(handle(&rig.run(None, ADA).await.is(200).ticket()));
    }
    rig.session().await;
    let registry = rig.layer.registry();
    let mut listed: Vec<_> =
        registry.sessions_of("ada").await.unwrap().into_iter().map(|info| info.handle).collect();
    expected.sort();
    listed.sort();
    assert_eq!(listed, expected);
    assert!(registry.sessions_of("bob").await.unwrap().is_empty());
    assert_eq!(registry.sessions_of("").await.unwrap_err().kind(), ErrorKind::InvalidText);
}

#[tokio::test]
async fn it_ends_one_session_whoever_is_signed_in() {
    let (rig, ear) = listened();
    let registry = rig.layer.registry();
    let tickets = [rig.session().await, rig.run(None, ADA).await.is(200).ticket()];
    for ticket in &tickets {
        let (log, ended) = logged(registry.invalidate(handle(ticket), &order())).await;
        assert!(ended.unwrap() && !rig.opens(ticket).await);
        let told = ["INFO", "session invalidated", &handle(ticket).to_string(), "eve", "account closed"];
        assert!(told.iter().all(|part| log.contains(part)), "{log}");
    }
    let (log, ended) = logged(registry.invalidate(handle(&tickets[0]), &order())).await;
    assert!(!ended.unwrap(), "once");
    assert!(log.contains("no session to end") && log.contains("eve"), "{log}");
    assert_eq!(ends(&rig, &ear).await, ["invalidated by operator eve: account closed"; 2]);
}

#[tokio::test]
async fn it_ends_all_of_a_principal() {
    let (rig, ear) = listened();
    for _ in 0..3 {
        rig.run(None, ADA).await.is(200).ticket();
    }
    let anonymous = rig.session().await;
    assert_eq!(rig.layer.registry().invalidate_all_of("ada", &order()).await.unwrap(), 3);
    assert!(rig.opens(&anonymous).await);
    assert_eq!(rig.memory.len(), 1);
    assert_eq!(ends(&rig, &ear).await, ["invalidated by operator eve: account closed"; 3]);
}

#[tokio::test]
async fn it_ends_everybodys_in_one_step() {
    let (rig, ear) = listened();
    for _ in 0..3 {
        rig.run(None, ADA).await.is(200).ticket();
        rig.session().await;
    }
    rig.faults.forget_calls();
    let registry = rig.layer.registry();
    let (log, ended) = logged(registry.invalidate_everyone(&order())).await;
    ended.unwrap();
    assert!(rig.memory.is_empty());
    assert_eq!(rig.faults.calls().len(), 1);
    let told = ["WARN", "every session was invalidated", "eve", "account closed"];
    assert!(told.iter().all(|part| log.contains(part)), "{log}");
    assert_eq!(ends(&rig, &ear).await, ["everyone invalidated by eve: account closed"]);
}

#[tokio::test]
async fn what_has_begun_runs_to_its_end() {
    let (rig, ear) = listened();
    let ticket = rig.run(None, ADA).await.is(200).ticket();
    let gate = rig.faults.hold(Operation::Invalidate, Moment::Before);
    let (registry, order) = (rig.layer.registry(), order());
    let ends_all = registry.invalidate_all_of("ada", &order);
    assert!(poll_immediate(ends_all).await.is_none(), "nobody waits for it any more");
    gate.arrived().await;
    gate.open();
    assert_eq!(ends(&rig, &ear).await, ["invalidated by operator eve: account closed"]);
    assert!(!rig.opens(&ticket).await);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_an_error_in_time() {
    for fault in [Fault::Hang, Fault::HangApplied, Fault::Fail(StoreError::Other)] {
        let (rig, ear) = listened();
        let ticket = rig.run(None, ADA).await.is(200).ticket();
        rig.faults.inject(Operation::Invalidate, fault);
        rig.faults.inject(Operation::SessionsOf, fault);
        let (registry, began) = (rig.layer.registry(), Instant::now());
        let (log, ended) = logged(registry.invalidate(handle(&ticket), &order())).await;
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Store);
        // What has to wait goes on in a task of its own, where this test does not see the log.
        let is_seen = matches!(fault, Fault::Fail(_));
        assert!(!is_seen || log.contains("ERROR") && log.contains("eve"), "{log}");
        assert_eq!(registry.sessions_of("ada").await.unwrap_err().kind(), ErrorKind::Store);
        assert!(began.elapsed() <= Duration::from_secs(4), "{fault:?}");
        assert!(ends(&rig, &ear).await.is_empty());
    }
}

#[tokio::test]
async fn a_connection_that_broke_is_tried_once_more() {
    let (rig, ear) = listened();
    let ticket = rig.session().await;
    rig.faults.inject_times(Operation::Invalidate, 1, Fault::Fail(StoreError::Unavailable));
    assert!(rig.layer.registry().invalidate(handle(&ticket), &order()).await.unwrap());
    assert_eq!(ends(&rig, &ear).await.len(), 1);
}

/// A sign-in that races with the end of all comes after it, or is ended too: nothing in between.
#[tokio::test]
async fn a_sign_in_that_races_comes_after_it_or_is_ended_too() {
    for moment in [Moment::Before, Moment::After] {
        let rig = Rig::new();
        let early = rig.run(None, ADA).await.is(200).ticket();
        let gate = rig.faults.hold_next(Operation::Commit, moment);
        let ends_all = async {
            gate.arrived().await;
            let ended = rig.layer.registry().invalidate_all_of("ada", &order()).await.unwrap();
            gate.open();
            ended
        };
        let (answer, ended) = tokio::join!(rig.run(None, ADA), ends_all);
        let ticket = answer.is(200).ticket();
        let comes_after = moment == Moment::Before;
        assert_eq!(ended, if comes_after { 1 } else { 2 });
        assert_eq!(rig.opens(&ticket).await, comes_after);
        let listed = rig.layer.registry().sessions_of("ada").await.unwrap();
        assert_eq!(listed.len(), usize::from(comes_after), "the list agrees");
        assert!(!rig.opens(&early).await);
    }
}

#[test]
fn an_order_cannot_forge_a_line_in_the_log() {
    for (by, reason) in [("", "why"), ("eve", ""), ("eve\nINFO mallory", "why"), ("eve", "why\u{1b}[2J")] {
        assert_eq!(Order::new(by, reason).unwrap_err().kind(), ErrorKind::InvalidText);
    }
}
