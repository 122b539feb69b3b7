use std::sync::Arc;

use cloakroom_core::{Name, Names};
use smallvec::SmallVec;

use super::history::{Forecast, NAMES, Observation};
use super::{Foresight, Known, Route, lock};
use crate::telemetry;

/// What one request reads of its session, beside what was foreseen.
#[derive(Debug)]
pub(crate) struct Reads {
    route: Route,
    /// `None`: no request of the route had to fetch anything, so that nothing is remembered of it.
    known: Option<Arc<Known>>,
    forecast: Forecast,
    /// Which names of the forecast were read: a bit for each.
    used: u64,
    /// What else was read. Beyond [`NAMES`] it is not noticed.
    others: SmallVec<[Name; 2]>,
    /// How many attributes had to be fetched.
    fetched: u32,
}

const _: () = assert!(NAMES == u64::BITS as usize, "a bit for each name");

impl Reads {
    pub(super) fn of_known(route: Route, known: Arc<Known>) -> Self {
        let forecast = lock(&known.0).forecast();
        Self { route, known: Some(known), forecast, used: 0, others: SmallVec::new(), fetched: 0 }
    }

    pub(crate) fn of_unknown(route: Route) -> Self {
        let forecast = Forecast::default();
        Self { route, known: None, forecast, used: 0, others: SmallVec::new(), fetched: 0 }
    }

    /// Returns what the request is expected to read.
    pub(crate) fn foreseen(&self) -> &Names {
        &self.forecast.names
    }

    /// Takes note that the request has asked for the value of this name, as it is in the store.
    pub(crate) fn note(&mut self, name: &Name) {
        if let Ok(index) = self.forecast.names.binary_search(name) {
            self.used |= 1 << index;
        } else if self.others.len() < NAMES && !self.others.contains(name) {
            self.others.push(name.clone());
        }
    }

    /// Takes note that attributes had to be fetched.
    pub(crate) fn fetched(&mut self, count: usize) {
        self.fetched = self.fetched.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Closes the account of a request. `whole`: it was not cut off. `bytes` tells the size of a value, as far as it is
    /// known.
    pub(crate) fn end(self, foresight: &Foresight, whole: bool, bytes: impl Fn(&Name) -> Option<usize>) {
        if self.known.is_none() && self.fetched == 0 {
            return;
        }
        self.tell(&bytes);
        if let Some(known) = &self.known
            && self.was_right()
            && lock(&known.0).was_right(self.forecast.edition)
        {
            return;
        }
        let mut read: Vec<_> = self.others.to_vec();
        read.extend(self.forecast_names(true).cloned());
        let known = self.known.unwrap_or_else(|| foresight.remember(self.route));
        lock(&known.0).observe(&Observation { read: &read, whole }, bytes);
    }

    fn was_right(&self) -> bool {
        self.others.is_empty() && self.used.count_ones() as usize == self.forecast.names.len()
    }

    /// Returns the names of the forecast that were read, or those that were not.
    fn forecast_names(&self, read: bool) -> impl Iterator<Item = &Name> {
        let names = self.forecast.names.iter().enumerate();
        names.filter(move |(index, _)| (self.used & (1 << index) != 0) == read).map(|(_, name)| name)
    }

    fn tell(&self, bytes: &impl Fn(&Name) -> Option<usize>) {
        let used = self.used.count_ones();
        let in_vain = || {
            let bytes = |name: &Name| bytes(name).map(|value| name.as_str().len() + value);
            self.forecast_names(false).filter_map(bytes).sum()
        };
        telemetry::foreseen([used, self.forecast.names.len() as u32 - used, self.fetched], in_vain);
    }
}
