//! The answer to a store command is lost, after the store has done what it was told: each answer of a request in turn.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::actor::{Actor, At, Request};
use crate::support::{
    Answer, Backend, Contents, Node, Reader, Site, Visitor, eventually, for_each_single_server, for_one_store,
};

for_each_single_server!(
    an_increment_is_done_once,
    an_increment_is_done_once_though_another_came_between,
    an_increment_whose_second_answer_is_lost_too_is_not_done_twice,
    a_value_is_set,
    a_session_is_made_once,
    a_sign_in_is_done,
    a_rotation_is_done,
    a_logout_is_done,
);
for_one_store!(
    nats,
    Nats,
    an_increment_is_done_once,
    an_increment_is_done_once_though_another_came_between,
    an_increment_whose_second_answer_is_lost_too_is_not_done_twice,
    a_value_is_set,
    a_session_is_made_once,
    a_sign_in_is_done,
    a_rotation_is_done,
    a_logout_is_done
);

/// More answers than any request has, however often a connection has to be made ready anew.
const MANY: usize = 60;

/// A node whose answers are lost, and a site of others.
struct Rig {
    site: Site,
    node: Node,
    reader: Reader,
    number: AtomicU32,
}

/// What happens when an answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Nothing,
    /// Another node increments the same number, before the node goes on.
    Increment,
    /// All further answers are lost too.
    NoAnswer,
}

/// What a request came to of which an answer was lost.
struct Lost {
    /// With the ticket from before.
    visitor: Visitor,
    /// The session from before.
    handle: String,
    /// Stands for nothing else.
    number: u32,
    /// Whether the commit was stored when its answer was lost.
    was_stored: bool,
    answer: Answer,
}

fn increment(_: u32) -> Request {
    Request::post("/increment/number")
}

async fn an_increment_is_done_once(backend: Backend) {
    let rig = Rig::start(backend).await;
    let check = async |lost: &Lost| {
        let number = lost.attribute(&rig).await;
        assert_eq!(number, json!(1 + i32::from(lost.is_done())), "{:?}", lost.answer);
        if lost.is_done() {
            assert_eq!(lost.answer.json(), number);
        }
    };
    rig.lose_each(increment, Then::Nothing, check).await;
}

async fn an_increment_is_done_once_though_another_came_between(backend: Backend) {
    let rig = Rig::start(backend).await;
    let check = async |lost: &Lost| {
        let number = lost.attribute(&rig).await;
        assert_eq!(number, json!(2 + i32::from(lost.is_done())), "{:?}", lost.answer);
    };
    rig.lose_each(increment, Then::Increment, check).await;
}

async fn an_increment_whose_second_answer_is_lost_too_is_not_done_twice(backend: Backend) {
    let rig = Rig::start(backend).await;
    let check = async |lost: &Lost| {
        lost.answer.clone().is(503).without_cookie();
        let number = lost.attribute(&rig).await;
        assert!(number == 2 || number == 1 && !lost.was_stored, "{number}");
    };
    rig.lose_each(increment, Then::NoAnswer, check).await;
}

async fn a_value_is_set(backend: Backend) {
    let rig = Rig::start(backend).await;
    let request = |_| Request::post("/attributes").body(&json!({ "number": 5 }));
    let check = async |lost: &Lost| {
        let expected = if lost.is_done() { 5 } else { 1 };
        assert_eq!(lost.attribute(&rig).await, json!(expected), "{:?}", lost.answer);
    };
    rig.lose_each(request, Then::Nothing, check).await;
}

async fn a_session_is_made_once(backend: Backend) {
    let rig = Rig::start(backend).await;
    let (mut steps, mut was_stored) = (0, false);
    for _ in 0..MANY {
        let value = format!("value of nobody else {}", rig.next());
        let request = Request::post("/attributes").body(&json!({ "it": value }));
        let mut actor = Actor::begin(&rig.node, &Visitor::new(), request).await;
        match actor.skip(steps).await {
            Ok(()) => steps += 1,
            Err(_) if was_stored => return,
            Err(answers) => {
                steps = answers - 1;
                continue;
            }
        }
        actor.lose_answer().await;
        was_stored |= Contents::of(&rig.site).await.count(value.as_bytes()) == 1;
        let ticket = actor.finish().await.unwrap().is(204).ticket();
        let seen = Visitor::holding(ticket).attribute(rig.site.b(), "it").await;
        assert_eq!(seen, Some(json!(value)));
        assert_eq!(Contents::of(&rig.site).await.count(value.as_bytes()), 1);
    }
    panic!("no answer to what was stored was lost");
}

