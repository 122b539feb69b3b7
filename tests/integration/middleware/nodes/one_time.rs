//! One-time values: of many who redeem one on two nodes, one is served.

use std::time::Duration;

use cloakroom::{Attribute, Session};
use futures_util::future::join_all;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::pair::{Pair, Peer};
use crate::support::{Answer, Backend, for_each_store};

for_each_store!(
    a_code_is_redeemed_once_though_both_nodes_have_read_it,
    of_many_who_redeem_a_code_on_two_nodes_one_is_served,
);

#[derive(Debug, Serialize, Deserialize)]
struct Code(String);

impl Attribute for Code {
    const NAME: &'static str = "code";
    const TTL: Option<Duration> = Some(Duration::from_secs(5 * 60));
}

/// Makes a session that has a code.
async fn sent(backend: Backend) -> (Pair, String) {
    let pair = Pair::of(backend).await;
    let sends = async |session: Session| session.set(&Code("314159".to_owned())).map(|()| StatusCode::OK);
    let ticket = pair.a.run(None, sends).await.is(200).ticket();
    (pair, ticket)
}

/// Redeems the code, and answers 200 if it was there to be redeemed.
async fn redeem(node: &Peer, ticket: &str) -> Answer {
    let redeems = async |session: Session| {
        let code = session.take_once::<Code>().await?;
        Ok(code.map_or(StatusCode::NOT_FOUND, |_| StatusCode::OK))
    };
    node.run(Some(ticket), redeems).await
}

fn sorted(answers: impl IntoIterator<Item = Answer>) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.into_iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

async fn a_code_is_redeemed_once_though_both_nodes_have_read_it(backend: Backend) {
    let (pair, ticket) = sent(backend).await;
    let (one, two) = pair.at_once(redeem(&pair.a, &ticket), redeem(&pair.b, &ticket)).await;
    assert_eq!(sorted([one, two]), [200, 404]);
    redeem(&pair.a, &ticket).await.is(404);
}

async fn of_many_who_redeem_a_code_on_two_nodes_one_is_served(backend: Backend) {
    let (pair, ticket) = sent(backend).await;
    let answers = join_all((0..8).map(|number| redeem(pair.node(number), &ticket))).await;
    assert_eq!(sorted(answers), [200, 404, 404, 404, 404, 404, 404, 404]);
}
