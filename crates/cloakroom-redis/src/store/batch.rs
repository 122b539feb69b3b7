use std::error::Error as _;

use bytes::Bytes;
use cloakroom_core::{Error, Handle};
use futures_util::future::join_all;
use redis::Value;

use super::RedisStore;
use crate::client::{Unacknowledged, Wait};
use crate::keys::Of;
use crate::scripts::Script;
use crate::wire::strings;

/// How many sessions one call works on at most, so that no other client waits for long.
pub(super) const MANY: usize = 128;
/// The same where values are asked for.
pub(super) const FEW: usize = 8;

/// A call of a script on many sessions.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) during: &'static str,
    pub(super) script: &'a Script,
    /// What of the bucket the script needs beside the session and the epoch.
    pub(super) needs: Option<Of>,
    /// How many sessions one call works on at most.
    pub(super) most: usize,
    pub(super) arguments: &'a [&'a [u8]],
    /// Whether replicas must acknowledge it.
    pub(super) wait: Option<Wait>,
}

impl RedisStore {
    /// Calls a script on many sessions, in as few calls as there can be, and returns what it says of each.
    pub(super) async fn run_on(
        &self,
        batch: Batch<'_>,
        handles: &[Handle],
    ) -> Result<Vec<(Handle, Bytes)>, Error> {
        let calls = self.run_on_each(batch, handles).await;
        Ok(whole(calls)?.into_iter().flatten().collect())
    }

    /// The same, with the result of each call by itself.
    pub(super) async fn run_on_each(
        &self,
        batch: Batch<'_>,
        handles: &[Handle],
    ) -> Vec<Result<Vec<(Handle, Bytes)>, Error>> {
        let groups = self.groups(handles, batch.most);
        join_all(groups.into_iter().map(async |group| {
            let value = self.run_on_group(batch, &group).await?;
            let replies = strings(value).map_err(|malformed| malformed.during(batch.during))?;
            Ok(group.into_iter().zip(replies).collect())
        }))
        .await
    }

    async fn run_on_group(&self, batch: Batch<'_>, group: &[Handle]) -> Result<Value, Error> {
        let keys = group.len() * if batch.needs.is_some() { 3 } else { 2 };
        let mut call = batch.script.call(keys, batch.arguments.len(), 64 * keys);
        for handle in group {
            let keys = self.keys.session(*handle);
            call.arg(keys.session()).arg(keys.epoch());
            if let Some(of) = batch.needs {
                call.arg(keys.bucket(of));
            }
        }
        for argument in batch.arguments {
            call.arg(*argument);
        }
        self.run(batch.during, batch.script, &call, batch.wait).await
    }

    /// Divides sessions into those that one call can work on: all, if they are on one server, or else those of a bucket.
    fn groups(&self, handles: &[Handle], most: usize) -> Vec<Vec<Handle>> {
        let chunks = |handles: &[Handle]| handles.chunks(most).map(<[_]>::to_vec).collect::<Vec<_>>();
        if self.client.is_one_server() {
            return chunks(handles);
        }
        let bucket = |handle: &Handle| handle.as_bytes()[15];
        let mut sorted = handles.to_vec();
        sorted.sort_by_key(bucket);
        sorted.chunk_by(|one, other| bucket(one) == bucket(other)).flat_map(chunks).collect()
    }
}

/// Returns what all calls say, or the first error: that of a call which was not done goes before that of one which was done and
/// not acknowledged.
pub(super) fn whole<T>(calls: Vec<Result<T, Error>>) -> Result<Vec<T>, Error> {
    let was_done = |error: &Error| error.source().is_some_and(|source| source.is::<Unacknowledged>());
    let mut replies = Vec::with_capacity(calls.len());
    let mut failure: Option<Error> = None;
    for call in calls {
        match call {
            Ok(reply) => replies.push(reply),
            Err(error) if failure.as_ref().is_none_or(|it| was_done(it) && !was_done(&error)) => {
                failure = Some(error);
            }
            Err(_) => {}
        }
    }
    failure.map_or(Ok(replies), Err)
}

#[cfg(test)]
mod tests {
    use cloakroom_core::ErrorKind;

    use super::*;

    #[test]
    fn what_was_not_done_is_told_rather_than_what_was() {
        let missing = Unacknowledged { wanted: 1, reached: 0 };
        let done = || Err(Error::new(ErrorKind::Timeout, "test", missing));
        let not_done = |kind| Err(Error::of(kind, "test"));
        let kind = |calls: Vec<Result<(), Error>>| whole(calls).map_err(|error| error.kind());
        assert_eq!(kind(vec![Ok(()), Ok(())]), Ok(vec![(), ()]));
        assert_eq!(kind(vec![Ok(()), done()]), Err(ErrorKind::Timeout));
        let calls = vec![done(), not_done(ErrorKind::Full), Ok(()), not_done(ErrorKind::Unavailable), done()];
        assert_eq!(kind(calls), Err(ErrorKind::Full));
    }
}