async fn a_sign_in_is_done(backend: Backend) {
    let rig = Rig::start(backend).await;
    let request = |number| Request::post("/login").body(&json!({ "principal": format!("ada{number}") }));
    let check = async |lost: &Lost| {
        let before = lost.visitor.clone().session(rig.site.a()).await;
        assert_eq!(before["principal"], json!(null));
        assert_eq!(before["new"], lost.is_done(), "{:?}", lost.answer);
        if lost.is_done() {
            let mut visitor = Visitor::holding(lost.answer.ticket());
            let list = visitor.get(rig.site.b(), "/principal/sessions").await.is(200).json();
            assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
            assert_eq!(visitor.session(rig.site.b()).await["principal"], format!("ada{}", lost.number));
        }
    };
    rig.lose_each(request, Then::Nothing, check).await;
}

async fn a_rotation_is_done(backend: Backend) {
    let rig = Rig::start(backend).await;
    let check = async |lost: &Lost| {
        assert_eq!(lost.attribute(&rig).await, json!(1), "the ticket from before, within its grace");
        if lost.is_done() {
            let ticket = lost.answer.ticket();
            assert_eq!(Visitor::holding(ticket).session(rig.site.b()).await["new"], false);
        }
    };
    rig.lose_each(|_| Request::post("/rotate"), Then::Nothing, check).await;
}

async fn a_logout_is_done(backend: Backend) {
    let rig = Rig::start(backend).await;
    let check = async |lost: &Lost| {
        let knows = Contents::of(&rig.site).await.knows(&lost.handle);
        assert_eq!(knows, !lost.is_done(), "{:?}", lost.answer);
        if lost.is_done() {
            lost.answer.clone().removes_cookie();
        }
    };
    rig.lose_each(|_| Request::post("/logout"), Then::Nothing, check).await;
}

impl Rig {
    async fn start(backend: Backend) -> Self {
        let site = Site::start(backend, &["--store-timeout", "20s", "--sweep-every", "1h"]).await;
        let (node, reader) = (Node::of(&site).await, Reader::of(&site).await);
        Self { site, node, reader, number: AtomicU32::new(0) }
    }

    fn next(&self) -> u32 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// Loses the first answer of a request, then the second of the same to another session, and so on: all that there are,
    /// and the one to the commit, which is not where it was if the connection is a new one.
    #[expect(clippy::future_not_send, reason = "a test awaits it where it stands")]
    async fn lose_each(&self, request: impl Fn(u32) -> Request, then: Then, check: impl AsyncFn(&Lost)) {
        let (mut steps, mut was_stored) = (0, false);
        for _ in 0..MANY {
            match self.lose(&request, steps, then).await {
                Ok(lost) => {
                    was_stored |= lost.was_stored;
                    check(&lost).await;
                    steps += 1;
                }
                Err(_) if was_stored => return,
                Err(answers) => steps = answers - 1,
            }
        }
        panic!("no answer to what was stored was lost");
    }

    /// Sends a request of which the answer is lost that comes after so many; fails with how many it has if it has not as many.
    async fn lose(&self, request: impl Fn(u32) -> Request, steps: usize, then: Then) -> Result<Lost, usize> {
        let (visitor, number) = (self.visitor().await, self.next());
        let handle = visitor.clone().handle(self.site.a()).await;
        let ticket = visitor.ticket.clone().unwrap();
        let before = self.reader.version(&ticket).await;
        let mut actor = Actor::begin(&self.node, &visitor, request(number)).await;
        actor.skip(steps).await?;
        actor.lose_answer().await;
        let was_stored = self.reader.version(&ticket).await != before;
        match then {
            Then::Nothing => {}
            Then::Increment => {
                actor.steps(1).await;
                visitor.clone().post(self.site.a(), "/increment/number").await.is(200);
            }
            Then::NoAnswer => {
                while actor.steps(1).await == At::Command {
                    actor.lose_answer().await;
                }
            }
        }
        let answer = actor.finish().await.unwrap();
        Ok(Lost { visitor, handle, number, was_stored, answer })
    }

    /// Makes a visitor with a session, for whom the node is connected to the store.
    async fn visitor(&self) -> Visitor {
        let mut visitor = Visitor::new();
        visitor.set(self.site.a(), "number", 1).await;
        // For a moment after an attempt to connect that failed, there is no other one.
        let connected =
            || async { visitor.clone().get(&self.node.server, "/attributes/number").await.status == 200 };
        eventually(connected).await;
        visitor
    }
}

impl Lost {
    /// Returns whether the request was served. It was refused only if nothing of it was stored, as when the session could
    /// not be loaded.
    #[track_caller]
    fn is_done(&self) -> bool {
        let is_done = self.answer.status < 300;
        assert!(is_done || self.answer.clone().without_cookie().status == 503, "{:?}", self.answer);
        assert!(is_done || !self.was_stored, "it is stored: {:?}", self.answer);
        is_done
    }

    async fn attribute(&self, rig: &Rig) -> Value {
        self.visitor.clone().attribute(rig.site.a(), "number").await.unwrap()
    }
}
