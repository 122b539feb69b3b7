//! Listing and ending sessions, from a request or without one, on the node that did not make them.

use cloakroom::core::Ticket;
use cloakroom::{Handle, Order, Session};
use http::StatusCode;

use super::pair::{Pair, Peer};
use crate::support::{Backend, for_each_store};

for_each_store!(
    it_lists_a_principals_sessions,
    it_ends_one_by_its_handle,
    it_ends_all_of_a_principal,
    a_session_ends_all_others,
    it_ends_everybodys,
);

fn order() -> Order {
    Order::new("eve", "account closed").unwrap()
}

fn handle(ticket: &str) -> Handle {
    Ticket::parse(ticket.as_bytes()).unwrap().handle()
}

/// Makes sessions of ada on both nodes.
async fn of_ada(pair: &Pair, count: usize) -> Vec<String> {
    let mut tickets = Vec::new();
    for number in 0..count {
        tickets.push(pair.node(number).signed_in("ada").await);
    }
    tickets
}

async fn listed(node: &Peer) -> Vec<Handle> {
    let listed = node.layer.registry().sessions_of("ada").await.unwrap();
    let mut handles: Vec<_> = listed.into_iter().map(|info| info.handle).collect();
    handles.sort();
    handles
}

async fn open(pair: &Pair, tickets: &[String]) -> usize {
    let mut count = 0;
    for ticket in tickets {
        let opens = [pair.a.opens(ticket).await, pair.b.opens(ticket).await];
        assert_eq!(opens[0], opens[1], "the nodes agree");
        count += usize::from(opens[0]);
    }
    count
}

async fn it_lists_a_principals_sessions(backend: Backend) {
    let pair = Pair::of(backend).await;
    let mut expected: Vec<_> = of_ada(&pair, 3).await.iter().map(|ticket| handle(ticket)).collect();
    pair.a.session().await;
    pair.b.signed_in("bob").await;
    expected.sort();
    for node in pair.both() {
        assert_eq!(listed(node).await, expected);
    }
}

/// As a back-channel logout does.
async fn it_ends_one_by_its_handle(backend: Backend) {
    let pair = Pair::of(backend).await;
    let tickets = [pair.a.signed_in("ada").await, pair.a.session().await];
    let registry = pair.b.layer.registry();
    for ticket in &tickets {
        assert!(registry.invalidate(handle(ticket), &order()).await.unwrap());
        assert!(!registry.invalidate(handle(ticket), &order()).await.unwrap(), "once");
    }
    assert_eq!(open(&pair, &tickets).await, 0);
    assert_eq!(pair.b.story().await, ["invalidated by operator eve: account closed"; 2]);
    assert_eq!(pair.a.story().await, ["created", "signed_in", "created"]);
    assert!(listed(&pair.a).await.is_empty());
}

async fn it_ends_all_of_a_principal(backend: Backend) {
    let pair = Pair::of(backend).await;
    let tickets = of_ada(&pair, 3).await;
    let others = [pair.a.session().await, pair.b.signed_in("bob").await];
    let ended = pair.b.layer.registry().invalidate_all_of("ada", &order()).await.unwrap();
    assert_eq!((ended, open(&pair, &tickets).await, open(&pair, &others).await), (3, 0, 2));
    assert!(listed(&pair.a).await.is_empty());
}

async fn a_session_ends_all_others(backend: Backend) {
    let pair = Pair::of(backend).await;
    let tickets = of_ada(&pair, 4).await;
    let ends_others = async |session: Session| {
        assert_eq!(session.invalidate_others().await?, 3);
        Ok(StatusCode::OK)
    };
    pair.b.run(Some(&tickets[0]), ends_others).await.is(200).without_cookie();
    assert_eq!((open(&pair, &tickets[..1]).await, open(&pair, &tickets[1..]).await), (1, 0));
    assert_eq!(listed(&pair.a).await, [handle(&tickets[0])]);
}

async fn it_ends_everybodys(backend: Backend) {
    let pair = Pair::of(backend).await;
    let mut tickets = of_ada(&pair, 4).await;
    for number in 0..4 {
        tickets.push(pair.node(number).session().await);
    }
    pair.b.layer.registry().invalidate_everyone(&order()).await.unwrap();
    assert_eq!(open(&pair, &tickets).await, 0);
    assert!(listed(&pair.a).await.is_empty());
    assert_eq!(pair.b.story().await.last().unwrap(), "everyone invalidated by eve: account closed");
    let late = async |session: Session| {
        assert!(session.is_new());
        session.remove_named("first");
        Ok(StatusCode::OK)
    };
    pair.a.run(Some(&tickets[0]), late).await.is(200);
    let new = [pair.a.session().await, pair.b.signed_in("ada").await];
    assert_eq!(open(&pair, &new).await, 2, "what begins afterwards lives");
}
