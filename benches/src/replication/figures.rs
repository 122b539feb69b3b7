//! What a run has measured, as it is kept in a file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::way::Way;
use crate::figures::Machine;
use benches::Result;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) machine: Machine,
    pub(crate) measured: Vec<Measured>,
}

/// So many nodes, and the rounds that were measured of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) way: Way,
    pub(crate) nodes: usize,
    pub(crate) rounds: Vec<Round>,
}

/// What one round gave. Times are the processor's, user and system.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) requests_per_second: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    /// Of all nodes together, for one request.
    pub(crate) node_cpu_micros: f64,
    pub(crate) store_cpu_micros: f64,
    /// Between all nodes and the store, for one request, both ways.
    pub(crate) bytes: f64,
    /// By which a node has grown, for each session that there is; the mean of the nodes.
    pub(crate) node_bytes_per_session: f64,
    pub(crate) store_bytes_per_session: f64,
}

impl Run {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        Ok(std::fs::write(path, serde_json::to_vec_pretty(self)?)?)
    }

    /// Returns the median of a figure.
    pub(crate) fn median(&self, way: Way, nodes: usize, figure: fn(&Round) -> f64) -> Option<f64> {
        let measured = self.measured.iter().find(|it| (it.way, it.nodes) == (way, nodes))?;
        let mut figures: Vec<f64> = measured.rounds.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied()
    }
}
