//! Atomic changes of one attribute.

use std::cell::RefCell;

use cloakroom::{Error, ErrorKind, Session};
use cloakroom_testkit::faulty::{Moment, Operation};
use futures_util::future::join_all;
use http::StatusCode;
use serde::{Deserialize, Deserializer};

use super::rig::Rig;

async fn increment(rig: &Rig, ticket: &str) {
    let increments = |session: Session| async move {
        session.update_named("first", |number: &mut i64| *number += 1).await?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(ticket), increments).await.is(200).without_cookie();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn none_of_many_at_once_is_lost() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let tasks = (0..20).map(|_| {
        let (rig, ticket) = (rig.node(), ticket.clone());
        tokio::spawn(async move { increment(&rig, &ticket).await })
    });
    join_all(tasks).await.into_iter().for_each(|done| done.unwrap());
    assert_eq!(rig.stored(&ticket).await.unwrap()["first"], [21][..]);
}

#[tokio::test]
async fn one_that_was_overtaken_is_tried_again_on_what_is_there() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
    let overtaken = increment(&rig, &ticket);
    let overtakes = async {
        gate.arrived().await;
        increment(&rig.node(), &ticket).await;
        gate.open();
    };
    tokio::join!(overtaken, overtakes);
    assert_eq!(rig.faults.count(Operation::Commit), 2);
    assert_eq!(rig.stored(&ticket).await.unwrap()["first"], [3][..]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_always_overtaken_gives_up() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let gate = rig.faults.hold(Operation::Commit, Moment::Before);
    let unlucky = |session: Session| async move {
        let updated = session.update_named("first", |number: &mut i64| *number += 1).await;
        let error = updated.unwrap_err();
        assert_eq!((error.kind(), error.attribute()), (ErrorKind::Conflict, Some("first")));
        Err(error)
    };
    let (node, tries) = (rig.node(), std::cell::Cell::new(0));
    let overtakes = async {
        loop {
            gate.arrivals(tries.get() + 1).await;
            tries.set(tries.get() + 1);
            increment(&node, &ticket).await;
            gate.let_pass(1);
        }
    };
    let answer = tokio::select! {
        answer = rig.run(Some(&ticket), unlucky) => answer,
        () = overtakes => unreachable!(),
    };
    answer.is(409).without_cookie();
    assert_eq!(tries.get(), 64, "as often as documented");
    assert_eq!(rig.stored(&ticket).await.unwrap()["first"], [65][..]);
}

#[tokio::test]
async fn it_is_seen_at_once_and_the_requests_other_changes_are_not() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let updates = |session: Session| {
        let (rig, ticket) = (rig.clone(), ticket.clone());
        async move {
            session.set_named("late", &1)?;
            session.update_named("first", |number: &mut i64| *number += 1).await?;
            let stored = rig.stored(&ticket).await.unwrap();
            assert_eq!(stored["first"], [2][..]);
            assert!(!stored.contains_key("late"));
            Ok(StatusCode::OK)
        }
    };
    rig.run(Some(&ticket), updates).await.is(200);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first", "late"]);
}

#[tokio::test]
async fn it_starts_from_what_the_request_has_set() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let updates = |session: Session| async move {
        session.set_named("first", &10)?;
        let seen = session
            .update_named("first", |number: &mut i64| {
                *number += 1;
                *number
            })
            .await?;
        assert_eq!(seen, 11);
        session.remove_named("first");
        let seen = session
            .update_named("first", |number: &mut i64| {
                *number += 1;
                *number
            })
            .await?;
        assert_eq!(seen, 1);
        session.clear();
        let seen = session
            .update_named("first", |number: &mut i64| {
                *number += 5;
                *number
            })
            .await?;
        assert_eq!(seen, 5);
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), updates).await.is(200);
    assert_eq!(rig.stored(&ticket).await.unwrap()["first"], [5][..]);
}

#[tokio::test]
async fn one_that_changes_nothing_writes_nothing() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let idle = |session: Session| async move {
        session.update_named("first", |_: &mut i64| ()).await?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), idle).await.is(200);
    assert_eq!(rig.faults.count(Operation::Commit), 0);
}

#[tokio::test]
async fn one_that_makes_the_session_makes_one() {
    let rig = Rig::new();
    let makes = |session: Session| async move {
        session.set_named("before", &1)?;
        session.update_named("first", |number: &mut i64| *number += 1).await?;
        assert!(session.handle().is_some());
        session.update_named("first", |number: &mut i64| *number += 1).await?;
        Ok(StatusCode::OK)
    };
    let ticket = rig.run(None, makes).await.is(200).ticket();
    assert_eq!(rig.memory.len(), 1);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["before", "first"]);
    assert_eq!(rig.stored(&ticket).await.unwrap()["first"], [2][..]);
}

/// Takes the value once, and answers 200 if it was given it.
async fn take(session: Session) -> Result<StatusCode, Error> {
    let taken = session.take_once_named::<i64>("first").await?;
    assert!(matches!(taken, None | Some(1)));
    Ok(taken.map_or(StatusCode::NOT_FOUND, |_| StatusCode::OK))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_that_take_a_value_once_one_is_given_it() {
    for _ in 0..20 {
        let rig = Rig::new();
        let ticket = rig.session().await;
        let tasks = (0..8).map(|_| {
            let (rig, ticket) = (rig.node(), ticket.clone());
            tokio::spawn(async move { rig.run(Some(&ticket), take).await.status })
        });
        let statuses: Vec<u16> = join_all(tasks).await.into_iter().map(|status| status.unwrap()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(rig.names(&ticket).await.unwrap().is_empty());
    }
}

/// In each of these orders both have read the value before either has removed it.
#[tokio::test]
async fn a_value_is_given_once_though_both_have_read_it() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let nodes = [rig.node(), rig.node()];
    let gates = nodes.each_ref().map(|node| node.faults.hold_next(Operation::Commit, Moment::Before));
    let both =
        futures_util::future::join(nodes[0].run(Some(&ticket), take), nodes[1].run(Some(&ticket), take));
    let opens = async {
        for gate in &gates {
            gate.arrived().await;
        }
        gates.into_iter().for_each(|gate| gate.open());
    };
    let ((one, two), ()) = tokio::join!(both, opens);
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
}

/// Sets another value while it is decoded, as a clone may at the same moment.
#[derive(Debug, PartialEq)]
struct Meddler(i64);

thread_local! {
    static MEDDLED: RefCell<Option<Session>> = const { RefCell::new(None) };
}

impl<'de> Deserialize<'de> for Meddler {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if let Some(session) = MEDDLED.take() {
            session.set_named("code", &2).unwrap();
        }
        i64::deserialize(deserializer).map(Self)
    }
}

#[tokio::test]
async fn what_is_set_while_another_value_is_taken_is_not_lost() {
    let rig = Rig::new();
    let takes = |session: Session| async move {
        session.set_named("code", &1)?;
        MEDDLED.set(Some(session.clone()));
        assert_eq!(session.take_once_named::<Meddler>("code").await?, Some(Meddler(2)));
        assert_eq!(session.take_once_named::<Meddler>("code").await?, None);
        Ok(StatusCode::OK)
    };
    rig.run(None, takes).await.is(200).without_cookie();
}
