//! A request whose store commands go on one at a time.

use std::fmt;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;
use serde_json::Value;

use crate::support::{Answer, Node, Stop, Stops, Visitor};

/// How long a command may take that nobody is in the way of: only a broken server makes a test wait as long.
const ALONE: Duration = Duration::from_secs(60);

/// How long to wait for a command that another request may be in the way of, before that one goes on.
const IN_THE_WAY: Duration = Duration::from_millis(150);

/// What a request asks for.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) body: String,
}

/// A request that stands before a store command, or has ended. When this is dropped, everything goes on.
pub(super) struct Actor<'a> {
    stops: Stops,
    held: Option<Stop>,
    request: BoxFuture<'a, Result<Answer, reqwest::Error>>,
    ended: Option<Result<Answer, reqwest::Error>>,
}

/// Where a request has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// It stands before its next command.
    Command,
    /// Its command is not answered: somebody is in its way.
    Waiting,
    End,
}

impl Request {
    pub(super) fn get(path: &'static str) -> Self {
        Self { method: Method::GET, path, body: String::new() }
    }

    pub(super) fn post(path: &'static str) -> Self {
        Self { method: Method::POST, path, body: String::new() }
    }

    pub(super) fn body(self, body: &Value) -> Self {
        Self { body: body.to_string(), ..self }
    }
}

impl<'a> Actor<'a> {
    /// Sends a request, and holds it before its first command.
    pub(super) async fn begin(node: &'a Node, visitor: &Visitor, request: Request) -> Self {
        let Request { method, path, body } = request;
        let mut visitor = visitor.clone();
        let request = async move { visitor.try_send(&node.server, method, path, body).await };
        let mut actor = Self { stops: node.proxy.hold(), held: None, request: request.boxed(), ended: None };
        actor.go_on(ALONE).await;
        actor
    }

    /// Lets up to so many commands go on, each until the request stands before the next one.
    pub(super) async fn steps(&mut self, count: usize) -> At {
        let mut at = self.at();
        for _ in 0..count {
            at = self.go_on(ALONE).await;
        }
        at
    }

    /// The same; fails with how many commands it has if the request has no further one.
    pub(super) async fn skip(&mut self, count: usize) -> Result<(), usize> {
        assert_eq!(self.at(), At::Command, "{self:?} has asked nothing of the store");
        for step in 1..=count {
            if self.steps(1).await == At::End {
                return Err(step);
            }
        }
        Ok(())
    }

    /// Lets up to so many commands go on, where another request that is held may be in the way.
    pub(super) async fn steps_past_another(&mut self, count: usize) -> At {
        let mut at = self.at();
        for _ in 0..count {
            at = self.go_on(IN_THE_WAY).await;
            if at != At::Command {
                break;
            }
        }
        at
    }

    /// Lets all commands go on that another request is not in the way of.
    pub(super) async fn run_past_another(&mut self) -> At {
        loop {
            match self.go_on(IN_THE_WAY).await {
                At::Command => {}
                at => return at,
            }
        }
    }

    /// Lets the command go on that the request stands before, and loses its answer.
    pub(super) async fn lose_answer(&mut self) {
        self.stop_at_answer().await;
        self.held.take().unwrap().cut();
    }

    /// Lets the command go on that the request stands before, and holds its answer.
    pub(super) async fn stop_at_answer(&mut self) {
        self.held.take().unwrap().pass();
        let comes = async {
            loop {
                let stop = self.stops.next().await;
                if stop.is_answer() {
                    return stop;
                }
                stop.pass();
            }
        };
        let answer = tokio::time::timeout(ALONE, comes).await;
        self.held = Some(answer.expect("the command is answered"));
    }

    /// Lets everything go on, and returns how the request ended.
    pub(super) async fn finish(mut self) -> Result<Answer, reqwest::Error> {
        while self.go_on(ALONE).await != At::End {}
        self.ended.unwrap()
    }

    /// Waits until the request has failed because its server was killed, and returns what it stood at.
    pub(super) async fn die(self) -> Stop {
        self.request.await.unwrap_err();
        self.held.unwrap()
    }

    fn at(&self) -> At {
        if self.ended.is_some() { At::End } else { At::Command }
    }

    async fn go_on(&mut self, patience: Duration) -> At {
        if self.ended.is_some() {
            return At::End;
        }
        if let Some(stop) = self.held.take() {
            stop.pass();
        }
        loop {
            tokio::select! {
                ended = &mut self.request => {
                    self.ended = Some(ended);
                    return At::End;
                }
                stop = self.stops.next() => {
                    if !stop.is_answer() {
                        self.held = Some(stop);
                        return At::Command;
                    }
                    stop.pass();
                }
                () = tokio::time::sleep(patience) => {
                    assert!(patience < ALONE, "{self:?} does not go on");
                    return At::Waiting;
                }
            }
        }
    }
}

impl fmt::Debug for Actor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Actor(held at {:?}, {:?})", self.held.as_ref().map(|stop| &stop.point), self.ended)
    }
}
