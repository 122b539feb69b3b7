//! The benchmark of the in-memory store.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use crate::Result;
use crate::case::CASES;
use crate::report::{Figures, Report};
use crate::throughput::Round;
use crate::{callgrind, throughput};

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    requests: u64,
    rounds: usize,
    duration: Duration,
}

pub(crate) const FULL: Effort = Effort { requests: 4_000, rounds: 7, duration: Duration::from_millis(1_500) };
pub(crate) const QUICK: Effort = Effort { requests: 1_000, rounds: 1, duration: Duration::from_millis(500) };

pub(crate) async fn run(effort: Effort) -> Result<ExitCode> {
    callgrind::check()?;
    let mut counts = BTreeMap::new();
    for case in &CASES {
        eprintln!("counting instructions: {}", case.name);
        let counted = callgrind::count(case, effort.requests).await?;
        counts.insert(case.name, (counted.instructions(), counted.allocations()));
    }
    let rounds = throughput(effort).await?;
    let figures = |name| Figures {
        instructions: counts[name].0,
        allocations: counts[name].1,
        rounds: rounds[name].clone(),
    };
    let report = Report::new(CASES.iter().map(|case| (case, figures(case.name))).collect());
    println!("{report}");
    println!("written to {}", report.write("memory")?.display());
    Ok(report.exit_code())
}

/// Measures the cases by turns, so that whatever else the machine does falls on all of them alike.
async fn throughput(effort: Effort) -> Result<BTreeMap<&'static str, Vec<Round>>> {
    let mut rounds: BTreeMap<_, Vec<Round>> = BTreeMap::new();
    for number in 1..=effort.rounds {
        eprintln!("throughput: round {number} of {}", effort.rounds);
        for case in &CASES {
            let round = throughput::round(case, effort.duration).await?;
            rounds.entry(case.name).or_default().push(round);
        }
    }
    Ok(rounds)
}
