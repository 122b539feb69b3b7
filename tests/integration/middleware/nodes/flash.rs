//! Messages for the visitor's next page, whichever node shows it.

use cloakroom::Session;
use http::StatusCode;

use super::pair::{Pair, Peer};
use crate::support::{Answer, Backend, for_each_store};

for_each_store!(
    a_message_is_shown_once_on_whichever_node,
    of_two_nodes_that_show_it_at_once_one_does,
    those_that_two_nodes_leave_at_once_are_all_shown,
);

async fn leave(node: &Peer, ticket: Option<&str>, text: &str) -> Answer {
    let leaves = async |session: Session| session.flash().success(text).map(|()| StatusCode::OK);
    node.run(ticket, leaves).await.is(200)
}

/// Returns what a page shows.
async fn shown(node: &Peer, ticket: &str) -> Vec<String> {
    let mut shown = Vec::new();
    let takes = async |session: Session| {
        shown = session.flash().take().await?;
        Ok(StatusCode::OK)
    };
    node.run(Some(ticket), takes).await.is(200).without_cookie();
    shown.into_iter().map(|message| message.text).collect()
}

async fn a_message_is_shown_once_on_whichever_node(backend: Backend) {
    let pair = Pair::of(backend).await;
    let ticket = leave(&pair.a, None, "saved").await.ticket();
    leave(&pair.b, Some(&ticket), "but late").await;
    assert_eq!(shown(&pair.b, &ticket).await, ["saved", "but late"]);
    for node in pair.both() {
        assert!(shown(node, &ticket).await.is_empty());
        assert!(node.names(&ticket).await.is_empty(), "nothing is left of them");
    }
}

/// Both have read it before either takes it.
async fn of_two_nodes_that_show_it_at_once_one_does(backend: Backend) {
    let pair = Pair::of(backend).await;
    let ticket = leave(&pair.a, None, "saved").await.ticket();
    let (one, two) = pair.at_once(shown(&pair.a, &ticket), shown(&pair.b, &ticket)).await;
    assert_eq!([one, two].concat(), ["saved"]);
}

async fn those_that_two_nodes_leave_at_once_are_all_shown(backend: Backend) {
    let pair = Pair::of(backend).await;
    let ticket = pair.a.session().await;
    pair.at_once(leave(&pair.a, Some(&ticket), "one"), leave(&pair.b, Some(&ticket), "two")).await;
    let mut shown = shown(&pair.a, &ticket).await;
    shown.sort();
    assert_eq!(shown, ["one", "two"]);
}
