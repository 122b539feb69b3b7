use std::sync::Arc;

use cloakroom_core::{Names, Select, Wanted};
use http::Extensions;

use super::Inner;
use crate::config::LoadPolicy;
use crate::foresight::{Asked, Reads, Route};

impl Inner {
    /// Returns the request's route, if what is loaded follows from what is learned of it.
    #[inline]
    pub(super) fn route_to_learn(&self, extensions: &Extensions) -> Option<Route> {
        let learns = |_: &Asked| matches!(self.load_policy(extensions), LoadPolicy::Foreseen);
        Some(self.asked.filter(learns)?.route(extensions))
    }

    /// Returns what is loaded with the session: at least what is `wanted`.
    pub(super) fn selection(&self, extensions: &Extensions, wanted: &Names, reads: Option<&Reads>) -> Select {
        let names = match self.load_policy(extensions) {
            LoadPolicy::Everything => return Select { values: Wanted::Everything, names: false },
            LoadPolicy::OnDemand => wanted.clone(),
            LoadPolicy::Foreseen => {
                reads.map_or_else(|| wanted.clone(), |reads| both(reads.foreseen(), wanted))
            }
            LoadPolicy::Named(names) => both(&Arc::clone(names).into(), wanted),
        };
        let values = if names.is_empty() { Wanted::Nothing } else { Wanted::Named(names) };
        Select { values, names: false }
    }

    /// Returns what the request's route says about what is loaded, or else the layer.
    fn load_policy<'a>(&'a self, extensions: &'a Extensions) -> &'a LoadPolicy {
        let of_route = if self.marks().has_load_policy() { extensions.get::<LoadPolicy>() } else { None };
        of_route.unwrap_or(&self.settings().load)
    }
}

/// Returns all of these names, each once if both have each once.
fn both(one: &Names, two: &Names) -> Names {
    if two.iter().all(|name| one.contains(name)) {
        return one.clone();
    }
    if one.iter().all(|name| two.contains(name)) {
        return two.clone();
    }
    one.iter().chain(two.iter().filter(|name| !one.contains(name))).cloned().collect()
}
