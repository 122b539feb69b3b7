//! What listeners are told of, where, and how often.

use cloakroom::core::ErrorKind as StoreError;
use cloakroom::{AskedBy, AtLimit, Session, SessionEvent};
use cloakroom_testkit::faulty::{Call, Fault, Moment, Operation};
use http::StatusCode;

use super::ear::{ADA, Ear, LEAVE, ROTATE};
use super::rig::Rig;

fn listened() -> (Rig, Ear) {
    let ear = Ear::new();
    (Rig::with(|layer| layer.listener(ear.clone())), ear)
}

/// Returns the story once everything has been told.
async fn told(rig: &Rig, ear: &Ear) -> Vec<String> {
    rig.layer.settled().await;
    ear.story()
}

#[tokio::test]
async fn the_life_of_a_session_is_told_in_order() {
    let (rig, ear) = listened();
    let first = rig.session().await;
    let second = rig.run(Some(&first), ROTATE).await.is(200).ticket();
    let third = rig.run(Some(&second), ADA).await.is(200).ticket();
    rig.run(Some(&third), LEAVE).await.is(200).removes_cookie();
    assert_eq!(told(&rig, &ear).await, ["created", "rotated", "signed_in", "invalidated by request"]);
    let heard = ear.heard();
    for (event, who) in heard.iter().zip([None, None, Some("ada"), Some("ada")]) {
        let session = event.session().unwrap();
        assert_eq!(session.handle().to_string(), heard[0].session().unwrap().handle().to_string());
        assert_eq!(session.principal().map(|principal| principal.as_str()), who, "{event:?}");
        assert_eq!(session.created_at(), heard[0].session().unwrap().created_at());
        assert!(session.last_accessed_at() >= session.created_at());
    }
    let end = heard[3].session().unwrap();
    assert_eq!(end.attribute_names().iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["first"]);
    assert_eq!(end.get_named::<i64>("first").unwrap(), None, "no values");
    let shown = format!("{heard:?}");
    for ticket in [first, second, third] {
        assert!(!shown.contains(&ticket[22..]), "{shown}");
    }
}

#[tokio::test]
async fn a_sign_in_that_makes_a_session_is_two_events() {
    let (rig, ear) = listened();
    rig.run(None, ADA).await.is(200).ticket();
    assert_eq!(told(&rig, &ear).await, ["created", "signed_in"]);
}

