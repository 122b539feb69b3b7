use std::collections::BTreeMap;

use cloakroom_core::{Ended, Error, Handle, Principal, SessionInfo};
use futures_util::future::join_all;
use redis::Value;

use super::RedisStore;
use super::batch::{Batch, MANY};
use super::end::{Chosen, INVALIDATE};
use crate::wire::{Malformed, Peeked, decode_peeked};

const LIST: &str = "list";

/// For how many microseconds an entry stays at least after the end of the time that its place is kept, where session and
/// entry are on two servers: as much as their clocks may differ.
const CLOCKS_DIFFER: u64 = 10_000_000;

/// The same where it is not known which entry it is, as the session may have been entered again.
const A_MOMENT: u64 = 1_000_000;

/// A session that may be a principal's.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) handle: Handle,
    /// As the server writes it; empty if any will do.
    score: Vec<u8>,
}

impl RedisStore {
    pub(super) async fn list(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        let entries = self.entries(LIST, principal).await?;
        self.live_among(LIST, principal, &entries).await
    }

    /// Ends all of a principal's sessions but one.
    pub(super) async fn end_all_of(
        &self,
        principal: &Principal,
        except: Option<Handle>,
    ) -> Result<Vec<Ended>, Error> {
        let mut entries = self.entries(INVALIDATE, principal).await?;
        entries.retain(|entry| Some(entry.handle) != except);
        let handles: Vec<_> = entries.iter().map(|entry| entry.handle).collect();
        let ended = self.end_chosen(Chosen::Indexed(principal), &handles).await?;
        self.forget(principal, &entries).await;
        Ok(ended)
    }

    /// Returns the sessions that may be a principal's.
    pub(super) async fn entries(
        &self,
        during: &'static str,
        principal: &Principal,
    ) -> Result<Vec<Entry>, Error> {
        let script = &self.scripts.entries;
        let mut call = script.call(1, 0, 128);
        call.arg(self.keys.principal(principal));
        let value = self.run(during, script, &call, None).await?;
        let Value::Array(values) = value else {
            return Err(Malformed::Answer.during(during));
        };
        decode_entries(values).map_err(|malformed| malformed.during(during))
    }

    /// Returns those that are the principal's and live, the oldest sign-in first, and forgets those that are not the
    /// principal's or gone.
    pub(super) async fn live_among(
        &self,
        during: &'static str,
        principal: &Principal,
        entries: &[Entry],
    ) -> Result<Vec<SessionInfo>, Error> {
        let handles: Vec<_> = entries.iter().map(|entry| entry.handle).collect();
        let arguments: [&[u8]; 1] = [principal.as_str().as_bytes()];
        let script = &self.scripts.peek;
        let batch = Batch { during, script, needs: None, most: MANY, arguments: &arguments, wait: None };
        let replies = self.run_on(batch, &handles).await?;
        let (mut live, mut dead) = (Vec::new(), Vec::new());
        for (handle, reply) in replies {
            match decode_peeked(handle, reply) {
                Ok(Peeked::Live(info)) => live.push(info),
                Ok(Peeked::NotTheirs) => dead.push(handle),
                // What may be revived and what cannot be read are in no list, and stay in the index, to be ended with the
                // others.
                Ok(Peeked::Expired) | Err(_) => {}
            }
        }
        let dead: Vec<_> = entries.iter().filter(|entry| dead.contains(&entry.handle)).collect();
        self.forget(principal, dead).await;
        live.sort_by_key(|info| (info.signed_in_at, info.handle));
        Ok(live)
    }

    /// Removes entries of sessions that are not the principal's, as far as they were not entered again since.
    async fn forget(&self, principal: &Principal, entries: impl IntoIterator<Item = &Entry>) {
        self.forget_after(0, principal, entries).await;
    }

    /// The same for entries that are older than that. A failure does no harm: whoever reads them next does so.
    async fn forget_after(&self, age: u64, principal: &Principal, entries: impl IntoIterator<Item = &Entry>) {
        let entries: Vec<_> = entries.into_iter().collect();
        if entries.is_empty() {
            return;
        }
        let script = &self.scripts.forget;
        let mut call = script.call(1, 1 + 2 * entries.len(), 128 + 64 * entries.len());
        call.arg(self.keys.principal(principal)).arg(age.max(self.clocks_differ()));
        for entry in entries {
            call.arg(entry.handle.to_string()).arg(&entry.score);
        }
        if let Err(error) = self.run(INVALIDATE, script, &call, None).await {
            tracing::debug!(%error, "index entries of ended sessions are left to whoever reads them next");
        }
    }

    /// Removes the entries of sessions that have ended. A failure does no harm.
    pub(super) async fn forget_ended(&self, ended: &[Ended]) {
        let mut handles: BTreeMap<&Principal, Vec<Handle>> = BTreeMap::new();
        for it in ended {
            if let Some(principal) = &it.principal {
                handles.entry(principal).or_default().push(it.handle);
            }
        }
        join_all(handles.iter().map(|(principal, handles)| self.remove_entries(principal, handles))).await;
    }

    pub(super) async fn remove_entries(&self, principal: &Principal, handles: &[Handle]) {
        let entries: Vec<_> =
            handles.iter().map(|handle| Entry { handle: *handle, score: Vec::new() }).collect();
        self.forget_after(A_MOMENT, principal, &entries).await;
    }

    fn clocks_differ(&self) -> u64 {
        if self.client.is_one_server() { 0 } else { CLOCKS_DIFFER }
    }
}

/// Reads handles and scores.
pub(super) fn decode_entries(values: impl IntoIterator<Item = Value>) -> Result<Vec<Entry>, Malformed> {
    let mut values = values.into_iter();
    let mut entries = Vec::with_capacity(values.size_hint().0 / 2);
    while let Some(handle) = values.next() {
        let (Value::BulkString(handle), Some(Value::BulkString(score))) = (handle, values.next()) else {
            return Err(Malformed::Answer);
        };
        let handle = std::str::from_utf8(&handle).ok().and_then(|text| text.parse().ok());
        entries.push(Entry { handle: handle.ok_or(Malformed::Damaged)?, score });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_of_handles_and_scores_is_an_error() {
        let text = |text: &str| Value::BulkString(text.into());
        let handle = || text("550e8400-e29b-41d4-a716-44665544a1f0");
        assert_eq!(decode_entries([handle(), text("1"), handle(), text("2")]).unwrap().len(), 2);
        let pair = || Value::Array(vec![handle(), Value::Double(1.0)]);
        for wrong in [vec![pair()], vec![pair(), pair()], vec![handle()], vec![handle(), Value::Double(1.0)]]
        {
            assert_eq!(decode_entries(wrong).unwrap_err(), Malformed::Answer);
        }
        assert_eq!(decode_entries([text("nonsense"), text("1")]).unwrap_err(), Malformed::Damaged);
    }
}
