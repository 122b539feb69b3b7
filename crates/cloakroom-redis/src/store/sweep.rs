use bytes::Bytes;
use cloakroom_core::{Ended, Error, Handle, Principal, Sweep, Wanted};
use futures_util::future::{join_all, try_join_all};

use super::RedisStore;
use super::batch::{Batch, FEW, MANY};
use crate::keys::{BUCKETS, Of};
use crate::scripts::Script;
use crate::wire::{Malformed, decode_ended, strings};

const SWEEP: &str = "sweep";
const ACKNOWLEDGE: &str = "acknowledge";

/// How often a sweep looks for more, if it found too few: the index tells too early of sessions that were used since.
const ROUNDS: usize = 64;

impl RedisStore {
    pub(super) async fn hand_out(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        let mut found = Vec::new();
        let first = getrandom::u32().unwrap_or_default().to_be_bytes()[0];
        for _ in 0..ROUNDS {
            let room = (sweep.limit as usize).saturating_sub(found.len());
            let due = if room == 0 { Vec::new() } else { self.due(first, room).await? };
            if due.is_empty() {
                break;
            }
            match self.claim(sweep, &due).await {
                Ok(claimed) => found.extend(claimed),
                Err(error) if found.is_empty() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "a sweep was cut short");
                    break;
                }
            }
        }
        if sweep.lease.is_none() {
            self.forget_ended(&found).await;
        }
        if let Err(error) = self.bury(first, sweep.limit as usize).await {
            tracing::warn!(%error, "what is left of sessions that were ended with all others could not be removed");
        }
        Ok(found)
    }

    /// Lists sessions whose time may be over, beginning with those of one bucket.
    async fn due(&self, first: u8, room: usize) -> Result<Vec<Handle>, Error> {
        let each = if self.client.is_one_server() { room } else { room.div_ceil(32).max(4) };
        let mut due = self.listed(&self.scripts.due, Of::Index, first, &[room, each]).await?;
        due.truncate(room);
        Ok(due)
    }

    /// Hands out those of the sessions that have expired. What was handed out by one call is not lost if another fails.
    async fn claim(&self, sweep: &Sweep, due: &[Handle]) -> Result<Vec<Ended>, Error> {
        let lease = sweep.lease.map_or(0, |lease| lease.as_millis().max(1)).to_string();
        let mut arguments: Vec<&[u8]> = vec![lease.as_bytes()];
        match &sweep.select.values {
            Wanted::Nothing => arguments.push(b"N"),
            Wanted::Everything => arguments.push(b"E"),
            Wanted::Named(names) => {
                arguments.push(b"N");
                arguments.extend(names.iter().map(|name| name.as_str().as_bytes()));
            }
        }
        let most = if matches!(sweep.select.values, Wanted::Nothing) { MANY } else { FEW };
        let script = &self.scripts.claim;
        let batch = Batch { during: SWEEP, script, needs: Some(Of::Index), most, arguments: &arguments, wait: None };
        let (mut claimed, mut failure) = (Vec::new(), None);
        for call in self.run_on_each(batch, due).await {
            match call {
                Ok(replies) => claimed.extend(replies.into_iter().filter_map(readable)),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if claimed.is_empty() => Err(error),
            _ => Ok(claimed),
        }
    }

    /// Removes some of what is left of sessions whose epoch is over.
    async fn bury(&self, first: u8, room: usize) -> Result<(), Error> {
        let left = self.listed(&self.scripts.left, Of::Left, first, &[room]).await?;
        let script = &self.scripts.bury;
        let batch = Batch { during: SWEEP, script, needs: Some(Of::Left), most: MANY, arguments: &[], wait: None };
        self.run_on(batch, &left).await.map(drop)
    }

    /// Lists handles from an index of every bucket.
    async fn listed(
        &self,
        script: &Script,
        of: Of,
        first: u8,
        bounds: &[usize],
    ) -> Result<Vec<Handle>, Error> {
        let at_once = if self.client.is_one_server() { BUCKETS } else { 1 };
        let buckets: Vec<u8> = (0..=u8::MAX).map(|bucket| bucket.wrapping_add(first)).collect();
        let calls = buckets.chunks(at_once).map(async |buckets| {
            let mut call = script.call(buckets.len(), bounds.len(), 32 * buckets.len());
            for bucket in buckets {
                call.arg(self.keys.bucket(*bucket, of));
            }
            for bound in bounds {
                call.arg(*bound);
            }
            let value = self.run(SWEEP, script, &call, None).await?;
            let handles = strings(value).and_then(handles);
            handles.map_err(|malformed| malformed.during(SWEEP))
        });
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    pub(super) async fn remove_expired(&self, handles: &[Handle]) -> Result<(), Error> {
        let script = &self.scripts.acknowledge;
        let batch =
            Batch { during: ACKNOWLEDGE, script, needs: Some(Of::Index), most: MANY, arguments: &[], wait: None };
        let replies = self.run_on(batch, handles).await?;
        let owned = replies.into_iter().filter_map(|(handle, owner)| {
            let owner = std::str::from_utf8(&owner).ok()?;
            Some((Principal::new(owner.to_owned()).ok()?, handle))
        });
        let owned: Vec<_> = owned.collect();
        join_all(owned.iter().map(async |(owner, handle)| self.remove_entries(owner, &[*handle]).await)).await;
        Ok(())
    }
}

/// Reads what was handed out; what cannot be read is removed already, and harms no other.
fn readable((handle, reply): (Handle, Bytes)) -> Option<Ended> {
    if reply.is_empty() {
        return None;
    }
    match decode_ended(handle, reply, None) {
        Ok(ended) => Some(ended),
        Err(error) => {
            tracing::warn!(%handle, %error, "an expired session cannot be handed out");
            None
        }
    }
}

fn handles(texts: Vec<Bytes>) -> Result<Vec<Handle>, Malformed> {
    let handle = |text: Bytes| std::str::from_utf8(&text).ok()?.parse().ok();
    texts.into_iter().map(|text| handle(text).ok_or(Malformed::Damaged)).collect()
}
