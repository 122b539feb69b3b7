//! What has expired is told once, by one of the nodes that sweep, and again where that node died.

use std::time::Duration;

use cloakroom::{EndReason, Session, SessionEvent};
use cloakroom_testkit::faulty::{Moment, Operation};
use futures_util::future::join;
use http::StatusCode;

use super::pair::{Pair, Peer};
use crate::support::{Backend, eventually, for_each_store};

for_each_store!(
    of_two_nodes_that_sweep_at_once_one_tells_of_each,
    another_node_tells_of_it_where_the_first_died,
);

const SESSIONS: usize = 20;

/// Makes sessions that are over at once.
async fn expired(backend: Backend, count: usize) -> Pair {
    let pair = Pair::of(backend).await;
    for number in 0..count {
        let ends_soon = async |session: Session| {
            session.set_named("first", &number)?;
            session.set_named("second", &number)?;
            session.set_max_inactive_interval(Duration::from_millis(1))?;
            Ok(StatusCode::OK)
        };
        let ticket = pair.node(number).run(None, ends_soon).await.is(200).ticket();
        eventually(|| async { !pair.a.opens(&ticket).await }).await;
    }
    pair
}

/// Returns the attribute `first` of each session that a node was told had expired.
fn told(node: &Peer) -> Vec<usize> {
    let expired = node.ear.heard().into_iter().filter_map(|event| match event {
        SessionEvent::Expired(session, EndReason::Inactive) => {
            let names: Vec<_> = session.attribute_names().iter().map(|name| name.as_str()).collect();
            assert_eq!(names, ["first", "second"]);
            session.get_named("first").unwrap()
        }
        _ => None,
    });
    expired.collect()
}

async fn of_two_nodes_that_sweep_at_once_one_tells_of_each(backend: Backend) {
    let pair = expired(backend, SESSIONS).await;
    let sweepers = pair.both().map(|node| node.layer.sweeper().batch(3));
    eventually(|| async {
        let (one, other) = join(sweepers[0].sweep(), sweepers[1].sweep()).await;
        one.unwrap() + other.unwrap() == 0 && told(&pair.a).len() + told(&pair.b).len() >= SESSIONS
    })
    .await;
    let mut both = [told(&pair.a), told(&pair.b)].concat();
    both.sort_unstable();
    assert_eq!(both, (0..SESSIONS).collect::<Vec<_>>(), "each once, with what was in it");
}

/// It dies after its listeners have returned, and before the store has heard of that.
async fn another_node_tells_of_it_where_the_first_died(backend: Backend) {
    let pair = expired(backend, 1).await;
    let sweeper = |node: &Peer| node.layer.sweeper().lease(Duration::from_secs(1));
    let gate = pair.a.faults.hold(Operation::Acknowledge, Moment::Before);
    let dying = sweeper(&pair.a);
    {
        let mut dies = std::pin::pin!(dying.sweep());
        tokio::select! {
            swept = &mut dies => panic!("it was swept: {swept:?}"),
            () = gate.arrived() => {}
        }
    }
    assert_eq!((told(&pair.a), told(&pair.b)), (vec![0], vec![]));
    let survivor = sweeper(&pair.b);
    eventually(|| async { survivor.sweep().await.unwrap() == 1 }).await;
    assert_eq!(told(&pair.b), [0], "at least once, and not lost");
    assert_eq!(survivor.sweep().await.unwrap(), 0, "it is gone");
}
