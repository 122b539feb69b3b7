use std::time::Duration;

use cloakroom_core::{Clock as _, Ended, Error, Handle, Invalidate, Select, Store, Sweep, Wanted};

use super::store::pause;
use super::{BrokenStore, Flaw};

impl BrokenStore {
    pub(super) async fn sweep_wrongly(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        match self.flaw {
            Flaw::HandsOutTwice => self.read_then_claim(sweep).await,
            Flaw::HandsOutTheLive => self.fast.sweep(sweep).await,
            Flaw::ForgetsTheLease => {
                let sweep = Sweep { lease: None, ..sweep.clone() };
                self.right.sweep(&sweep).await
            }
            Flaw::ForgetsWhatLapsedLater => self.sweep_as_of_now(sweep).await,
            _ => self.right.sweep(sweep).await,
        }
    }

    async fn sweep_as_of_now(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        let select = Select { values: Wanted::Everything, names: false };
        let mut ended = self.right.sweep(&Sweep { select, ..sweep.clone() }).await?;
        let now = self.clock.now();
        for ended in &mut ended {
            ended.attributes.retain(|held| held.lapses_at.is_none_or(|end| now < end));
            ended.names = ended.attributes.iter().map(|held| held.name.clone()).collect();
            ended.attributes.retain(|held| sweep.select.values.includes(held.name.as_str()));
        }
        Ok(ended)
    }

    async fn read_then_claim(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        let read = Sweep { lease: Some(Duration::ZERO), ..sweep.clone() };
        let ended = self.right.sweep(&read).await?;
        pause().await;
        match sweep.lease {
            None => {
                let handles: Vec<Handle> = ended.iter().map(|ended| ended.handle).collect();
                self.right.acknowledge(&handles).await?;
            }
            Some(_) => drop(self.right.sweep(sweep).await?),
        }
        Ok(ended)
    }

    pub(super) async fn acknowledge_wrongly(&self, handles: &[Handle]) -> Result<(), Error> {
        if self.flaw == Flaw::AcknowledgesTheLive {
            for &handle in handles {
                let one = Invalidate::Handle { handle, owner: None };
                self.right.invalidate(&one).await?;
            }
        }
        self.right.acknowledge(handles).await
    }
}
