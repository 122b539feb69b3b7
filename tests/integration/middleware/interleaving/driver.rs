use cloakroom_testkit::faulty::{Gate, Moment, Operation};
use tokio::task::JoinHandle;

use super::actors::Actor;
use crate::middleware::rig::Rig;
use crate::support::Answer;

/// How often each request waits.
const STEPS: usize = 4;

/// A request under way, and the gates that it has still to pass.
struct Running {
    gates: Vec<Gate>,
    passed: usize,
    task: JoinHandle<Answer>,
}

impl Running {
    async fn start(rig: &Rig, ticket: &str, actor: Actor) -> Self {
        let points = [Operation::Load, actor.ends_with];
        let both = |operation| [Moment::Before, Moment::After].map(|moment| (operation, moment));
        let gates = points.into_iter().flat_map(both);
        let gates: Vec<_> =
            gates.map(|(operation, moment)| rig.faults.hold_next(operation, moment)).collect();
        let (rig, ticket) = (rig.clone(), ticket.to_owned());
        let task = tokio::spawn(async move { rig.run(Some(&ticket), actor.act).await });
        let running = Self { gates, passed: 0, task };
        running.settle().await;
        running
    }

    /// Waits until the request stands at its next gate, or has ended.
    async fn settle(&self) {
        let at_gate = async {
            match self.gates.get(self.passed) {
                Some(gate) => gate.arrived().await,
                None => std::future::pending().await,
            }
        };
        let ended = async {
            while !self.task.is_finished() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = at_gate => {}
            () = ended => {}
        }
    }

    async fn step(&mut self) {
        self.gates[self.passed].let_pass(1);
        self.passed += 1;
        self.settle().await;
    }
}

/// What came of two requests.
pub(super) struct Outcome {
    pub(super) rig: Rig,
    /// The ticket that both came with.
    pub(super) ticket: String,
    pub(super) answers: [Answer; 2],
    /// Whose steps came when.
    order: Vec<usize>,
}

impl Outcome {
    /// Returns whether the second operation of the first request was applied before that of the second.
    pub(super) fn first_applied_first(&self) -> bool {
        self.applied(0) < self.applied(1)
    }

    pub(super) fn applied(&self, actor: usize) -> usize {
        self.passing(actor, 2)
    }

    pub(super) fn loaded(&self, actor: usize) -> usize {
        self.passing(actor, 0)
    }

    /// Returns when a request passed its gate of this number.
    fn passing(&self, actor: usize, gate: usize) -> usize {
        let steps = self.order.iter().enumerate().filter(|(_, step)| **step == actor);
        steps.map(|(when, _)| when).nth(gate).unwrap()
    }

    /// Returns the tickets that were handed out.
    pub(super) fn tickets(&self) -> Vec<String> {
        let cookies = self.answers.iter().filter_map(Answer::set_cookie);
        cookies.map(|cookie| cookie.value).filter(|value| !value.is_empty()).collect()
    }

    /// Returns the tickets that were handed out for the session that both requests came with.
    pub(super) fn tickets_of_the_session(&self) -> Vec<String> {
        let mut tickets = self.tickets();
        tickets.retain(|ticket| ticket[..22] == self.ticket[..22]);
        tickets
    }
}

/// Returns every way to merge the steps of two requests.
fn orders() -> Vec<Vec<usize>> {
    let all = (0..1_usize << (2 * STEPS)).map(|bits| (0..2 * STEPS).map(|step| bits >> step & 1).collect());
    all.filter(|order: &Vec<usize>| order.iter().sum::<usize>() == STEPS).collect()
}

async fn run(actors: [Actor; 2], order: Vec<usize>) -> Outcome {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let nodes = [rig.node(), rig.node()];
    let mut running = [
        Running::start(&nodes[0], &ticket, actors[0]).await,
        Running::start(&nodes[1], &ticket, actors[1]).await,
    ];
    for &actor in &order {
        running[actor].step().await;
    }
    let [first, second] = running.map(|running| running.task);
    let answers = [first.await.unwrap(), second.await.unwrap()];
    Outcome { rig, ticket, answers, order }
}

/// Runs two requests in every order, and checks what came of each.
#[expect(clippy::future_not_send, reason = "a test runs on one thread")]
pub(super) async fn in_every_order(actors: [Actor; 2], check: impl AsyncFn(&Outcome)) {
    let orders = orders();
    assert_eq!(orders.len(), 70);
    for order in orders {
        println!("order {order:?}");
        check(&run(actors, order).await).await;
    }
}
