//! What a run has measured, as it is kept in a file.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::rounds::Round;
use benches::Result;
use benches::listed::Listed;

/// A run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) machine: Machine,
    pub(crate) subjects: Vec<Listed>,
    pub(crate) measured: Vec<Measured>,
}

/// Where and with what it was run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) compiler: String,
    pub(crate) stores: Vec<String>,
    /// How much was measured.
    pub(crate) effort: String,
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, processor, cores, kernel, compiler, stores, effort } = self;
        write!(f, "Measured on {date} with {cores} cores of {processor}, {kernel}, {compiler}. ")?;
        write!(f, "{}. {effort}.", stores.join("; "))
    }
}

/// A case, and what was measured of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) case: Case,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// For one request, as far as it was measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Instructions of the server in user space.
    pub(crate) instructions: Option<f64>,
    /// How often the server asks for memory.
    pub(crate) allocations: Option<f64>,
    /// Instructions of the store's process in user space, of Redis alone.
    #[serde(default)]
    pub(crate) store_instructions: Option<f64>,
    pub(crate) bytes_to_store: Option<f64>,
    pub(crate) bytes_from_store: Option<f64>,
    pub(crate) round_trips: Option<f64>,
    pub(crate) rounds: Vec<Round>,
}

/// The median of some rounds, and the least and the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Run {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}; run `benches/run stores` first", path.display()))?;
        Ok(serde_json::from_str(&text)?)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        Ok(std::fs::write(path, serde_json::to_string_pretty(self)?)?)
    }

    /// Takes what another run has measured of other stores, with the same programs on the same machine.
    pub(crate) fn join(&mut self, other: Self) -> Result<()> {
        let (one, two) = (&mut self.machine, other.machine);
        if (&one.processor, &one.compiler, &one.effort) != (&two.processor, &two.compiler, &two.effort) {
            return Err("runs of different machines, compilers or efforts cannot be compared".into());
        }
        if let Some(twice) = other.measured.iter().find(|measured| self.of(&measured.case).is_some()) {
            return Err(format!("{} was measured in two of these runs", twice.case).into());
        }
        self.machine.stores.extend(two.stores);
        self.measured.extend(other.measured);
        Ok(())
    }

    /// Returns what was measured of a case.
    pub(crate) fn of(&self, case: &Case) -> Option<&Figures> {
        self.measured.iter().find(|measured| measured.case == *case).map(|measured| &measured.figures)
    }
}

impl Figures {
    /// Returns a figure of the rounds; `None` where there is none.
    pub(crate) fn spread(&self, figure: impl Fn(&Round) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.rounds.iter().filter_map(figure).collect())
    }

    /// Returns the ratio of a figure to another case's, round by round.
    pub(crate) fn ratios(&self, other: &Self, figure: impl Fn(&Round) -> Option<f64>) -> Option<Spread> {
        let ratio = |(one, other)| Some(figure(one)? / figure(other)?);
        Spread::of(self.rounds.iter().zip(&other.rounds).filter_map(ratio).collect())
    }
}

impl Spread {
    fn of(mut all: Vec<f64>) -> Option<Self> {
        all.sort_by(f64::total_cmp);
        Some(Self { least: *all.first()?, median: all[all.len() / 2], most: *all.last()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_between_the_least_and_the_most() {
        let spread = Spread::of(vec![30.0, 10.0, 20.0]);
        assert_eq!(spread, Some(Spread { least: 10.0, median: 20.0, most: 30.0 }));
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn runs_of_several_stores_are_one() {
        let run = |case: &str| Run {
            measured: vec![Measured { case: case.parse().unwrap(), figures: Figures::default() }],
            ..Run::default()
        };
        let mut joined = run("redis/cloakroom/read-one/3k");
        joined.join(run("memory/cloakroom/read-one/3k")).unwrap();
        assert_eq!(joined.measured.len(), 2);
        assert!(joined.join(run("redis/cloakroom/read-one/3k")).is_err(), "measured twice");
        let mut elsewhere = run("sqlite/cloakroom/read-one/3k");
        elsewhere.machine.processor = "another".to_owned();
        assert!(joined.join(elsewhere).is_err());
    }
}
