//! Which cases a run measures.

use std::time::Duration;

use crate::case::{Case, Kind, Size};
use crate::program::Programs;
use benches::listed::Listed;
use benches::protocol::Workload;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How many requests are counted under callgrind.
    pub(crate) requests: u64,
    pub(crate) rounds: usize,
    pub(crate) duration: Duration,
    /// Whether all workloads and sizes are measured, or only those that goals are about.
    pub(crate) is_full: bool,
}

pub(crate) const FULL: Effort =
    Effort { requests: 1_500, rounds: 5, duration: Duration::from_secs(1), is_full: true };
pub(crate) const QUICK: Effort =
    Effort { requests: 400, rounds: 3, duration: Duration::from_millis(500), is_full: false };

/// What a run was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) effort: Effort,
    pub(crate) stores: Vec<Kind>,
    /// Parts of a case's text; a case is measured if it has one of them. None: all are.
    pub(crate) parts: Vec<String>,
    pub(crate) peers: bool,
}

impl Choice {
    /// Returns the cases of a store.
    pub(crate) fn cases(&self, store: Kind, programs: &Programs) -> Vec<Case> {
        let usual = programs.on(store).flat_map(|listed| self.usual(store, listed));
        let all = usual.chain(grown(store));
        all.filter(|case| self.includes(case)).collect()
    }

    fn usual(&self, store: Kind, listed: &Listed) -> Vec<Case> {
        let workloads = Workload::ALL.into_iter().filter(|workload| {
            let can = listed.workloads.as_ref().is_none_or(|workloads| workloads.contains(workload));
            can && (self.effort.is_full || is_judged(*workload))
        });
        let case = |workload, size| Case::new(store, &listed.subject, workload, size);
        workloads
            .flat_map(|workload| self.sizes(workload).into_iter().map(move |size| case(workload, size)))
            .collect()
    }

    fn sizes(&self, workload: Workload) -> Vec<Size> {
        match workload {
            Workload::Unused => vec![Size::NONE, Size::KB_3],
            Workload::NewSession => vec![Size::NONE],
            Workload::ReadFiveChangeTwo if !self.effort.is_full => vec![Size::KB_3],
            _ if self.effort.is_full => Size::USUAL.to_vec(),
            _ => vec![Size::KB_3, Size::KB_200],
        }
    }

    fn includes(&self, case: &Case) -> bool {
        let text = case.to_string();
        self.parts.is_empty() || self.parts.iter().any(|part| text.contains(part.as_str()))
    }
}

fn is_judged(workload: Workload) -> bool {
    !matches!(workload, Workload::ChangeLarge | Workload::TouchAll | Workload::NewSession)
}

/// What growth is looked at with.
fn grown(store: Kind) -> impl Iterator<Item = Case> {
    let case = move |workload| Size::GROWN.map(|size| Case::new(store, "cloakroom", workload, size));
    [Workload::ReadOne, Workload::ChangeOne].into_iter().flat_map(case)
}

/// Returns whether only instructions are counted: of sessions larger than the usual ones.
pub(crate) fn is_counted_only(case: &Case) -> bool {
    Size::GROWN.contains(&case.size)
}
