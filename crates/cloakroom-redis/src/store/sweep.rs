use bytes::Bytes;
use cloakroom_core::{Ended, Error, Handle, Principal, Sweep, Wanted};
use futures_util::future::join_all;

use super::RedisStore;
use super::batch::{Batch, FEW, MANY};
use crate::keys::{BUCKETS, Of};
use crate::wire::{Malformed, decode_ended, millis, strings};

const SWEEP: &str = "sweep";
const ACKNOWLEDGE: &str = "acknowledge";

/// How often a sweep looks for more, if it found too few: the index tells too early of sessions that were used since.
const ROUNDS: usize = 64;

/// What the indexes tell.
#[derive(Debug, Default)]
struct Due {
    /// Sessions whose time may be over.
    sessions: Vec<Handle>,
    /// What is left of sessions whose epoch is over.
    left: Vec<Handle>,
    /// Whether there may be more.
    has_more: bool,
}

impl RedisStore {
    pub(super) async fn hand_out(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        let mut found = Vec::new();
        for _ in 0..ROUNDS {
            match self.hand_out_some(sweep, sweep.limit as usize - found.len(), &mut found).await {
                Ok(true) if found.len() < sweep.limit as usize => {}
                Ok(_) => break,
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
        Ok(found)
    }

    /// Hands out as many as there is room for, and returns whether there may be more.
    async fn hand_out_some(&self, sweep: &Sweep, room: usize, found: &mut Vec<Ended>) -> Result<bool, Error> {
        if room == 0 {
            return Ok(false);
        }
        let due = self.due(room).await?;
        found.extend(self.claim(sweep, &due.sessions).await?);
        if let Err(error) = self.bury(&due.left).await {
            tracing::warn!(%error, "what is left of sessions that were ended with all others could not be removed");
        }
        Ok(due.has_more)
    }

    /// Lists sessions whose time may be over, beginning with those of any bucket.
    async fn due(&self, room: usize) -> Result<Due, Error> {
        let (at_once, each) =
            if self.client.is_one_server() { (BUCKETS, room) } else { (1, room.div_ceil(32).max(4)) };
        let [first, ..] = getrandom::u32().unwrap_or_default().to_be_bytes();
        let buckets: Vec<u8> = (0..=u8::MAX).map(|bucket| bucket.wrapping_add(first)).collect();
        let script = &self.scripts.due;
        let calls = buckets.chunks(at_once).map(async |buckets| {
            let mut call = script.call(2 * buckets.len(), 2, 64 * buckets.len());
            for bucket in buckets {
                call.arg(self.keys.bucket(*bucket, Of::Index)).arg(self.keys.bucket(*bucket, Of::Left));
            }
            call.arg(room).arg(each);
            let value = self.run(SWEEP, script, &call, None).await?;
            strings(value)
                .and_then(|texts| decode_due(texts, each))
                .map_err(|malformed| malformed.during(SWEEP))
        });
        let mut due = Due::default();
        for mut of_bucket in answered(join_all(calls).await)? {
            due.sessions.append(&mut of_bucket.sessions);
            due.left.append(&mut of_bucket.left);
            due.has_more |= of_bucket.has_more;
        }
        due.has_more |= due.sessions.len() > room;
        due.sessions.truncate(room);
        Ok(due)
    }

    /// Hands out those of the sessions that have expired. What was handed out by one call is not lost if another fails.
    async fn claim(&self, sweep: &Sweep, due: &[Handle]) -> Result<Vec<Ended>, Error> {
        let lease = sweep.lease.map_or(0, |lease| millis(lease).max(1)).to_string();
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
        let batch =
            Batch { during: SWEEP, script, needs: Some(Of::Index), most, arguments: &arguments, wait: None };
        let replies = answered(self.run_on_each(batch, due).await)?;
        Ok(replies.into_iter().flatten().filter_map(readable).collect())
    }

    /// Removes what is left of sessions whose epoch is over.
    async fn bury(&self, left: &[Handle]) -> Result<(), Error> {
        let script = &self.scripts.bury;
        let batch =
            Batch { during: SWEEP, script, needs: Some(Of::Left), most: MANY, arguments: &[], wait: None };
        self.run_on(batch, left).await.map(drop)
    }

    pub(super) async fn remove_expired(&self, handles: &[Handle]) -> Result<(), Error> {
        let script = &self.scripts.acknowledge;
        let batch = Batch {
            during: ACKNOWLEDGE,
            script,
            needs: Some(Of::Index),
            most: MANY,
            arguments: &[],
            wait: None,
        };
        let replies = self.run_on(batch, handles).await?;
        let owned = replies.into_iter().filter_map(|(handle, owner)| {
            let owner = std::str::from_utf8(&owner).ok()?;
            Some((Principal::new(owner.to_owned()).ok()?, handle))
        });
        let owned: Vec<_> = owned.collect();
        join_all(owned.iter().map(async |(owner, handle)| self.remove_entries(owner, &[*handle]).await))
            .await;
        Ok(())
    }
}

/// Returns the answers that came, so that one server of a cluster that is away does not hold up the others. An error if there
/// is none.
fn answered<T>(answers: Vec<Result<T, Error>>) -> Result<Vec<T>, Error> {
    let (mut came, mut failure) = (Vec::with_capacity(answers.len()), None);
    for answer in answers {
        match answer {
            Ok(answer) => came.push(answer),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if came.is_empty() => Err(error),
        Some(error) => {
            tracing::warn!(%error, "a part of the store could not be swept");
            Ok(came)
        }
        None => Ok(came),
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

/// Reads what the indexes of some buckets tell, of which each was asked for so many.
fn decode_due(texts: Vec<Bytes>, each: usize) -> Result<Due, Malformed> {
    let mut due = Due::default();
    for text in texts {
        let text = std::str::from_utf8(&text).map_err(|_| Malformed::Damaged)?;
        let (list, text) = match text.strip_prefix('o') {
            Some(text) => (&mut due.left, text),
            None => (&mut due.sessions, text),
        };
        list.push(text.parse().map_err(|_| Malformed::Damaged)?);
    }
    due.has_more = due.sessions.len() >= each || due.left.len() >= each;
    Ok(due)
}
