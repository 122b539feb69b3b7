//! The benchmark: all subjects on all stores.

use std::collections::BTreeMap;
use std::process::ExitCode;

use crate::backend::Backend;
use crate::case::{Case, Kind};
use crate::figures::{Figures, Measured, Run};
use crate::goals::{Verdict, verdicts};
use crate::machine::machine;
use crate::plan::{Choice, Effort, is_counted_only};
use crate::program::{Programs, results};
use crate::{callgrind, counted_redis, proxy, report, rounds};
use benches::Result;

/// Measures what was chosen, writes the figures to `name`, and fails if a goal is missed.
pub(crate) async fn run(choice: &Choice, name: &str) -> Result<ExitCode> {
    callgrind::check()?;
    let programs = Programs::find(choice.peers)?;
    let mut run = Run { subjects: programs.all().cloned().collect(), ..Run::default() };
    let mut versions = Vec::new();
    for &store in &choice.stores {
        let cases = choice.cases(store, &programs);
        if cases.is_empty() {
            continue;
        }
        let mut backend = Backend::start(store)?;
        let cases = possible(cases, &programs, &backend)?;
        versions.push(format!("{}: {}", store.name(), backend.version()?));
        run.measured.extend(store_cases(&cases, &programs, &mut backend, choice.effort).await?);
    }
    run.machine = machine(&choice.effort, versions)?;
    let path = results()?.join(name).with_extension("json");
    run.write(&path)?;
    let verdicts = verdicts(&run);
    println!("{}\n{}", report::table(&run), report::goals(&verdicts));
    println!("written to {}", path.display());
    Ok(if verdicts.iter().all(Verdict::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Leaves out, and says so, what needs a newer server.
fn possible(cases: Vec<Case>, programs: &Programs, backend: &Backend) -> Result<Vec<Case>> {
    let mut left = Vec::new();
    for case in cases {
        match programs.needs(&case) {
            Some(command) if !backend.knows(command)? => {
                eprintln!("left out, as the server does not know {command}: {case}");
            }
            _ => left.push(case),
        }
    }
    Ok(left)
}

async fn store_cases(
    cases: &[Case],
    programs: &Programs,
    backend: &mut Backend,
    effort: Effort,
) -> Result<Vec<Measured>> {
    let mut all = BTreeMap::new();
    for (number, case) in cases.iter().enumerate() {
        eprintln!("counting {} of {}: {case}", number + 1, cases.len());
        all.insert(case, counted(case, programs, backend, effort).await?);
    }
    rounds_of(cases, programs, backend, effort, &mut all).await?;
    let measured = |case: &Case| Some(Measured { case: case.clone(), figures: all.remove(case)? });
    Ok(cases.iter().filter_map(measured).collect())
}

/// Counts what noise does not move.
async fn counted(case: &Case, programs: &Programs, backend: &mut Backend, effort: Effort) -> Result<Figures> {
    let counted = callgrind::count(case, programs, backend, effort.requests).await?;
    let mut figures = Figures {
        instructions: Some(counted.instructions()),
        allocations: Some(counted.allocations()),
        ..Figures::default()
    };
    if case.store == Kind::Redis {
        figures.store_instructions =
            Some(counted_redis::instructions(case, programs, effort.requests).await?);
    }
    if case.store.is_networked() {
        let traffic = proxy::count(case, programs, backend).await?;
        figures.bytes_to_store = Some(traffic.bytes_to);
        figures.bytes_from_store = Some(traffic.bytes_from);
        figures.round_trips = Some(traffic.round_trips);
    }
    Ok(figures)
}

/// Measures the cases by turns, so that whatever else the machine does falls on all of them alike.
async fn rounds_of(
    cases: &[Case],
    programs: &Programs,
    backend: &mut Backend,
    effort: Effort,
    all: &mut BTreeMap<&Case, Figures>,
) -> Result<()> {
    for number in 1..=effort.rounds {
        eprintln!("round {number} of {}", effort.rounds);
        for case in cases.iter().filter(|case| !is_counted_only(case)) {
            let round = rounds::round(case, programs, backend, effort.duration).await?;
            if let Some(figures) = all.get_mut(case) {
                figures.rounds.push(round);
            }
        }
    }
    Ok(())
}

/// Returns the stores of a list of names; all of them if there is none.
pub(crate) fn kinds(names: &[&str]) -> Result<Vec<Kind>> {
    if names.is_empty() {
        return Ok(Kind::ALL.to_vec());
    }
    Ok(names.iter().map(|name| name.parse()).collect::<std::result::Result<_, String>>()?)
}