#[tokio::test]
async fn a_session_that_an_update_makes_is_told_of() {
    let (rig, ear) = listened();
    let updates = |session: Session| async move {
        session.update_named("number", |number: &mut i64| *number += 1).await?;
        session.update_named("number", |number: &mut i64| *number += 1).await?;
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    rig.run(None, updates).await.is(500).ticket();
    assert_eq!(told(&rig, &ear).await, ["created"]);
}

#[tokio::test]
async fn what_another_request_did_first_is_not_told_again() {
    let (rig, ear) = listened();
    let first = rig.session().await;
    rig.run(Some(&first), ROTATE).await.is(200).ticket();
    let second = rig.run(Some(&first), ROTATE).await.is(200).ticket();
    rig.run(Some(&second), ADA).await.is(200).ticket();
    rig.run(Some(&second), ADA).await.is(200).without_cookie();
    rig.run(Some(&second), LEAVE).await.is(200).without_cookie();
    assert_eq!(told(&rig, &ear).await, ["created", "rotated", "signed_in"]);
}

#[tokio::test]
async fn only_the_node_whose_commit_was_acknowledged_tells() {
    let (rig, ear) = listened();
    let other_ear = Ear::new();
    let other = rig.node_with(|layer| layer.listener(other_ear.clone()));
    let ticket = rig.session().await;
    other.run(Some(&ticket), LEAVE).await.is(200);
    rig.run(Some(&ticket), LEAVE).await.is(200);
    assert_eq!(told(&rig, &ear).await, ["created"]);
    assert_eq!(told(&other, &other_ear).await, ["invalidated by request"]);
}

#[tokio::test]
async fn a_commit_that_had_to_be_tried_twice_is_told_once() {
    let (rig, ear) = listened();
    rig.faults.inject_times(Operation::Commit, 1, Fault::LoseAnswer(StoreError::Unavailable));
    let ticket = rig.session().await;
    rig.faults.inject_times(Operation::Commit, 1, Fault::LoseAnswer(StoreError::Unavailable));
    rig.run(Some(&ticket), ROTATE).await.is(200).ticket();
    assert_eq!(told(&rig, &ear).await, ["created", "rotated"]);
}

#[tokio::test]
async fn what_the_store_did_not_acknowledge_is_not_told() {
    let (rig, ear) = listened();
    let ticket = rig.session().await;
    for (operation, handler) in
        [(Operation::Commit, ROTATE), (Operation::Commit, ADA), (Operation::Invalidate, LEAVE)]
    {
        rig.faults.inject_times(operation, 1, Fault::Fail(StoreError::Other));
        rig.run(Some(&ticket), handler).await.is(503);
    }
    assert_eq!(told(&rig, &ear).await, ["created"]);
}

#[tokio::test]
async fn a_logout_whose_request_was_dropped_is_told() {
    let (rig, ear) = listened();
    let ticket = rig.session().await;
    let gate = rig.faults.hold(Operation::Invalidate, Moment::Before);
    let request = rig.run(Some(&ticket), LEAVE);
    assert!(futures_util::future::poll_immediate(request).await.is_none());
    gate.arrived().await;
    gate.open();
    assert_eq!(told(&rig, &ear).await, ["created", "invalidated by request"]);
}

#[tokio::test]
async fn a_session_that_is_ended_while_it_is_made_is_told_of_twice() {
    let (rig, ear) = listened();
    let gate = rig.faults.hold_next(Operation::Commit, Moment::After);
    let makes = |session: Session| async move {
        session.set_named("first", &1)?;
        let ends = async {
            gate.arrived().await;
            session.invalidate();
            gate.open();
        };
        let (committed, ()) = tokio::join!(session.commit(), ends);
        committed?;
        Ok(StatusCode::OK)
    };
    rig.run(None, makes).await.is(200);
    assert!(rig.memory.is_empty());
    assert_eq!(told(&rig, &ear).await, ["created", "invalidated by request"]);
}

#[tokio::test]
async fn whoever_asked_for_an_end_is_told_of_it() {
    let (rig, ear) = listened();
    let mut handles = Vec::new();
    for _ in 0..3 {
        let ticket = rig.run(None, ADA).await.is(200).ticket();
        handles.push((rig.opened(&ticket).await.unwrap(), ticket));
    }
    let ends_one = |other: cloakroom::Handle| {
        move |session: Session| async move {
            assert!(session.invalidate_session(other).await?);
            Ok(StatusCode::OK)
        }
    };
    let handle = |ticket: &str| cloakroom::core::Ticket::parse(ticket.as_bytes()).unwrap().handle();
    let own = &handles[0].1;
    rig.run(Some(own), ends_one(handle(&handles[1].1))).await.is(200).without_cookie();
    let ends_all = |session: Session| async move {
        assert_eq!(session.invalidate_all().await?, 2);
        Ok(StatusCode::OK)
    };
    rig.run(Some(own), ends_all).await.is(200).removes_cookie();
    rig.layer.settled().await;
    let ends: Vec<_> = ear.heard().into_iter().filter(|event| event.name() == "invalidated").collect();
    assert_eq!(ends.len(), 3);
    for event in ends {
        let SessionEvent::Invalidated(session, by) = event else { unreachable!() };
        let is_own = session.handle() == handle(own);
        assert!(matches!((is_own, &by), (true, AskedBy::Request) | (false, AskedBy::Principal)), "{by:?}");
        assert_eq!(session.principal().unwrap().as_str(), "ada");
    }
}

#[tokio::test]
async fn a_session_that_made_room_is_told_of_before_the_sign_in_that_needed_it() {
    let ear = Ear::new();
    let rig =
        Rig::with(|layer| layer.listener(ear.clone()).max_sessions_per_principal(1, AtLimit::EndOldest));
    rig.run(None, ADA).await.is(200).ticket();
    rig.run(None, ADA).await.is(200).ticket();
    let story = told(&rig, &ear).await;
    assert_eq!(story, ["created", "signed_in", "invalidated by policy", "created", "signed_in"]);
}

#[tokio::test]
async fn several_listeners_hear_the_same() {
    let ears = [Ear::new(), Ear::new()];
    let rig = Rig::with(|layer| layer.listener(ears[0].clone()).listener(ears[1].clone()));
    rig.session().await;
    for ear in &ears {
        assert_eq!(told(&rig, ear).await, ["created"]);
    }
}

#[tokio::test]
async fn events_are_told_oldest_first() {
    let (rig, ear) = listened();
    let mut expected = Vec::new();
    for _ in 0..50 {
        let ticket = rig.session().await;
        rig.run(Some(&ticket), ROTATE).await.is(200);
        let handle = cloakroom::core::Ticket::parse(ticket.as_bytes()).unwrap().handle();
        expected.extend([("created", handle), ("rotated", handle)]);
    }
    rig.layer.settled().await;
    let heard = ear.heard();
    let heard: Vec<_> = heard.iter().map(|it| (it.name(), it.session().unwrap().handle())).collect();
    assert_eq!(heard, expected);
}

/// Without a listener, the store is asked for nothing more than before.
#[tokio::test]
async fn without_a_listener_nothing_is_claimed() {
    let rig = Rig::new();
    rig.layer.sweeper().sweep().await.unwrap();
    let calls = rig.faults.calls();
    assert!(matches!(&calls[..], [Call::Sweep(sweep)] if sweep.lease.is_none()), "{calls:?}");
}
