//! Handing out what has expired for a while, until it is acknowledged.

use crate::Harness;
use crate::cases::sweep::{crowd_of_sweepers, handles_by, sessions};
use crate::support::*;

/// Among sweepers with a lease at work at once, each expired session is handed out to one while the lease runs.
pub async fn each_is_leased_to_one_of_many_sweepers<H: Harness>(harness: &H) {
    crowd_of_sweepers(harness, Some(LONG)).await;
}

/// What is leased is not handed out again while the lease runs.
pub async fn a_lease_is_handed_out_to_one<H: Harness>(harness: &H) {
    let (here, there) = (harness.store().await, harness.store().await);
    let unit = harness.unit();
    let expired = sessions(&here, 3, unit).await;
    harness.advance(unit * 2).await;
    let ended = sweep_up(harness, &here, 3, Some(unit * 4)).await;
    assert_eq!(handles(&ended), handles_by(&expired));
    harness.advance(unit).await;
    assert!(sweep(&there, 1000, Some(unit * 4)).await.is_empty());
    assert!(sweep(&there, 1000, None).await.is_empty());
    assert_absent(peek(&there, &expired[0]).await);
}

/// What is leased is handed out again when the lease is over, as often as it is not acknowledged.
pub async fn a_lease_that_is_over_is_handed_out_again<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let expired = sessions(&store, 2, unit).await;
    harness.advance(unit * 2).await;
    for _ in 0..3 {
        let ended = sweep_up(harness, &store, 2, Some(unit * 2)).await;
        assert_eq!(handles(&ended), handles_by(&expired));
        assert_eq!(texts(&ended[0].names), ["a"]);
        harness.advance(unit * 3).await;
    }
}

/// What was acknowledged is removed, and never handed out again; the rest is.
pub async fn an_acknowledged_session_is_removed<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let expired = sessions(&store, 3, unit).await;
    harness.advance(unit * 2).await;
    sweep_up(harness, &store, 3, Some(unit)).await;
    let (removed, kept) = expired.split_at(2);
    acknowledge(&store, &handles_by(removed)).await;
    harness.advance(unit * 2).await;
    let ended = sweep_up(harness, &store, 1, Some(unit)).await;
    assert_eq!(handles(&ended), handles_by(kept));
}

/// A leased session is still there: its handle is taken until it was acknowledged, and then free.
pub async fn a_leased_handle_is_taken_until_it_is_acknowledged<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let old = sessions(&store, 1, unit).await[0];
    harness.advance(unit * 2).await;
    sweep_up(harness, &store, 1, Some(LONG)).await;
    let new = other_ticket(&old);
    assert_taken(create(&new).on(&store).await);
    acknowledge(&store, &[old.handle()]).await;
    committed(create(&new).set("b", "1").on(&store).await);
    assert_eq!(contents(&look(&store, &new).await), [("b", &b"1"[..])]);
    assert_absent(peek(&store, &old).await);
}

/// An acknowledgement leaves live sessions alone, and what does not exist.
pub async fn an_acknowledgement_leaves_live_sessions_alone<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let live = sessions(&store, 2, LONG).await;
    let mut all = handles_by(&live);
    all.push(ticket().handle());
    acknowledge(&store, &all).await;
    acknowledge(&store, &[]).await;
    for ticket in &live {
        assert_value(&look(&store, ticket).await, "a", "1");
    }
}

/// A second acknowledgement is no error, and does not remove what was created since under the same handle.
pub async fn a_second_acknowledgement_is_no_error<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let expired = sessions(&store, 1, unit).await[0];
    harness.advance(unit * 2).await;
    sweep_up(harness, &store, 1, Some(LONG)).await;
    acknowledge(&store, &[expired.handle()]).await;
    acknowledge(&store, &[expired.handle()]).await;
    committed(create(&expired).on(&store).await);
    acknowledge(&store, &[expired.handle()]).await;
    look(&store, &expired).await;
}
