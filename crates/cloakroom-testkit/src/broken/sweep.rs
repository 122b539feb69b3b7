use std::time::Duration;

use cloakroom_core::{Ended, Error, Handle, Invalidate, Store, Sweep};

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
            _ => self.right.sweep(sweep).await,
        }
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
