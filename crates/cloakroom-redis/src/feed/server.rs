use std::time::Instant;

use cloakroom_core::{Error, ErrorKind};
use futures_util::future::{BoxFuture, FutureExt as _, pending};
use futures_util::stream::{self, StreamExt as _};
use redis::{PushInfo, PushKind, RedisResult, Value};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::notice::decode;
use super::{BEAT, FEED, PATIENCE, Said, Saying};
use crate::client::{Link, Subscription};
use crate::error::failed;

/// One server that is listened to.
///
/// A sign of life is a message of our own: it is published by the connection that the store sends its commits through, and comes
/// back by the one on which we listen. A server runs one command after the other and tells each listener in that order, so
/// whatever was acknowledged before the message was sent has been told before it comes back. And where the two connections
/// lead to two servers, as after a failover, it never does.
pub(super) struct Listening {
    number: usize,
    link: Link,
    subscription: Subscription,
    /// The channel of our own messages.
    own: String,
    beat: Interval,
    /// The last message of our own, unless it has come back.
    asked: Option<Asked>,
    count: u64,
}

struct Asked {
    count: u64,
    at: Instant,
    sending: Option<BoxFuture<'static, RedisResult<Value>>>,
}

impl Listening {
    pub(super) async fn start(number: usize, link: &Link, channel: &str) -> RedisResult<Self> {
        let chance = getrandom::u64().map_err(|error| std::io::Error::other(error.to_string()))?;
        let own = format!("{channel}:{chance:016x}");
        let subscription = link.subscribe(&[channel, &own]).await?;
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { number, link: link.clone(), subscription, own, beat, asked: None, count: 0 })
    }

    pub(super) fn saying(self) -> Saying {
        let next = |listening: Option<Self>| async {
            let mut listening = listening?;
            match listening.next().await {
                Ok(said) => Some((Ok(said), Some(listening))),
                Err(error) => Some((Err(error), None)),
            }
        };
        stream::unfold(Some(self), next).boxed()
    }

    async fn next(&mut self) -> Result<Said, Error> {
        loop {
            let said = tokio::select! {
                biased;
                push = self.subscription.pushes.recv() => self.read(push)?,
                sent = sent(&mut self.asked) => {
                    sent.map_err(|error| failed(FEED, error))?;
                    None
                }
                _ = self.beat.tick() => {
                    self.ask()?;
                    None
                }
            };
            if let Some(said) = said {
                return Ok(said);
            }
        }
    }

    fn read(&mut self, push: Option<PushInfo>) -> Result<Option<Said>, Error> {
        let Some(PushInfo { kind, data }) = push else {
            return Err(Error::of(ErrorKind::Unavailable, FEED));
        };
        match (kind, &data[..]) {
            (PushKind::Message, [Value::BulkString(channel), Value::BulkString(message)]) => {
                if *channel == self.own.as_bytes() {
                    return Ok(self.came_back(message));
                }
                Ok(Some(Said::Told(decode(message))))
            }
            (PushKind::Disconnection | PushKind::Unsubscribe | PushKind::Message, _) => {
                Err(Error::of(ErrorKind::Unavailable, FEED))
            }
            _ => Ok(None),
        }
    }

    fn came_back(&mut self, message: &[u8]) -> Option<Said> {
        let is_last = |asked: &mut Asked| message == asked.count.to_string().as_bytes();
        let asked = self.asked.take_if(is_last)?;
        Some(Said::Alive(self.number, asked.at))
    }

    /// Asks for the next sign of life, if the last has come.
    fn ask(&mut self) -> Result<(), Error> {
        if let Some(asked) = &self.asked {
            let is_late = asked.at.elapsed() > PATIENCE;
            return if is_late { Err(Error::of(ErrorKind::Timeout, FEED)) } else { Ok(()) };
        }
        self.count += 1;
        let (count, at) = (self.count, Instant::now());
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(&self.own).arg(count);
        let link = self.link.clone();
        let sending = async move {
            let late = |elapsed| Err(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed).into());
            timeout(PATIENCE, link.send(&publish)).await.unwrap_or_else(late)?.extract_error()
        };
        self.asked = Some(Asked { count, at, sending: Some(sending.boxed()) });
        Ok(())
    }
}

/// Waits until a message of our own is sent, for ever if none is on its way.
async fn sent(asked: &mut Option<Asked>) -> RedisResult<()> {
    let Some(sending) = asked.as_mut().and_then(|asked| asked.sending.as_mut()) else {
        return pending().await;
    };
    let result = sending.await;
    if let Some(asked) = asked {
        asked.sending = None;
    }
    result.map(drop)
}
