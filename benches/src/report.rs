//! What a run says on the terminal.

use std::fmt::Write as _;

use crate::figures::{Figures, Run, Spread};
use crate::goals::{Limit, Verdict};

const HEAD: &str = "\
| case | instructions | allocations | requests/s (least to most) | p50 | p99 | CPU | the store's CPU | its instructions | bytes | round trips | memory |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
";
const FOOT: &str = "
For one request: instructions of the server in user space; memory allocations; CPU time in µs, user and system; bytes to and
from the store. Memory is the server's, resident.
SHA-256 is counted in software, as valgrind has no SHA instructions.
";

/// Writes all figures as a table.
pub(crate) fn table(run: &Run) -> String {
    let lines = run.measured.iter().map(|measured| line(&measured.case.to_string(), &measured.figures));
    [HEAD, &lines.collect::<String>(), FOOT].concat()
}

fn line(case: &str, figures: &Figures) -> String {
    let number = |number: Option<f64>, digits| number.map_or(String::new(), |it| format!("{it:.digits$}"));
    let median = |spread: Option<Spread>| number(spread.map(|spread| spread.median), 1);
    let rate = figures
        .spread(|round| Some(round.requests_per_second))
        .map_or(String::new(), |rate| format!("{:.0} ({:.0} to {:.0})", rate.median, rate.least, rate.most));
    let cells = [
        number(figures.instructions, 0),
        number(figures.allocations, 1),
        rate,
        median(figures.spread(|round| Some(round.p50_micros))),
        median(figures.spread(|round| Some(round.p99_micros))),
        median(figures.spread(|round| Some(round.cpu_micros))),
        median(figures.spread(|round| round.store_cpu_micros)),
        number(figures.store_instructions, 0),
        number(figures.bytes(), 0),
        number(figures.round_trips, 2),
        median(figures.spread(|round| Some(round.resident_kib / 1_024.0))),
    ];
    format!("| {case} | {} |\n", cells.join(" | "))
}

/// Writes how a run stands to the goals.
pub(crate) fn goals(verdicts: &[Verdict]) -> String {
    let mut text = String::from("| case | figure | against | ratio | goal | |\n|---|---|---|---:|---|---|\n");
    for verdict in verdicts {
        let Verdict { case, against, figure, ratio, limit } = verdict;
        // Writing to a text does not fail.
        let _ =
            writeln!(text, "| {case} | {figure} | {against} | {ratio:.3} | {limit} | {} |", outcome(verdict));
    }
    text
}

/// Says whether a goal is met, and if not, by how much it is missed.
pub(crate) fn outcome(verdict: &Verdict) -> String {
    if verdict.is_met() {
        return "met".to_owned();
    }
    let beyond = match verdict.limit {
        Limit::AtMost(most) => verdict.ratio / most,
        Limit::AtLeast(least) => least / verdict.ratio,
    };
    format!("missed by {:.1} %", (beyond - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::Figure;

    fn verdict(ratio: f64, limit: Limit) -> Verdict {
        let case = "redis/cloakroom/read-one/3k".parse().unwrap();
        Verdict { case, against: "that".to_owned(), figure: Figure::Instructions, ratio, limit }
    }

    #[test]
    fn a_miss_says_by_how_much() {
        assert_eq!(outcome(&verdict(1.1, Limit::AtMost(1.1))), "met");
        assert_eq!(outcome(&verdict(1.32, Limit::AtMost(1.1))), "missed by 20.0 %");
        assert_eq!(outcome(&verdict(2.0, Limit::AtLeast(2.5))), "missed by 25.0 %");
        let table = goals(&[verdict(1.0, Limit::AtMost(1.1))]);
        assert!(
            table.ends_with("| redis/cloakroom/read-one/3k | instructions | that | 1.000 | ≤ 1.10 | met |\n")
        );
    }
}
