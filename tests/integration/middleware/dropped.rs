//! A request whose future is dropped at its n-th poll, for every n.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use cloakroom::{Error, Session};
use cloakroom_testkit::faulty::{Fault, Operation};
use http::StatusCode;
use tokio::task::yield_now;

use super::rig::Rig;
use crate::support::Answer;

/// Polls a future at most `polls` times, then drops it. Returns what it gave, if it came so far.
async fn polled<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(given) => Poll::Ready(Some(given)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// What came of a request that was dropped.
struct Dropped {
    rig: Rig,
    ticket: String,
    /// The answer, if the request came to its end.
    answer: Option<Answer>,
}

impl Dropped {
    fn began(&self, operation: Operation) -> bool {
        self.rig.faults.count(operation) > 0
    }
}

/// Drops a request at each of its polls until it comes to its end, over a store that takes its time.
async fn at_every_poll<F>(handler: fn(Session) -> F, check: impl AsyncFn(&Dropped))
where
    F: Future<Output = Result<StatusCode, Error>>,
{
    for polls in 0.. {
        println!("{polls} polls");
        let rig = Rig::new();
        let ticket = rig.session().await;
        for operation in [Operation::Load, Operation::Commit, Operation::Invalidate] {
            rig.faults.inject(operation, Fault::Delay(Duration::from_millis(5)));
        }
        let answer = polled(rig.run(Some(&ticket), handler), polls).await;
        rig.layer.settled().await;
        let dropped = Dropped { rig, ticket, answer };
        check(&dropped).await;
        if dropped.answer.is_some() {
            assert!(polls > 3, "it was dropped before, during and after");
            return;
        }
    }
}

/// How many messages the store holds is how many the next page is given.
#[tokio::test(start_paused = true)]
async fn messages_that_a_page_had_not_taken_are_given_to_the_next() {
    for polls in 0.. {
        println!("{polls} polls");
        let rig = Rig::new();
        let ticket = rig.session().await;
        for _ in 0..2 {
            let sets =
                |session: Session| async move { session.flash().info("saved").map(|()| StatusCode::OK) };
            rig.run(Some(&ticket), sets).await.is(200);
        }
        for operation in [Operation::Load, Operation::Commit] {
            rig.faults.inject(operation, Fault::Delay(Duration::from_millis(5)));
        }
        let takes = |session: Session| async move { session.flash().take().await.map(|_| StatusCode::OK) };
        let answer = polled(rig.run(Some(&ticket), takes), polls).await;
        rig.layer.settled().await;
        let names = rig.names(&ticket).await.unwrap();
        let left = names.iter().filter(|name| name.starts_with("cloakroom.flash.")).count();
        let takes = |session: Session| async move {
            assert_eq!(session.flash().take().await?.len(), left);
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), takes).await.is(200);
        assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
        if answer.is_some() {
            assert!(polls > 3, "it was dropped before, during and after");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_committed_wholly_or_not_at_all() {
    let handler = |session: Session| async move {
        session.set_named("one", &1)?;
        yield_now().await;
        session.set_named("two", &2)?;
        yield_now().await;
        session.remove_named("first");
        Ok(StatusCode::OK)
    };
    at_every_poll(handler, async |it| {
        let names = it.rig.names(&it.ticket).await.unwrap();
        let expected: &[&str] = if it.began(Operation::Commit) { &["one", "two"] } else { &["first"] };
        assert_eq!(names, expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_is_committed_wholly_or_not_at_all() {
    let handler = |session: Session| async move {
        session.set_named("one", &1)?;
        yield_now().await;
        session.sign_in("ada")?;
        yield_now().await;
        Ok(StatusCode::OK)
    };
    at_every_poll(handler, async |it| {
        let ada = cloakroom::Principal::new("ada").unwrap();
        let listed = cloakroom::Store::sessions_of(&it.rig.memory, &ada).await.unwrap();
        if it.began(Operation::Commit) {
            assert_eq!(listed.len(), 1);
            assert!(!it.rig.opens(&it.ticket).await, "signing in again is what remains");
        } else {
            assert_eq!(listed.len(), 0);
            assert_eq!(it.rig.names(&it.ticket).await.unwrap(), ["first"]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_logout_that_was_asked_for_is_done() {
    let handler = |session: Session| async move {
        yield_now().await;
        session.set_named("one", &1)?;
        session.invalidate();
        yield_now().await;
        Ok(StatusCode::OK)
    };
    at_every_poll(handler, async |it| {
        if it.began(Operation::Invalidate) {
            assert_eq!(it.rig.memory.len(), 0);
        } else {
            assert_eq!(it.rig.names(&it.ticket).await.unwrap(), ["first"]);
        }
        assert!(!it.began(Operation::Commit));
    })
    .await;
}

/// Where the logout is asked for at once, no drop can undo it.
#[tokio::test(start_paused = true)]
async fn a_logout_is_done_from_the_moment_it_is_asked_for() {
    let handler = |session: Session| async move {
        session.invalidate();
        yield_now().await;
        yield_now().await;
        Ok(StatusCode::OK)
    };
    at_every_poll(handler, async |it| {
        let loaded = it.began(Operation::Load);
        let gone = it.rig.memory.is_empty();
        assert!(!gone || loaded);
        assert!(gone || !it.began(Operation::Invalidate));
        assert_eq!(gone, it.began(Operation::Invalidate));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_an_explicit_commit_stored_is_whole_and_stands() {
    let handler = |session: Session| async move {
        session.set_named("one", &1)?;
        session.set_named("two", &2)?;
        session.commit().await?;
        session.set_named("three", &3)?;
        yield_now().await;
        Ok(StatusCode::OK)
    };
    at_every_poll(handler, async |it| {
        let names = it.rig.names(&it.ticket).await.unwrap();
        let expected: &[&str] = match it.rig.faults.count(Operation::Commit) {
            0 => &["first"],
            1 => &["first", "one", "two"],
            _ => &["first", "one", "three", "two"],
        };
        assert_eq!(names, expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_update_is_applied_once_or_not_at_all() {
    let handler = |session: Session| async move {
        session.update_named("first", |number: &mut i64| *number += 1).await?;
        yield_now().await;
        Ok(StatusCode::OK)
    };
    at_every_poll(handler, async |it| {
        let applied = u8::from(it.began(Operation::Commit));
        assert_eq!(it.rig.stored(&it.ticket).await.unwrap()["first"], [1 + applied][..]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_logout_and_a_new_session_are_done_in_this_order() {
    let handler = |session: Session| async move {
        session.invalidate();
        session.set_named("again", &1)?;
        yield_now().await;
        Ok(StatusCode::OK)
    };
    at_every_poll(handler, async |it| {
        let old = it.rig.opens(&it.ticket).await;
        let new = it.rig.memory.len() - usize::from(old);
        assert_eq!(old, !it.began(Operation::Invalidate));
        assert_eq!(new, usize::from(it.began(Operation::Commit)));
        assert!(!(old && new == 1), "never both");
    })
    .await;
}

/// Graceful stop waits for what has begun, and for nothing else.
#[tokio::test]
async fn stopping_waits_for_what_has_begun() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.layer.settled().await;
    let gate = rig.faults.hold(Operation::Commit, cloakroom_testkit::faulty::Moment::Before);
    let set = |session: Session| async move {
        session.set_named("late", &1)?;
        Ok(StatusCode::OK)
    };
    let request = polled(rig.run(Some(&ticket), set), 1);
    assert!(request.await.is_none());
    gate.arrived().await;
    let mut settled = pin!(rig.layer.settled());
    assert!(polled(&mut settled, 1).await.is_none(), "it waits");
    gate.open();
    settled.await;
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first", "late"]);
}
