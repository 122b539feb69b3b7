//! Messages for the visitor's next page.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Redirect;
use axum::routing::any;
use cloakroom::core::ErrorKind as StoreError;
use cloakroom::{Error, Flash, FlashLevel, FlashMessage, Session};
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::{Fault, Moment, Operation};
use futures_util::future::join_all;
use http::StatusCode;
use tower::ServiceExt as _;

use super::rig::{Rig, answer, request};
use crate::support::Answer;

/// Sends a request through a whole axum application.
async fn send(rig: &Rig, ticket: Option<&str>, path: &str) -> Answer {
    let routes = Router::new()
        .route("/save", any(save))
        .route("/fail", any(fail))
        .route("/page", any(page))
        .route("/at-once", any(at_once))
        .layer(rig.layer.clone());
    let (mut parts, ()) = request(ticket).into_parts();
    parts.uri = path.parse().unwrap();
    let Ok(response) = routes.oneshot(Request::from_parts(parts, axum::body::Body::empty())).await;
    answer(response).await
}

async fn save(mut flash: Flash) -> Result<Redirect, Error> {
    flash.success("saved")?;
    flash.warning("but late")?;
    Ok(Redirect::to("/page"))
}

async fn fail(mut flash: Flash) -> Result<StatusCode, Error> {
    flash.success("saved")?;
    Ok(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn page(mut flash: Flash) -> Result<String, Error> {
    Ok(text(&flash.take().await?))
}

async fn at_once(mut flash: Flash) -> Result<String, Error> {
    flash.error("no")?;
    let shown = text(&flash.take().await?);
    flash.info("later")?;
    Ok(shown)
}

fn text(messages: &[FlashMessage]) -> String {
    let lines: Vec<_> = messages.iter().map(|it| format!("{}: {}", it.level, it.text)).collect();
    lines.join(", ")
}

/// Returns what a page shows.
async fn shown(rig: &Rig, ticket: &str) -> String {
    let answer = send(rig, Some(ticket), "/page").await.is(200).without_cookie();
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn messages_survive_a_redirect_and_are_shown_once() {
    let rig = Rig::new();
    let saved = send(&rig, None, "/save").await.is(303);
    assert_eq!(saved.header("location"), "/page");
    let ticket = saved.ticket();
    assert_eq!(shown(&rig.node(), &ticket).await, "success: saved, warning: but late");
    assert_eq!(shown(&rig, &ticket).await, "");
    assert!(rig.names(&ticket).await.unwrap().is_empty(), "nothing is left of them");
}

#[tokio::test]
async fn looking_makes_no_session_and_costs_nothing_of_its_own() {
    let rig = Rig::new();
    send(&rig, None, "/page").await.is(200).without_cookie();
    assert!(rig.memory.is_empty());
    assert!(rig.faults.calls().is_empty());
    let ticket = rig.session().await;
    assert_eq!(shown(&rig, &ticket).await, "");
    assert_eq!((rig.faults.count(Operation::Load), rig.faults.calls().len()), (1, 1));
}

#[tokio::test]
async fn setting_them_costs_no_operation_of_its_own() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    send(&rig, Some(&ticket), "/save").await.is(303);
    assert_eq!((rig.faults.count(Operation::Load), rig.faults.count(Operation::Commit)), (1, 1));
}

#[tokio::test]
async fn a_request_that_fails_leaves_none() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    send(&rig, Some(&ticket), "/fail").await.is(500);
    assert_eq!(shown(&rig, &ticket).await, "");
}

#[tokio::test]
async fn a_page_may_show_its_own_and_leave_more_for_the_next() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    send(&rig, Some(&ticket), "/save").await.is(303);
    let answer = send(&rig, Some(&ticket), "/at-once").await.is(200);
    assert_eq!(answer.body, "success: saved, warning: but late, error: no");
    assert_eq!(shown(&rig, &ticket).await, "info: later");
    let new = send(&rig, None, "/at-once").await.is(200);
    assert_eq!(new.body, "error: no", "also where there was no session");
}

#[tokio::test]
async fn those_of_requests_at_the_same_time_are_all_shown() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let gate = rig.faults.hold(Operation::Commit, Moment::Before);
    let saves = (0..5).map(|_| send(&rig, Some(&ticket), "/save"));
    let opens = async {
        gate.arrivals(5).await;
        gate.let_pass(5);
    };
    let (answers, ()) = tokio::join!(join_all(saves), opens);
    answers.into_iter().for_each(|answer| drop(answer.is(303)));
    rig.faults.clear(Operation::Commit);
    assert_eq!(shown(&rig.node(), &ticket).await.matches("saved").count(), 5);
    assert_eq!(shown(&rig.node(), &ticket).await, "");
}

