//! How many sessions a principal may have, whichever nodes they sign in on.

use cloakroom::AtLimit;
use cloakroom_testkit::faulty::{Moment, Operation};
use futures_util::future::{join, join_all};

use super::pair::Pair;
use crate::support::{Backend, for_each_store};

for_each_store!(
    a_further_sign_in_is_refused_on_either_node,
    a_further_sign_in_ends_the_oldest_on_either_node
);

/// All have loaded before any signs in.
async fn a_further_sign_in_is_refused_on_either_node(backend: Backend) {
    let pair = Pair::with(backend, |layer| layer.max_sessions_per_principal(2, AtLimit::Refuse)).await;
    let gates = pair.both().map(|node| node.faults.hold(Operation::Commit, Moment::Before));
    let opens = async {
        for gate in &gates {
            gate.arrivals(3).await;
        }
        gates.into_iter().for_each(|gate| gate.open());
    };
    let sign_ins = join_all((0..6).map(|number| pair.node(number).sign_in(None, "ada")));
    let (answers, ()) = join(sign_ins, opens).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (2, 4));
    for answer in lost {
        answer.is(409).without_cookie();
    }
    for node in pair.both() {
        assert_eq!(node.layer.registry().sessions_of("ada").await.unwrap().len(), 2);
    }
    for answer in won {
        assert!(pair.b.opens(&answer.ticket()).await);
    }
}

async fn a_further_sign_in_ends_the_oldest_on_either_node(backend: Backend) {
    let pair = Pair::with(backend, |layer| layer.max_sessions_per_principal(2, AtLimit::EndOldest)).await;
    let mut tickets = Vec::new();
    for number in 0..3 {
        tickets.push(pair.node(number).signed_in("ada").await);
    }
    for node in pair.both() {
        assert_eq!(node.layer.registry().sessions_of("ada").await.unwrap().len(), 2);
        assert!(node.opens(&tickets[2]).await, "the newest");
    }
    let ends = "invalidated by policy".to_owned();
    assert!(pair.a.story().await.contains(&ends), "told where the third signed in");
    assert!(!pair.b.story().await.contains(&ends));
}
