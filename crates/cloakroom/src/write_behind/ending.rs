use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{Ended, Error, ErrorKind, Handle, Invalidate, Invalidated, Principal, Store};
use tokio::time::{Instant, timeout, timeout_at};

use super::lane::Ending;
use super::shared::Extent;
use super::store::WriteBehind;
use crate::error::Chain;

/// How long an end or a list waits for what is held back to be written: well within the time that a request or a registry has.
const PATIENCE: Duration = Duration::from_millis(500);

/// Ends and lists: they go to the store whatever becomes of what is held back.
impl<S: Store> WriteBehind<S> {
    /// Ends one session. What is held back is written first, so that whoever is told of the end is told of all of it; should
    /// that fail or take too long, it is dropped with the session.
    pub(super) async fn end_one(
        &self,
        handle: Handle,
        invalidate: &Invalidate,
    ) -> Result<Invalidated, Error> {
        let shared = self.shared();
        let lane = shared.lane(handle);
        let _at_once = lane.at_once();
        let until = Instant::now() + PATIENCE;
        let turn = timeout_at(until, lane.turn.write()).await;
        let settled = match &turn {
            Ok(_) => matches!(timeout_at(until, shared.settle(&lane, Extent::All)).await, Ok(Ok(_))),
            Err(_) => false,
        };
        let _ending = Ending::begin(vec![Arc::clone(&lane)]);
        let answer = shared.store.invalidate(invalidate).await?;
        if let Invalidated::Done(ended) = &answer {
            let mut state = lane.state();
            if !ended.is_empty() || (!settled && state.is_meant(handle, invalidate)) {
                shared.give_up(&lane, &mut state, "gone");
            }
        }
        Ok(answer)
    }

    /// Ends a principal's sessions. Which those are does not depend on what is held back: a sign-in never is.
    pub(super) async fn end_all_of(
        &self,
        principal: &Principal,
        invalidate: &Invalidate,
    ) -> Result<Invalidated, Error> {
        let shared = self.shared();
        self.settle_those_of(principal).await;
        let _ending = Ending::begin(shared.lanes_that(|state| state.may_belong_to(principal)));
        let answer = shared.store.invalidate(invalidate).await?;
        if let Invalidated::Done(ended) = &answer {
            self.have_ended(ended);
            // One that the store takes for expired is not among those, and what is held back would bring it back.
            for lane in shared.held(|handle, state| state.is_meant(handle, invalidate)) {
                shared.give_up(&lane, &mut lane.state(), "gone");
            }
        }
        Ok(answer)
    }

    pub(super) async fn end_everyone(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        let shared = self.shared();
        let _ending = Ending::begin(shared.every_lane());
        let answer = shared.store.invalidate(invalidate).await;
        shared.forget(&shared.every_lane());
        answer
    }

    /// Writes what is held back of a principal's sessions, if that can be done soon.
    pub(super) async fn settle_those_of(&self, principal: &Principal) {
        let shared = self.shared();
        let lanes = shared.held(|_, state| state.may_belong_to(principal));
        let settled = timeout(PATIENCE, shared.write_all(lanes)).await;
        if let Err(error) = settled.unwrap_or_else(|_| Err(Error::of(ErrorKind::Timeout, "write"))) {
            tracing::warn!(error = %Chain(&error), "a principal's sessions are listed or ended without what is held back of them");
        }
    }

    /// Drops what is held back of sessions that have ended.
    pub(super) fn have_ended(&self, ended: &[Ended]) {
        let shared = self.shared();
        for lane in ended.iter().filter_map(|ended| shared.find(ended.handle)) {
            shared.give_up(&lane, &mut lane.state(), "gone");
        }
    }
}