#[tokio::test]
async fn of_two_tabs_one_shows_them() {
    let rig = Rig::new();
    let ticket = send(&rig, None, "/save").await.is(303).ticket();
    let nodes = [rig.node(), rig.node()];
    let gates = nodes.each_ref().map(|node| node.faults.hold_next(Operation::Commit, Moment::Before));
    let opens = async {
        for gate in &gates {
            gate.arrived().await;
        }
        gates.into_iter().for_each(|gate| gate.open());
    };
    let (one, two, ()) = tokio::join!(shown(&nodes[0], &ticket), shown(&nodes[1], &ticket), opens);
    let mut both = [one, two];
    both.sort_unstable();
    assert_eq!(both, ["", "success: saved, warning: but late"]);
}

/// One that is set while a page takes the others is shown by that page or by the next, and by no other.
#[tokio::test]
async fn one_that_is_set_while_others_are_taken_is_not_lost() {
    let rig = Rig::new();
    // The page's load, the names, the messages; the messages, and that there are some.
    for (operation, before) in [
        (Operation::Load, 0),
        (Operation::Load, 1),
        (Operation::Load, 2),
        (Operation::Commit, 0),
        (Operation::Commit, 1),
    ] {
        let ticket = send(&rig, None, "/save").await.is(303).ticket();
        let node = rig.node();
        let gate = node.faults.hold(operation, Moment::Before);
        gate.let_pass(before);
        let sets = async {
            gate.arrivals(before + 1).await;
            send(&rig, Some(&ticket), "/save").await.is(303);
            gate.open();
        };
        let (first, ()) = tokio::join!(shown(&node, &ticket), sets);
        let then = shown(&rig, &ticket).await;
        let count = |text: &str| text.matches("saved").count();
        assert_eq!(count(&first) + count(&then), 2, "{operation:?} {before}: {first} | {then}");
        assert_eq!(shown(&rig, &ticket).await, "");
    }
}

/// Has a page take messages from a store that fails from an operation on: from the first, or from the one after the first
/// few.
async fn taken_while_failing(node: &Rig, ticket: &str, operation: Operation, after: Option<usize>) -> Answer {
    let fault = Fault::Fail(StoreError::Full);
    let Some(after) = after else {
        node.faults.inject(operation, fault);
        return send(node, Some(ticket), "/page").await;
    };
    let gate = node.faults.hold(operation, Moment::Before);
    gate.let_pass(after);
    let fails = async {
        gate.arrivals(after + 1).await;
        node.faults.inject(operation, fault);
        gate.open();
    };
    tokio::join!(send(node, Some(ticket), "/page"), fails).0
}

#[tokio::test]
async fn a_page_that_fails_leaves_what_it_had_not_taken() {
    // The names, the messages; what removes them.
    for (operation, after) in
        [(Operation::Load, Some(0)), (Operation::Load, Some(1)), (Operation::Commit, None)]
    {
        let rig = Rig::new();
        let ticket = send(&rig, None, "/save").await.is(303).ticket();
        taken_while_failing(&rig.node(), &ticket, operation, after).await.is(503);
        let then = shown(&rig, &ticket).await;
        assert_eq!(then, "success: saved, warning: but late", "{operation:?} {after:?}");
    }
}

#[tokio::test]
async fn what_was_taken_is_shown_though_it_could_not_be_noted_that_nothing_is_left() {
    let rig = Rig::new();
    let ticket = send(&rig, None, "/save").await.is(303).ticket();
    let answer = taken_while_failing(&rig.node(), &ticket, Operation::Commit, Some(0)).await.is(200);
    assert_eq!(answer.body, "success: saved, warning: but late");
    assert_eq!(rig.names(&ticket).await.unwrap(), [Flash::NAME.as_str()]);
    assert_eq!(shown(&rig, &ticket).await, "");
    assert!(rig.names(&ticket).await.unwrap().is_empty());
}

#[tokio::test]
async fn one_that_cannot_be_decoded_fails_one_page_and_no_other() {
    let rig = Rig::new();
    let ticket = send(&rig, None, "/save").await.is(303).ticket();
    let spoils = |session: Session| async move {
        session.set_named("cloakroom.flash.0", &7)?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), spoils).await.is(200);
    send(&rig, Some(&ticket), "/page").await.is(500);
    assert_eq!(shown(&rig, &ticket).await, "");
}

#[tokio::test]
async fn one_that_nobody_takes_lapses() {
    let clock = ManualClock::default();
    let day = Duration::from_secs(24 * 60 * 60);
    let rig = Rig::on_clock(&clock, |layer| layer.max_inactive_interval(day));
    let ticket = send(&rig, None, "/save").await.is(303).ticket();
    clock.advance(day / 24);
    assert!(rig.names(&ticket).await.unwrap().is_empty());
    assert_eq!(shown(&rig, &ticket).await, "");
}

#[tokio::test]
async fn what_is_set_after_a_logout_is_in_the_new_session() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let leaves = |session: Session| async move {
        session.invalidate();
        session.flash().push(FlashLevel::Info, "goodbye")?;
        Ok(StatusCode::SEE_OTHER)
    };
    let new = rig.run(Some(&ticket), leaves).await.is(303).ticket();
    assert!(!rig.opens(&ticket).await);
    assert_eq!(shown(&rig, &new).await, "info: goodbye");
}
