use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, StorageType, Stream};
use cloakroom_core::ErrorKind;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use super::{Jet, Streams};
use crate::error::Failure;
use crate::subjects::Kept;

/// How long the server remembers which message came from which: longer than one is ever on its way between two servers.
const DUPLICATES: Duration = Duration::from_secs(60);

/// How long a request is tried again to which nobody answers, and how long to wait in between.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// How long a stream is waited for that is to be made, and how long a single answer.
const MADE: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(1);

/// After the streams were looked for, there is no need to look again for so long.
const JUST_NOW: Duration = Duration::from_millis(250);

/// What streams are made with where they do not exist.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) storage: StorageType,
    pub(crate) replicas: usize,
    pub(crate) max_bytes: Option<i64>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { storage: StorageType::Memory, replicas: 1, max_bytes: None }
    }
}

/// Returns whether less than a sixteenth of what a stream may hold is left.
///
/// At the limit itself servers before version 2.10.14 forget to count a part of each message: they take one that does not fit, and
/// drop the oldest in the stream instead, whose session is lost, or everybody's end is, or a principal's index.
fn is_almost_full(bytes: u64, max_bytes: i64) -> bool {
    u64::try_from(max_bytes).is_ok_and(|max| bytes >= max - max / 16)
}

/// Returns whether an account has a limit for streams such as this one. At that limit a server takes no message, not even the end of
/// a session; and one before version 2.10.22 removes the message that was to be replaced, and then refuses the new one.
fn is_limited(account: &Value, stream: &Config) -> bool {
    let storage = match stream.storage {
        StorageType::File => "max_storage",
        StorageType::Memory => "max_memory",
    };
    let tier = account.pointer(&format!("/tiers/R{}/limits", stream.num_replicas));
    let limit = tier.unwrap_or(&account["limits"])[storage].as_i64();
    limit.is_some_and(|limit| limit >= 0)
}

impl Jet {
    /// Does what needs the streams. Where nobody answers for one, nothing was done: makes those that are not there, as after the
    /// restart of a server that keeps them in memory, and does it again, until those that choose a leader must have done so.
    pub(super) async fn with_streams<T, F>(&self, request: impl Fn() -> F + Send) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let began = Instant::now();
        loop {
            // Boxed, because what the client does for a request is large, and an operation has many of them.
            match Box::pin(request()).await {
                Err(failure) if failure.is_no_stream() && began.elapsed() < PATIENCE => {}
                result => return result,
            }
            Box::pin(self.make()).await?;
            sleep(PAUSE).await;
        }
    }

    pub(super) async fn open(&self) -> Result<Streams, Failure> {
        self.make().await?;
        let (sessions, values, due) = (
            self.handle_of(Kept::Sessions).await?,
            self.handle_of(Kept::Values).await?,
            self.handle_of(Kept::Due).await?,
        );
        Ok(Streams { sessions, values, due })
    }

    async fn handle_of(&self, kept: Kept) -> Result<Stream<()>, Failure> {
        let (name, _) = self.subjects.stream(kept);
        let stream = self.context.get_stream_no_info(name).await;
        stream.map_err(|error| Failure::new(ErrorKind::Other, error))
    }

    /// Looks at the streams again: whoever runs the servers may have given them replicas.
    pub(crate) async fn refresh(&self) -> Result<(), Failure> {
        Box::pin(self.make()).await
    }

    /// Makes the streams that are not there.
    async fn make(&self) -> Result<(), Failure> {
        let mut made = self.shared.made.lock().await;
        if made.is_some_and(|made| made.elapsed() < JUST_NOW) {
            return Ok(());
        }
        let account = OnceCell::new();
        let (mut has_replicas, mut is_short) = (false, false);
        for kept in [Kept::Sessions, Kept::Values, Kept::Due] {
            let Info { config, state, .. } = self.make_one(kept).await?;
            has_replicas |= config.num_replicas > 1;
            is_short |= is_almost_full(state.bytes, config.max_bytes);
            if made.is_none()
                && config.max_bytes <= 0
                && is_limited(account.get_or_init(|| self.account()).await, &config)
            {
                return Err(Failure::new(
                    ErrorKind::Refused,
                    format!(
                        "the account may run full, and would lose sessions then: set `max_bytes` of the stream {}",
                        config.name
                    ),
                ));
            }
        }
        self.shared.has_replicas.store(has_replicas, Ordering::Relaxed);
        self.shared.is_short.store(is_short, Ordering::Relaxed);
        *made = Some(Instant::now());
        Ok(())
    }

    /// Returns what the server tells of the account; null if it tells nothing.
    async fn account(&self) -> Value {
        match timeout(ANSWER, self.context.request("INFO", b"")).await {
            Ok(Ok(account)) => account,
            _ => {
                tracing::debug!("the account's limits are not known");
                Value::Null
            }
        }
    }

    /// Takes a stream as it is where there is one: its settings are for whoever runs the server to change.
    async fn make_one(&self, kept: Kept) -> Result<Info, Failure> {
        let info = self.get_or_create(kept).await?;
        let is_bounded = info.config.max_messages_per_subject == 1;
        if is_bounded != (kept == Kept::Sessions)
            || info.config.discard != DiscardPolicy::New
            || !info.config.allow_direct
        {
            return Err(Failure::new(
                ErrorKind::Refused,
                format!("the stream {} is not one of ours", info.config.name),
            ));
        }
        Ok(info)
    }

    /// Asks again while a cluster makes the stream for another node: to those who come second it says that there is none, or, as
    /// version 2.9 does, nothing at all.
    async fn get_or_create(&self, kept: Kept) -> Result<Info, Failure> {
        let began = Instant::now();
        loop {
            let create = async { self.context.get_or_create_stream(self.config(kept)).await };
            let failure = match timeout(ANSWER, self.link.ask(create)).await {
                Ok(Ok(stream)) => return Ok(stream.cached_info().clone()),
                Ok(Err(failure)) if failure.is_no_stream() => failure,
                Ok(Err(failure)) => return Err(failure),
                Err(elapsed) => Failure::new(ErrorKind::Timeout, elapsed),
            };
            if began.elapsed() > MADE {
                return Err(failure);
            }
            sleep(PAUSE).await;
        }
    }

    fn config(&self, kept: Kept) -> Config {
        let (name, subjects) = self.subjects.stream(kept);
        Config {
            name,
            subjects: vec![subjects],
            description: Some("Cloakroom's HTTP sessions".to_owned()),
            storage: self.terms.storage,
            num_replicas: self.terms.replicas,
            max_bytes: self.terms.max_bytes.unwrap_or(-1),
            max_messages_per_subject: if kept == Kept::Sessions { 1 } else { -1 },
            discard: DiscardPolicy::New,
            duplicate_window: DUPLICATES,
            allow_direct: true,
            ..Config::default()
        }
    }
}
