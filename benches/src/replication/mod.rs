//! The same application on 2, 4 and 8 nodes, its sessions replicated in one way or another.

mod figures;
mod node;
mod page;
mod plot;
mod round;
mod sizing;
mod store;
mod visitor;
mod way;

use std::process::ExitCode;
use std::time::Duration;

use benches::Result;

use self::figures::{Measured, Round, Run};
use self::round::{CLIENTS, SESSIONS, round};
use self::store::Store;
use self::way::Way;
use crate::machine::described;
use crate::program::results;

pub(crate) use self::page::write;

const NODES: [usize; 3] = [2, 4, 8];

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    rounds: usize,
    duration: Duration,
}

pub(crate) const FULL: Effort = Effort { rounds: 3, duration: Duration::from_secs(3) };
pub(crate) const QUICK: Effort = Effort { rounds: 1, duration: Duration::from_secs(1) };

/// Measures ways with all numbers of nodes, by turns, and writes `replication.json`. No ways: all of them.
pub(crate) async fn run(ways: &[&str], effort: Effort) -> Result<ExitCode> {
    let ways = if ways.is_empty() { Way::ALL.to_vec() } else { Way::named(ways)? };
    let program = node::build()?;
    let mut measured = Vec::new();
    for nodes in NODES {
        measured.extend(ways.iter().map(|way| Measured { way: *way, nodes, rounds: Vec::new() }));
    }
    for number in 1..=effort.rounds {
        for one in &mut measured {
            let store = Store::start(one.way)?;
            let round = round(one.way, one.nodes, &program, &store, effort.duration).await;
            let round =
                round.map_err(|error| format!("{}, {} nodes: {error}", one.way.title(), one.nodes))?;
            said(number, one, &round);
            one.rounds.push(round);
        }
    }
    let effort = format!(
        "{SESSIONS} sessions of 10 attributes of 300 bytes; {} rounds of {} s with {CLIENTS} clients",
        effort.rounds,
        effort.duration.as_secs()
    );
    let run = Run { machine: described(store::versions()?, effort)?, measured };
    let path = results()?.join("replication.json");
    run.write(&path)?;
    println!("written to {}; `benches/run replication-page` writes the page", path.display());
    Ok(ExitCode::SUCCESS)
}

fn said(number: usize, measured: &Measured, round: &Round) {
    println!(
        "round {number}: {:<30} {} nodes {:>8.0} requests/s, {:>7.0} bytes each, {:>6.0} bytes of memory per session and node",
        measured.way.title(),
        measured.nodes,
        round.requests_per_second,
        round.bytes,
        round.node_bytes_per_session,
    );
}
