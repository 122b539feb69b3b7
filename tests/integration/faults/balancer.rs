//! Two nodes behind the `HAProxy` of `examples/haproxy`.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use http::Method;
use serde_json::json;
use servers::HaProxy;

use crate::support::{Answer, Backend, COOKIE, PATIENCE, Server, Visitor, blocking};

const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/haproxy/haproxy.cfg");

const VISITORS: usize = 8;

/// A visitor who opens a connection for each request.
struct Guest {
    balancer: String,
    visitor: Visitor,
    node: String,
    /// Whether both nodes live: on a busy machine one may look dead for a moment.
    tries_again: bool,
}

#[tokio::test]
async fn a_visitor_sticks_to_a_node_and_goes_on_on_the_other_when_that_is_killed() {
    let store = Backend::Redis.url_on(&Backend::Redis.server());
    let a = Server::start(&["--store", &store, "--node", "a"]).await;
    let b = Server::start(&["--store", &store, "--node", "b"]).await;
    let environment = [("NODE_A", &a), ("NODE_B", &b)].map(|(name, node)| (name, node.address().to_owned()));
    let balancer = blocking(move || {
        let nodes = environment.iter().map(|(name, address)| (*name, address.as_str()));
        let environment: Vec<_> = nodes.chain([("COOKIE", COOKIE)]).collect();
        HaProxy::start(Path::new(CONFIGURATION), &environment).unwrap()
    })
    .await;
    let mut guests = Vec::new();
    for _ in 0..VISITORS {
        guests.push(Guest::come(balancer.address()).await);
    }
    for (number, guest) in guests.iter_mut().enumerate() {
        guest.stick(&format!("ada{number}")).await;
    }
    let nodes: BTreeSet<&str> = guests.iter().map(|guest| guest.node.as_str()).collect();
    assert_eq!(nodes, BTreeSet::from(["a", "b"]), "the load is balanced");

    a.kill();
    a.ended().await;
    for (number, guest) in guests.iter_mut().enumerate() {
        guest.node = "b".to_owned();
        guest.tries_again = false;
        guest.keeps(&format!("ada{number}")).await;
        guest.ask(Method::PUT, "/attributes/after", "1").await.is(204);
        let names = guest.ask(Method::GET, "/session", "").await.is(200).json()["names"].take();
        assert_eq!(names, json!(["after", "cart"]));
    }
}

impl Guest {
    /// Puts something into a cart.
    async fn come(balancer: String) -> Self {
        let mut guest = Self { balancer, visitor: Visitor::new(), node: String::new(), tries_again: true };
        let answer = guest.send(Method::PUT, "/attributes/cart", "\"full\"").await.is(204);
        answer.ticket();
        node_of(&answer).clone_into(&mut guest.node);
        guest
    }

    /// Keeps to one node, also with a new ticket.
    async fn stick(&mut self, principal: &str) {
        for _ in 0..3 {
            self.ask(Method::GET, "/attributes/cart", "").await.is(200).without_cookie();
        }
        self.ask(Method::POST, "/rotate", "").await.is(204).ticket();
        self.ask(Method::GET, "/attributes/cart", "").await.is(200);
        let login = json!({ "principal": principal }).to_string();
        self.ask(Method::POST, "/login", &login).await.is(204).ticket();
        self.keeps(principal).await;
    }

    async fn keeps(&mut self, principal: &str) {
        let seen = self.ask(Method::GET, "/session", "").await.is(200).without_cookie().json();
        assert_eq!((&seen["principal"], &seen["names"]), (&json!(principal), &json!(["cart"])));
        assert_eq!(self.ask(Method::GET, "/attributes/cart", "").await.is(200).json(), "full");
    }

    /// Sends a request, and checks that its node answers.
    async fn ask(&mut self, method: Method, path: &str, body: &str) -> Answer {
        let answer = self.send(method, path, body).await;
        assert_eq!(node_of(&answer), self.node, "{path}: {answer:?}");
        answer
    }

    async fn send(&mut self, method: Method, path: &str, body: &str) -> Answer {
        let began = Instant::now();
        loop {
            self.visitor = self.visitor.ticket.take().map_or_else(Visitor::new, Visitor::holding);
            let sent = self.visitor.send_to(&self.balancer, method.clone(), path, body.to_owned());
            let answer = sent.await.unwrap();
            if answer.status != 503 || !self.tries_again || began.elapsed() > PATIENCE {
                return answer;
            }
        }
    }
}

fn node_of(answer: &Answer) -> &str {
    answer.header("x-node")
}
