//! What happens when no more can be held back.

use cloakroom::core::ErrorKind;
use cloakroom::core::Store as _;
use cloakroom_testkit::faulty::{Fault, Operation};

use crate::support::{Rig, committed, is, set};

#[tokio::test]
async fn past_the_bound_of_sessions_commits_wait_for_the_store_and_all_is_written() {
    let rig = Rig::with(2, usize::MAX);
    let (one, two, three) = (rig.held().await, rig.held().await, rig.session().await);
    assert_eq!(rig.node.held_sessions(), 2);
    assert_eq!(committed(rig.node.commit(&set(&three, "a", "1")).await).version.0, 2);
    assert_eq!(rig.stored(&three).await, is(2, "1"));
    while rig.node.held_sessions() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((rig.stored(&one).await, rig.stored(&two).await), (is(2, "1"), is(2, "1")));
    assert_eq!(rig.node.held_bytes(), 0);
}

#[tokio::test]
async fn a_session_that_is_held_back_already_has_room() {
    let rig = Rig::with(1, usize::MAX);
    let ticket = rig.held().await;
    let before = rig.faults.count(Operation::Commit);
    committed(rig.node.commit(&set(&ticket, "a", "2")).await);
    assert_eq!((rig.faults.count(Operation::Commit), rig.node.held_sessions()), (before, 1));
}

#[tokio::test]
async fn past_the_bound_of_bytes_too() {
    let rig = Rig::with(100, 3000);
    let ticket = rig.held().await;
    let held = rig.node.held_bytes();
    assert!((512..1500).contains(&held), "{held}");
    let big = "x".repeat(3000);
    committed(rig.node.commit(&set(&ticket, "a", &big)).await);
    assert_eq!(rig.stored(&ticket).await, is(3, &big));
}

#[tokio::test]
async fn with_the_store_away_nothing_is_dropped_and_nothing_more_is_taken() {
    let rig = Rig::with(1, usize::MAX);
    let (held, other) = (rig.held().await, rig.session().await);
    rig.faults.inject(Operation::Commit, Fault::Fail(ErrorKind::Unavailable));
    let refused = rig.node.commit(&set(&other, "a", "1")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert_eq!(rig.node.held_sessions(), 1);
    rig.faults.clear(Operation::Commit);
    rig.node.flush().await.unwrap();
    assert_eq!(rig.stored(&held).await, is(2, "1"));
}
