//! A node that is killed at any of its commands.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde_json::json;

use super::actor::{Actor, At, Request};
use crate::support::{Backend, Node, Reader, Site, Visitor, for_each_single_server, for_one_store};

for_each_single_server!(
    a_killed_node_leaves_a_whole_commit_or_none,
    a_killed_node_leaves_a_whole_sign_in_or_none,
);
for_one_store!(
    nats,
    Nats,
    a_killed_node_leaves_a_whole_commit_or_none,
    a_killed_node_leaves_a_whole_sign_in_or_none
);

/// More commands than any request needs.
const MANY: usize = 30;

const ROUNDS: usize = 5;

const PATIENT: [&str; 2] = ["--store-timeout", "20s"];

/// What becomes of the command at which the node was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// It never arrives.
    Lost,
    /// It arrives when the node is dead.
    OnItsWay,
    /// The server has done it, and the node has not got the answer.
    Answered,
}

async fn a_killed_node_leaves_a_whole_commit_or_none(backend: Backend) {
    let site = Site::start(backend, &PATIENT).await;
    let reader = Reader::of(&site).await;
    let commands = [Command::Lost, Command::OnItsWay, Command::Answered];
    early_and_late(&commands, async |steps, command| {
        let mut visitor = Visitor::new();
        let before = json!({ "a": 0, "b": 0, "c": 0 });
        let ticket = visitor.post_json(site.a(), "/attributes", before).await.is(204).ticket();
        let request = Request::post("/attributes").body(&json!({ "a": 1, "b": 1, "c": 1 }));
        if !kill(&site, &visitor, request, steps, command).await {
            return None;
        }
        visitor.post(site.a(), "/increment/after").await.is(200);
        let (values, _) = reader.read(&ticket, &["a", "b", "c"]).await;
        let mut values: BTreeSet<_> = values.into_values().collect();
        assert_eq!(values.len(), 1, "killed at {steps}, the command {command:?}: {values:?}");
        values.pop_first()
    })
    .await;
}

async fn a_killed_node_leaves_a_whole_sign_in_or_none(backend: Backend) {
    let site = Site::start(backend, &PATIENT).await;
    let mut number = 0;
    early_and_late(&[Command::Lost, Command::Answered], async |steps, command| {
        number += 1;
        let principal = format!("ada{number}");
        let mut watcher = Visitor::signed_in(site.a(), &principal).await;
        let (mut visitor, _) = Visitor::with_session(site.a()).await;
        let request = Request::post("/login").body(&json!({ "principal": principal }));
        if !kill(&site, &visitor, request, steps, command).await {
            return None;
        }
        let listed = watcher.get(site.b(), "/principal/sessions").await.is(200).json();
        let is_signed_in = listed.as_array().unwrap().len() == 2;
        let seen = visitor.session(site.a()).await;
        assert_eq!(seen["new"], is_signed_in, "killed at {steps}, the command {command:?}: {listed}");
        assert_eq!(seen["principal"], json!(null));
        Some(is_signed_in)
    })
    .await;
}

/// Kills at each command of a request, until what is left was both what was there before and what the request has written.
///
/// Once through is not always enough: a busy node asks its store more, such as whether a connection is alive, so that a
/// command has one number now and another one later.
async fn early_and_late<T: Ord + Debug>(
    commands: &[Command],
    mut kill: impl AsyncFnMut(usize, Command) -> Option<T>,
) {
    let mut left = BTreeSet::new();
    for _ in 0..ROUNDS {
        let mut points = (0..MANY).flat_map(|steps| commands.iter().map(move |command| (steps, *command)));
        loop {
            let (steps, command) = points.next().expect("the request has an end");
            let Some(what) = kill(steps, command).await else { break };
            left.insert(what);
        }
        if left.len() == 2 {
            return;
        }
    }
    panic!("{left:?} is left, as if it was never killed both early and late");
}

/// Kills a node that has done so many commands of a request; `false` if the request ends before.
async fn kill(site: &Site, visitor: &Visitor, request: Request, steps: usize, command: Command) -> bool {
    let node = Node::of(site).await;
    visitor.clone().get(&node.server, "/session").await.is(200);
    let mut actor = Actor::begin(&node, visitor, request).await;
    if actor.steps(steps).await == At::End {
        return false;
    }
    if command == Command::Answered {
        actor.stop_at_answer().await;
    }
    node.server.kill();
    let held = actor.die().await;
    match command {
        Command::Lost => held.cut(),
        Command::OnItsWay | Command::Answered => held.pass(),
    }
    true
}
