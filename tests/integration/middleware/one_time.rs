//! One-time values on two nodes that share a database.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use axum::response::IntoResponse as _;
use cloakroom::{Attribute, Error, Session, SessionLayer, SqliteStore};
use cloakroom_testkit::faulty::{Faults, Faulty, Moment, Operation};
use futures_util::future::{join, join_all};
use http::{Request, StatusCode};
use serde::{Deserialize, Serialize};
use tower::{Layer as _, ServiceExt as _};

use super::rig::{answer, request};
use crate::support::Answer;

#[derive(Debug, Serialize, Deserialize)]
struct Code(String);

impl Attribute for Code {
    const NAME: &'static str = "code";
    const TTL: Option<Duration> = Some(Duration::from_secs(5 * 60));
}

/// One server of several.
#[derive(Clone, Debug)]
struct Node {
    faults: Faults,
    layer: SessionLayer,
}

impl Node {
    async fn on(database: &Path) -> Self {
        let store = Faulty::new(SqliteStore::open(database).await.unwrap());
        let faults = store.faults();
        Self { faults, layer: SessionLayer::new(store) }
    }

    async fn run<Fut>(&self, ticket: Option<&str>, handler: fn(Session) -> Fut) -> Answer
    where
        Fut: Future<Output = Result<StatusCode, Error>> + Send,
    {
        let inner = tower::service_fn(|request: Request<()>| async move {
            let answered = async {
                let session = Session::from_extensions(request.extensions()).await?;
                handler(session).await
            };
            Ok::<_, Infallible>(answered.await.into_response())
        });
        let Ok(response) = self.layer.layer(inner).oneshot(request(ticket)).await;
        answer(response).await
    }
}

async fn send(session: Session) -> Result<StatusCode, Error> {
    session.set(&Code("314159".to_owned()))?;
    Ok(StatusCode::OK)
}

/// Redeems the code, and answers 200 if it was there to be redeemed.
async fn redeem(session: Session) -> Result<StatusCode, Error> {
    let code = session.take_once::<Code>().await?;
    Ok(code.map_or(StatusCode::NOT_FOUND, |_| StatusCode::OK))
}

fn sorted(answers: impl IntoIterator<Item = Answer>) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.into_iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

#[tokio::test]
async fn a_code_is_redeemed_once_though_both_nodes_have_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("sessions.db");
    let nodes = [Node::on(&database).await, Node::on(&database).await];
    let ticket = nodes[0].run(None, send).await.is(200).ticket();
    let gates = nodes.each_ref().map(|node| node.faults.hold_next(Operation::Commit, Moment::Before));
    let both = join(nodes[0].run(Some(&ticket), redeem), nodes[1].run(Some(&ticket), redeem));
    let opens = async {
        for gate in &gates {
            gate.arrived().await;
        }
        gates.into_iter().for_each(|gate| gate.open());
    };
    let ((one, two), ()) = join(both, opens).await;
    assert_eq!(sorted([one, two]), [200, 404]);
    nodes[0].run(Some(&ticket), redeem).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_redeem_a_code_on_two_nodes_one_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("sessions.db");
    let nodes = [Node::on(&database).await, Node::on(&database).await];
    let ticket = nodes[0].run(None, send).await.is(200).ticket();
    let tasks = (0..8).map(|number| {
        let (node, ticket) = (nodes[number % 2].clone(), ticket.clone());
        tokio::spawn(async move { node.run(Some(&ticket), redeem).await })
    });
    let answers = join_all(tasks).await.into_iter().map(Result::unwrap);
    assert_eq!(sorted(answers), [200, 404, 404, 404, 404, 404, 404, 404]);
}
