//! What is read at the same time.

use cloakroom::{LoadPolicy, Session};
use cloakroom_testkit::faulty::{Fault, Operation};
use http::StatusCode;

use super::{loads, session, value};
use crate::middleware::rig::Rig;

#[tokio::test]
async fn what_is_read_together_is_fetched_together() {
    let rig = Rig::with(|layer| layer.load(LoadPolicy::OnDemand));
    let ticket = session(&rig).await;
    let handler = |session: Session| async move {
        let (a, b, c) = tokio::join!(value(&session, "a"), value(&session, "b"), value(&session, "c"));
        assert_eq!((a, b, c), (1, 1, 1));
        let all = ["d", "e", "d"].map(|name| value(&session, name));
        assert_eq!(futures_util::future::join_all(all).await, [1, 1, 1]);
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), handler).await.is(200);
    assert_eq!(loads(&rig), ["-", "a b c", "d e"]);
}

#[tokio::test]
async fn of_those_read_together_one_may_be_given_up_and_a_failed_fetch_is_tried_by_the_next() {
    let rig = Rig::with(|layer| layer.load(LoadPolicy::OnDemand));
    let ticket = session(&rig).await;
    let handler = |session: Session| {
        let rig = rig.clone();
        async move {
            tokio::select! {
                biased;
                _ = value(&session, "a") => unreachable!("it has to wait"),
                () = std::future::ready(()) => {}
            }
            assert_eq!(value(&session, "b").await, 1);
            let failure = Fault::Fail(cloakroom::core::ErrorKind::Unavailable);
            rig.faults.inject_times(Operation::Load, 1, failure);
            let (c, d) = tokio::join!(session.get_named::<i64>("c"), session.get_named::<i64>("d"));
            assert!(c.is_err() && d.unwrap() == Some(1), "one failure for one of them");
            Ok(StatusCode::OK)
        }
    };
    rig.run(Some(&ticket), handler).await.is(200);
    assert_eq!(loads(&rig)[..], ["-", "a b", "c d", "d"]);
}
