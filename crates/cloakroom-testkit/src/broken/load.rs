use cloakroom_core::{Error, Freshness, Guard, Load, Loaded, Opened, Select, Store, Touch, Wanted};

use super::{BrokenStore, Flaw};

impl BrokenStore {
    pub(super) async fn load_wrongly(&self, load: &Load) -> Result<Loaded, Error> {
        let mut load = load.clone();
        load.guard = self.guard(load.guard);
        match self.flaw {
            Flaw::ForgetsToExtend => load.touch = Touch::Never,
            Flaw::ForgetsTheThrottleBound => load.touch = self.unbounded(&load).await?,
            Flaw::TrimsNames => trim_names(&mut load.select),
            _ => {}
        }
        let loaded = self.right.load(&load).await?;
        match (self.flaw, &loaded) {
            (Flaw::ExtendsLate, Loaded::Absent) => self.slow.load(&load).await,
            (Flaw::ReturnsTheExpired, Loaded::Absent) => {
                load.touch = Touch::Never;
                self.slow.load(&load).await
            }
            (Flaw::HidesTheOlder, Loaded::Open(opened)) if is_older(opened, load.freshness) => {
                Ok(Loaded::Absent)
            }
            (Flaw::AdmitsTheSuperseded, Loaded::Superseded) => {
                load.guard = self.current(load.guard);
                self.right.load(&load).await
            }
            _ => Ok(loaded),
        }
    }

    pub(super) fn current(&self, guard: Guard) -> Guard {
        let proof = self.proof(guard.handle).unwrap_or(guard.proof);
        Guard { proof, ..guard }
    }

    /// Throttles by what was asked for alone.
    async fn unbounded(&self, load: &Load) -> Result<Touch, Error> {
        let Touch::AtMostEvery(every) = load.touch else {
            return Ok(Touch::Never);
        };
        let peek = Load { select: Select::default(), touch: Touch::Never, ..*load };
        Ok(match self.right.load(&peek).await? {
            Loaded::Open(opened) if opened.now.since(opened.meta.accessed_at) < every => Touch::Never,
            _ => load.touch,
        })
    }
}

fn is_older(opened: &Opened, freshness: Freshness) -> bool {
    matches!(freshness, Freshness::AtLeast(seen) if opened.meta.version < seen)
}

fn trim_names(select: &mut Select) {
    if let Wanted::Named(names) = &select.values {
        select.values = Wanted::Named(names.iter().map(super::commit::trimmed).collect());
    }
}
