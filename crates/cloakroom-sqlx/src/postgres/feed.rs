//! The feed of changes: what the statements notify, on a connection of its own.

use std::time::{Duration, Instant};

use cloakroom_core::{CommitId, Error, ErrorKind, Feed, Handle, Notice, Version};
use futures_util::future::{BoxFuture, FutureExt as _, pending};
use futures_util::stream::{self, TryStreamExt as _};
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::PostgresStore;
use super::error::refused;
use crate::error::failed;

const FEED: &str = "feed";

/// How often the server is asked for a sign of life.
const BEAT: Duration = Duration::from_millis(600);

/// How long a sign of life may be on its way before the connection is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Listens to a store's channel. Nothing is connected before the stream is polled.
pub(super) fn feed(store: PostgresStore) -> Feed {
    let next = |listening: Option<Listening>| async {
        let mut listening = listening?;
        match listening.next().await {
            Ok(notice) => Some((Ok(notice), Some(listening))),
            Err(error) => Some((Err(error), None)),
        }
    };
    let started = async move { Listening::start(store).await.map(|it| stream::unfold(Some(it), next)) };
    Box::pin(stream::once(started).try_flatten())
}

/// One connection that listens.
///
/// A sign of life is a notification of our own, sent by the connections that commits go through. A server tells notifications in
/// the order of the commits, so whatever was acknowledged before it was sent has been told before it comes back. And where the
/// two connections lead to two servers, as after a failover, it never does.
struct Listening {
    store: PostgresStore,
    listener: PgListener,
    /// The channel of our own notifications.
    own: String,
    beat: Interval,
    /// The last of our own, unless it has been told as a sign of life.
    asked: Option<Asked>,
    count: u64,
}

/// A notification of our own. It may come back before the connection that sends it has been told that it is sent: only once
/// it has been is the connection free again.
struct Asked {
    count: u64,
    at: Instant,
    sending: Option<BoxFuture<'static, Result<(), Error>>>,
    is_back: bool,
}

impl Asked {
    fn is_over(&self) -> bool {
        self.is_back && self.sending.is_none()
    }
}

impl Listening {
    async fn start(store: PostgresStore) -> Result<Self, Error> {
        let id = CommitId::generate()?;
        let chance = id.as_bytes()[..8].iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
        let own = format!("{}_{chance:016x}", store.place.channel());
        let listener = timeout(PATIENCE, store.listener(&own)).await;
        let listener = listener.map_err(|elapsed| Error::new(ErrorKind::Timeout, FEED, elapsed))?;
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { store, listener: listener?, own, beat, asked: None, count: 0 })
    }

    async fn next(&mut self) -> Result<Notice, Error> {
        loop {
            if let Some(asked) = self.asked.take_if(|asked| asked.is_over()) {
                return Ok(Notice::CaughtUp(asked.at));
            }
            tokio::select! {
                biased;
                told = self.listener.try_recv() => {
                    let told = told.map_err(|error| failed(FEED, error))?;
                    let told = told.ok_or_else(|| Error::of(ErrorKind::Unavailable, FEED))?;
                    if let Some(notice) = self.read(&told) {
                        return Ok(notice);
                    }
                }
                sent = sent(&mut self.asked) => sent?,
                _ = self.beat.tick() => self.ask()?,
            }
        }
    }

    /// Reads what others have notified, and takes note of what is our own.
    fn read(&mut self, told: &PgNotification) -> Option<Notice> {
        if told.channel() != self.own {
            return Some(decode(told.payload()));
        }
        if let Some(asked) = &mut self.asked {
            asked.is_back |= told.payload() == asked.count.to_string();
        }
        None
    }

    /// Asks for the next sign of life, if the last has come.
    fn ask(&mut self) -> Result<(), Error> {
        if let Some(asked) = &self.asked {
            let is_late = asked.at.elapsed() > PATIENCE;
            return if is_late { Err(Error::of(ErrorKind::Timeout, FEED)) } else { Ok(()) };
        }
        self.count += 1;
        let (count, at) = (self.count, Instant::now());
        let (store, own) = (self.store.clone(), self.own.clone());
        let sending = async move {
            let late = |elapsed| Err(Error::new(ErrorKind::Timeout, FEED, elapsed));
            timeout(PATIENCE, store.notify(&own, count)).await.unwrap_or_else(late)
        };
        self.asked = Some(Asked { count, at, sending: Some(sending.boxed()), is_back: false });
        Ok(())
    }
}

/// Waits until a notification of our own is sent, for ever if none is on its way.
async fn sent(asked: &mut Option<Asked>) -> Result<(), Error> {
    let Some(sending) = asked.as_mut().and_then(|asked| asked.sending.as_mut()) else {
        return pending().await;
    };
    let result = sending.await;
    if let Some(asked) = asked {
        asked.sending = None;
    }
    result
}

impl PostgresStore {
    /// Connects to the server that takes writes, and listens.
    async fn listener(&self, own: &str) -> Result<PgListener, Error> {
        let broken = |error| failed(FEED, error);
        let options = self.connections.listening_options().await.map_err(broken)?;
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
        let mut listener =
            PgListener::connect_with(&pool.connect_lazy_with(options)).await.map_err(broken)?;
        listener.eager_reconnect(false);
        listener.listen_all([&*self.place.channel(), own]).await.map_err(broken)?;
        Ok(listener)
    }

    async fn notify(&self, channel: &str, count: u64) -> Result<(), Error> {
        let mut lease = self.connections.lease(FEED).await?;
        let notify = format!("SELECT pg_notify('{channel}', '{count}')");
        let result = sqlx::raw_sql(AssertSqlSafe(notify)).execute(lease.connection()).await;
        lease.settle(result).map(drop).map_err(|error| refused(FEED, error))
    }
}

/// Reads what a statement has notified: see [`Function`](super::Function). What cannot be read, as it was told by a newer version, may be
/// about any session.
fn decode(payload: &str) -> Notice {
    read(payload).unwrap_or(Notice::Ended { handle: None })
}

fn read(payload: &str) -> Option<Notice> {
    let (kind, rest) = payload.split_at_checked(1)?;
    let (handle, rest) = rest.split_at_checked(36)?;
    let handle: Handle = handle.parse().ok()?;
    match (kind, rest.len()) {
        ("C", 16) => {
            let version = Version(u64::from_str_radix(rest, 16).ok()?);
            Some(Notice::Committed { handle, version })
        }
        ("E", 0) => Some(Notice::Ended { handle: Some(handle) }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_statements_tell_is_read_and_anything_else_is_about_everybody() {
        let text = "550e8400-e29b-41d4-a716-44665544a1f0";
        let handle: Handle = text.parse().unwrap();
        assert_eq!(decode(&format!("E{text}")), Notice::Ended { handle: Some(handle) });
        let committed = format!("C{text}0000000000000102");
        assert_eq!(decode(&committed), Notice::Committed { handle, version: Version(258) });
        for other in ["A", "", "E", "Cx", &committed[..40], "N", &format!("E{text}0")] {
            assert_eq!(decode(other), Notice::Ended { handle: None });
        }
    }
}
