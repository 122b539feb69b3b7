//! The feed of changes: what the scripts publish, on a connection to each server that runs them.

mod notice;
mod server;

use std::time::{Duration, Instant};

use cloakroom_core::{Error, ErrorKind, Feed, Notice};
use futures_util::stream::{self, BoxStream, SelectAll, StreamExt as _, TryStreamExt as _};

use self::server::Listening;
use crate::client::{Client, Server};
use crate::error::failed;

const FEED: &str = "feed";

/// How often each server is asked for a sign of life.
const BEAT: Duration = Duration::from_millis(400);

/// How long a sign of life may be on its way before the connection is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What one of those that are listened to has said.
#[derive(Debug)]
enum Said {
    Told(Notice),
    /// What this one knew before that moment has been told.
    Alive(usize, Instant),
}

type Saying = BoxStream<'static, Result<Said, Error>>;

/// Listens to every server on this channel. Nothing is connected before the stream is polled.
pub(crate) fn feed(client: Client, channel: String) -> Feed {
    let started = async move { All::start(client, &channel).await.map(All::notices) };
    Box::pin(stream::once(started).try_flatten())
}

/// All that is listened to.
struct All {
    said: SelectAll<Saying>,
    /// Since when each has told everything, and when that was last told of all of them.
    alive: Vec<Option<Instant>>,
    caught_up: Option<Instant>,
}

impl All {
    async fn start(client: Client, channel: &str) -> Result<Self, Error> {
        let broken = |error| failed(FEED, error);
        let servers = client.servers().await.map_err(broken)?;
        let mut said = SelectAll::new();
        for (number, server) in servers.iter().enumerate() {
            said.push(Listening::start(number, &server.link, channel).await.map_err(broken)?.saying());
        }
        let mut alive = vec![None; servers.len()];
        if !client.is_one_server() {
            said.push(looking(servers.len(), client, servers));
            alive.push(None);
        }
        Ok(Self { said, alive, caught_up: None })
    }

    fn notices(self) -> impl stream::Stream<Item = Result<Notice, Error>> + Send {
        stream::unfold(Some(self), |all| async {
            let mut all = all?;
            match all.next().await {
                Ok(notice) => Some((Ok(notice), Some(all))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn next(&mut self) -> Result<Notice, Error> {
        loop {
            match self.said.next().await.unwrap_or_else(|| Err(Error::of(ErrorKind::Unavailable, FEED)))? {
                Said::Told(notice) => return Ok(notice),
                Said::Alive(number, at) => self.alive[number] = Some(at),
            }
            // One that has not answered yet is none, and so the least.
            let all_since = self.alive.iter().copied().min().flatten();
            if all_since > self.caught_up {
                self.caught_up = all_since;
                return all_since.map(Notice::CaughtUp).ok_or_else(|| Error::of(ErrorKind::Other, FEED));
            }
        }
    }
}

/// Looks again and again whether a cluster still consists of the same primaries. What another one does is not heard.
fn looking(number: usize, client: Client, servers: Vec<Server>) -> Saying {
    let look = move |mut beat: tokio::time::Interval| {
        let (client, servers) = (client.clone(), servers.clone());
        async move {
            beat.tick().await;
            let at = Instant::now();
            let answer = tokio::time::timeout(PATIENCE, client.are_still(&servers)).await;
            let said = match answer {
                Ok(Ok(true)) => Ok(Said::Alive(number, at)),
                Ok(Ok(false)) => Err(Error::new(ErrorKind::Unavailable, FEED, "the cluster has changed")),
                Ok(Err(error)) => Err(failed(FEED, error)),
                Err(elapsed) => Err(Error::new(ErrorKind::Timeout, FEED, elapsed)),
            };
            Some((said, beat))
        }
    };
    stream::once(async { tokio::time::interval(BEAT) })
        .flat_map(move |beat| stream::unfold(beat, look.clone()))
        .boxed()
}
