use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::Result;
use crate::case::{Case, Goal};
use crate::subject::results;
use crate::throughput::Round;

/// What was measured of each case.
#[derive(Debug)]
pub(crate) struct Report {
    lines: Vec<(&'static Case, Figures)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// User-space instructions of the server for one request.
    pub(crate) instructions: f64,
    /// How often it asks for memory for one request.
    pub(crate) allocations: f64,
    pub(crate) rounds: Vec<Round>,
}

/// The median of some rounds, and the least and the most.
#[derive(Clone, Copy, Debug)]
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Report {
    pub(crate) fn new(lines: Vec<(&'static Case, Figures)>) -> Self {
        Self { lines }
    }

    /// Writes the figures as JSON, and returns where.
    pub(crate) fn write(&self, name: &str) -> Result<PathBuf> {
        let cases: Vec<Value> = self.lines.iter().map(|(case, figures)| self.json(case, figures)).collect();
        let path = results()?.join(name).with_extension("json");
        std::fs::write(&path, serde_json::to_string_pretty(&json!({ "cases": cases }))?)?;
        Ok(path)
    }

    fn json(&self, case: &Case, figures: &Figures) -> Value {
        json!({
            "case": case.name,
            "attributes": case.session.map(|filling| filling.attributes),
            "attribute_bytes": case.session.map(|filling| filling.bytes),
            "instructions_per_request": figures.instructions,
            "allocations_per_request": figures.allocations,
            "against": case.goal.map(|goal| goal.against),
            "ratio": case.goal.map(|goal| self.ratio(figures, goal)),
            "goal": case.goal.map(|goal| goal.at_most),
            "requests_per_second": figures.spread(|round| round.requests_per_second).json(),
            "cpu_micros_per_request": figures.spread(|round| round.cpu_micros).json(),
        })
    }

    fn ratio(&self, figures: &Figures, goal: Goal) -> f64 {
        let against = self.lines.iter().find(|(case, _)| case.name == goal.against);
        figures.instructions / against.map_or(f64::NAN, |(_, figures)| figures.instructions)
    }

    /// Returns the cells from `against` to whether the goal is met.
    fn verdict(&self, case: &Case, figures: &Figures) -> String {
        let Some(goal) = case.goal else {
            return " | | |".to_owned();
        };
        let ratio = self.ratio(figures, goal);
        let met = if ratio <= goal.at_most { "met" } else { "missed" };
        format!("{} | {ratio:.3} | ≤ {:.2} | {met}", goal.against, goal.at_most)
    }

    /// Fails if a goal is missed.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let meets = |goal: Goal, figures: &Figures| self.ratio(figures, goal) <= goal.at_most;
        let met = self.lines.iter().all(|(case, figures)| case.goal.is_none_or(|goal| meets(goal, figures)));
        if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| case | instructions | against | ratio | goal | | allocations | requests/s (least to most) | CPU |"
        )?;
        writeln!(f, "|---|---:|---|---:|---:|---|---:|---:|---:|")?;
        for (case, figures) in &self.lines {
            let rate = figures.spread(|round| round.requests_per_second);
            let cpu = figures.spread(|round| round.cpu_micros);
            writeln!(
                f,
                "| {} | {:.0} | {} | {:.1} | {:.0} ({:.0} to {:.0}) | {:.1} µs |",
                case.name,
                figures.instructions,
                self.verdict(case, figures),
                figures.allocations,
                rate.median,
                rate.least,
                rate.most,
                cpu.median
            )?;
        }
        writeln!(
            f,
            "\nFor one request: instructions in user space, memory allocations, CPU time of the server, user and system.\n\
             SHA-256 is counted in software, as valgrind has no SHA instructions."
        )
    }
}

impl Figures {
    fn spread(&self, figure: impl Fn(&Round) -> f64) -> Spread {
        let mut all: Vec<f64> = self.rounds.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        Spread {
            least: all.first().copied().unwrap_or(f64::NAN),
            median: all.get(all.len() / 2).copied().unwrap_or(f64::NAN),
            most: all.last().copied().unwrap_or(f64::NAN),
        }
    }
}

impl Spread {
    fn json(self) -> Value {
        json!({ "least": self.least, "median": self.median, "most": self.most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(unused: f64) -> Report {
        let line = |name, instructions| {
            let round = |requests_per_second| Round { requests_per_second, cpu_micros: 1.0 };
            let figures =
                Figures { instructions, allocations: 1.0, rounds: [30.0, 10.0, 20.0].map(round).to_vec() };
            (Case::named(name).unwrap(), figures)
        };
        Report::new(vec![line("nothing", 1000.0), line("unused", unused)])
    }

    #[test]
    fn a_goal_is_met_up_to_its_ratio() {
        assert_eq!(report(1100.0).exit_code(), ExitCode::SUCCESS);
        assert_eq!(report(1101.0).exit_code(), ExitCode::FAILURE);
        assert!(report(1101.0).to_string().contains("| unused | 1101 | nothing | 1.101 | ≤ 1.10 | missed |"));
    }

    #[test]
    fn throughput_is_the_median_of_the_rounds() {
        assert!(report(1100.0).to_string().contains("| 20 (10 to 30) |"));
    }
}
