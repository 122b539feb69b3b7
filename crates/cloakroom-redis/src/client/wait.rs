use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, Value};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::open::Open;
use super::{Link, key, misconfigured};
use crate::keys::beside;

/// Writes something, which is what is waited for. A server whose memory is full refuses a script at its first write, if that one
/// may need memory, and not later.
const MARK: &str = "redis.call('DEL', KEYS[1]) return redis.call('SET', KEYS[1], 0, 'PX', 1000)";

/// How many connections to one server wait for replicas at the same time.
const CONNECTIONS: usize = 8;

/// How many replicas must acknowledge what was done, and within which time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    replicas: u32,
    timeout: Duration,
}

/// What a server says.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) value: Value,
    /// How many replicas have not acknowledged it, where they were waited for.
    pub(crate) missing: Option<Unacknowledged>,
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self { value, missing: None }
    }
}

/// Something was done, but fewer replicas than asked for are known to have acknowledged it in time: if the primary fails now, it
/// may be lost. The source of the store's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unacknowledged {
    /// How many replicas were to acknowledge it.
    pub wanted: u32,
    /// How many are known to have; none where the server could not be asked.
    pub reached: u32,
}

impl fmt::Display for Unacknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, reached } = self;
        write!(f, "done, but acknowledged by {reached} of {wanted} replicas")
    }
}

impl std::error::Error for Unacknowledged {}

impl Wait {
    pub(super) fn new(replicas: u32, timeout: Duration) -> Self {
        // Zero would be to wait for ever.
        Self { replicas, timeout: timeout.max(Duration::from_millis(1)) }
    }

    fn command(self) -> Cmd {
        let mut command = redis::cmd("WAIT");
        let millis = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        command.arg(self.replicas).arg(millis);
        command
    }

    /// Returns what is missing after the server has waited. Where it could not, nobody is known to have acknowledged anything.
    fn missing(self, reached: RedisResult<Value>) -> Option<Unacknowledged> {
        let reached = match reached {
            Ok(Value::Int(reached)) => u32::try_from(reached).unwrap_or_default(),
            Ok(_) => 0,
            Err(error) => {
                tracing::warn!(%error, "replicas cannot be waited for, and may lack what was done");
                0
            }
        };
        let wanted = self.replicas;
        (reached < wanted).then_some(Unacknowledged { wanted, reached })
    }
}

/// How a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As one that has the keys.
    Owner,
    /// As one that is about to have them.
    #[cfg(feature = "cluster")]
    Importer,
}

impl Manner {
    /// Returns how many commands come before each.
    fn before(self) -> usize {
        usize::from(self != Self::Owner)
    }

    fn add(self, all: &mut Pipeline, command: Cmd) {
        if self != Self::Owner {
            all.cmd("ASKING");
        }
        all.add_command(command);
    }
}

fn mark(key: &[u8]) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(MARK).arg(1).arg(key);
    command
}

fn no_answer() -> RedisError {
    (ErrorKind::Parse, "a command has no answer").into()
}

/// Connections to one server on which replicas are waited for. Each is used by one caller at a time, as waiting holds up all
/// that is sent after it.
#[derive(Clone, Debug)]
pub(super) struct Waiting(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    open: Arc<Open>,
    places: Semaphore,
    idle: Mutex<Vec<Link>>,
}

impl Waiting {
    pub(super) fn new(open: Arc<Open>) -> Self {
        Self(Arc::new(Shared { open, places: Semaphore::new(CONNECTIONS), idle: Mutex::default() }))
    }

    /// Sends a command, and waits for the replicas. `manner` is how the server is asked. `elsewhere` is a key of the same
    /// server, to write to where it does not let write beside the command's.
    ///
    /// Only the command's own answer is told, and only its own error: once it has run, whatever else fails is that nobody has
    /// acknowledged it.
    pub(super) async fn send(
        &self,
        command: &Cmd,
        wait: Wait,
        manner: Manner,
        elsewhere: Option<Vec<u8>>,
    ) -> RedisResult<Answer> {
        let lent = self.lend(wait).await?;
        // What was done before, and found done when it is tried again, must be waited for as well: so something is written.
        let mark = mark(&beside(key(command)?, b'w'));
        let mut all = redis::pipe();
        for command in [command.clone(), mark] {
            manner.add(&mut all, command);
        }
        all.add_command(wait.command());
        let mut answers = lent.link.send_all(&all, 0, all.len()).await?;
        let (Some(reached), Some(marked)) = (answers.pop(), answers.pop()) else {
            return Err(no_answer());
        };
        let value = answers.into_iter().nth(manner.before()).ok_or_else(no_answer)?;
        if matches!(value, Value::ServerError(_)) {
            return Ok(value.into());
        }
        let reached = match (marked.extract_error(), elsewhere) {
            (Ok(_), _) => reached.extract_error(),
            (Err(_), Some(elsewhere)) => lent.mark_and_wait(&elsewhere, wait).await,
            (Err(error), None) => Err(error),
        };
        Ok(Answer { value, missing: wait.missing(reached) })
    }

    async fn lend(&self, wait: Wait) -> RedisResult<Lent<'_>> {
        let place = self.0.places.acquire().await.map_err(|_| misconfigured("the connections are closed"))?;
        let link = self.0.idle().pop();
        let link = link.unwrap_or_else(|| Link::patient(Arc::clone(&self.0.open), wait.timeout));
        Ok(Lent { from: &self.0, link, _place: place })
    }
}

impl Shared {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that goes back when it is no longer used.
struct Lent<'a> {
    from: &'a Shared,
    link: Link,
    _place: SemaphorePermit<'a>,
}

impl Lent<'_> {
    /// Writes to a key, and waits for what was written on the same connection before as well.
    async fn mark_and_wait(&self, key: &[u8], wait: Wait) -> RedisResult<Value> {
        let generation = self.link.generation();
        let mut all = redis::pipe();
        all.add_command(mark(key)).add_command(wait.command());
        let answers = self.link.send_all(&all, 0, all.len()).await?;
        if self.link.generation() != generation {
            return Err((ErrorKind::Io, "the connection was lost before replicas were waited for").into());
        }
        let [marked, reached] = <[Value; 2]>::try_from(answers).map_err(|_| no_answer())?;
        marked.extract_error()?;
        reached.extract_error()
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.from.idle().push(self.link.clone());
    }
}
