use cloakroom_core::{EndReason, Ended, Error, Guard, Handle, Invalidate, Invalidated, Principal};
use futures_util::future::join_all;

use super::RedisStore;
use super::batch::{Batch, MANY, whole};
use crate::keys::{BUCKETS, Of};
use crate::wire::decode_ended;

pub(super) const INVALIDATE: &str = "invalidate";

/// How the sessions to be ended are chosen; see `end.lua`.
#[derive(Clone, Copy)]
pub(super) enum Chosen<'a> {
    /// The one that this ticket opens.
    By(&'a Guard),
    /// Whoever it belongs to.
    Whoever,
    /// Those of a principal.
    Owned(&'a Principal),
    /// Those in a principal's index; what cannot be read ends as well.
    Indexed(&'a Principal),
}

impl RedisStore {
    pub(super) async fn end(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        let ended = match invalidate {
            Invalidate::Ticket(guard) => match self.end_by_ticket(guard).await? {
                Some(ended) => ended,
                None => return Ok(Invalidated::Superseded),
            },
            Invalidate::Handle { handle, owner } => {
                let chosen = owner.as_ref().map_or(Chosen::Whoever, Chosen::Owned);
                self.end_chosen(chosen, &[*handle]).await?
            }
            Invalidate::Principal { principal, except } => {
                return self.end_all_of(principal, *except).await.map(Invalidated::Done);
            }
            Invalidate::Everyone => {
                self.end_everyone().await?;
                Vec::new()
            }
        };
        self.forget_ended(&ended).await;
        Ok(Invalidated::Done(ended))
    }

    /// Returns what has ended, or `None` where a sign-in has replaced the ticket.
    async fn end_by_ticket(&self, guard: &Guard) -> Result<Option<Vec<Ended>>, Error> {
        let replies = self.end_replies(Chosen::By(guard), &[guard.handle]).await?;
        if replies.iter().any(|(_, reply)| &reply[..] == b"S") {
            return Ok(None);
        }
        decode(replies).map(Some)
    }

    pub(super) async fn end_chosen(
        &self,
        chosen: Chosen<'_>,
        handles: &[Handle],
    ) -> Result<Vec<Ended>, Error> {
        decode(self.end_replies(chosen, handles).await?)
    }

    async fn end_replies(
        &self,
        chosen: Chosen<'_>,
        handles: &[Handle],
    ) -> Result<Vec<(Handle, bytes::Bytes)>, Error> {
        let arguments: [&[u8]; 2] = match &chosen {
            Chosen::By(guard) => [b"T", guard.proof.as_bytes()],
            Chosen::Whoever => [b"H", b""],
            Chosen::Owned(principal) => [b"O", principal.as_str().as_bytes()],
            Chosen::Indexed(principal) => [b"P", principal.as_str().as_bytes()],
        };
        let (script, wait) = (&self.scripts.end, self.invalidations_wait);
        let batch = Batch {
            during: INVALIDATE,
            script,
            needs: Some(Of::Index),
            most: MANY,
            arguments: &arguments,
            wait,
        };
        self.run_on(batch, handles).await
    }

    /// Ends the epoch of every bucket, and with it all sessions that were created in it. A bucket that fails keeps no other one
    /// from it.
    async fn end_everyone(&self) -> Result<(), Error> {
        let at_once = if self.client.is_one_server() { BUCKETS } else { 1 };
        let buckets: Vec<u8> = (0..=u8::MAX).collect();
        let calls = buckets.chunks(at_once).map(async |buckets| {
            let script = &self.scripts.everyone;
            let mut call = script.call(3 * buckets.len(), 0, 96 * buckets.len());
            for bucket in buckets {
                for of in [Of::Epoch, Of::Index, Of::Left] {
                    call.arg(self.keys.bucket(*bucket, of));
                }
            }
            self.run(INVALIDATE, script, &call, self.invalidations_wait).await
        });
        whole(join_all(calls).await).map(drop)
    }
}

/// Reads what has ended, leaving out what has not.
fn decode(replies: Vec<(Handle, bytes::Bytes)>) -> Result<Vec<Ended>, Error> {
    let ended = replies.into_iter().filter(|(_, reply)| !reply.is_empty());
    let ended = ended.map(|(handle, reply)| decode_ended(handle, reply, Some(EndReason::Invalidated)));
    ended.collect::<Result<_, _>>().map_err(|malformed| malformed.during(INVALIDATE))
}
