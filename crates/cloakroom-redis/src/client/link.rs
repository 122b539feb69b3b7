use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, Pipeline, PushInfo, RedisError, RedisResult, Value};
use tokio::sync::{mpsc, watch};

use super::backoff::pause;
use super::open::Open;
use super::wait::{Answer, Manner, Wait, Waiting};
use crate::error::is_read_only;

/// How long a connection that was given up on by a caller may take to answer a ping.
const PATIENCE: Duration = Duration::from_secs(1);

/// A connection to one server that is opened when it is needed, and again when it broke.
///
/// All who need it share one attempt to connect. After one that failed the others fail at once for a moment, so that a
/// server which comes back is not overrun. No command is ever sent twice.
#[derive(Clone, Debug)]
pub(crate) struct Link(Arc<Shared>);

/// What a server tells without being asked, in order, until the connection breaks.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) pushes: mpsc::UnboundedReceiver<PushInfo>,
    /// Is closed with the last of its clones.
    _connection: MultiplexedConnection,
}

#[derive(Debug)]
struct Shared {
    open: Arc<Open>,
    state: Mutex<State>,
    /// How long it may take to answer a ping, where a caller has not waited for an answer.
    patience: Duration,
    /// Further connections to the same server, to wait for replicas on.
    waiting: OnceLock<Waiting>,
    /// Whether a ping is under way to find out if the connection is alive.
    is_doubted: AtomicBool,
}

#[derive(Debug)]
struct State {
    connection: Connection,
    /// Which connection this is, so that an error of an old one does not end a new one.
    generation: u64,
    failures: u32,
}

#[derive(Debug)]
enum Connection {
    None,
    Open(MultiplexedConnection),
    /// Somebody connects; the channel closes when that is over.
    Opening(watch::Receiver<()>),
    Failed {
        error: RedisError,
        until: Instant,
    },
}

impl Link {
    pub(crate) fn new(open: Open) -> Self {
        Self::patient(Arc::new(open), Duration::ZERO)
    }

    /// Makes a link on which an answer may take this long.
    pub(super) fn patient(open: Arc<Open>, patience: Duration) -> Self {
        let state = State { connection: Connection::None, generation: 0, failures: 0 };
        Self(Arc::new(Shared {
            open,
            state: Mutex::new(state),
            patience: PATIENCE + patience,
            waiting: OnceLock::new(),
            is_doubted: AtomicBool::new(false),
        }))
    }

    /// Sends a command, once.
    pub(crate) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let (mut connection, generation) = self.connection().await?;
        let call = Call { link: self, generation, is_over: false };
        let answer = connection.send_packed_command(command).await;
        call.over();
        self.judge(answer.as_ref(), generation);
        answer
    }

    /// Opens one more connection to the same server, on which it tells what is published on these channels.
    pub(crate) async fn subscribe(&self, channels: &[&str]) -> RedisResult<Subscription> {
        let (sender, pushes) = mpsc::unbounded_channel();
        let mut connection = self.0.open.open_for_pushes(sender).await?;
        connection.subscribe(channels).await?;
        Ok(Subscription { pushes, _connection: connection })
    }

    /// Sends a command to a server of a cluster that does not have its key yet, but is about to.
    #[cfg(feature = "cluster")]
    pub(super) async fn send_asking(&self, command: &Cmd, wait: Option<Wait>) -> RedisResult<Answer> {
        if let Some(wait) = wait {
            return self.waiting().send(command, wait, Manner::Importer, None).await;
        }
        let mut both = redis::pipe();
        both.add_command(redis::cmd("ASKING")).add_command(command.clone());
        let mut answers = self.send_all(&both, 1, 1).await?;
        answers.pop().map(Answer::from).ok_or_else(|| (ErrorKind::Parse, "a command has no answer").into())
    }

    /// Sends a command on a connection of its own, and waits until replicas have acknowledged it. `elsewhere` is a key of this
    /// server's in another slot than the command's.
    pub(super) async fn send_and_wait(
        &self,
        command: &Cmd,
        wait: Wait,
        elsewhere: Option<Vec<u8>>,
    ) -> RedisResult<Answer> {
        self.waiting().send(command, wait, Manner::Owner, elsewhere).await
    }

    /// Returns which connection this is: another number, another connection.
    pub(super) fn generation(&self) -> u64 {
        self.0.lock().generation
    }

    #[cfg(feature = "cluster")]
    pub(super) fn is_open(&self) -> bool {
        matches!(self.0.lock().connection, Connection::Open(_))
    }

    #[cfg(feature = "cluster")]
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn waiting(&self) -> &Waiting {
        self.0.waiting.get_or_init(|| Waiting::new(Arc::clone(&self.0.open)))
    }

    /// Sends several commands in a row, once, and returns some of the answers.
    pub(super) async fn send_all(
        &self,
        commands: &Pipeline,
        skip: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        let (mut connection, generation) = self.connection().await?;
        let call = Call { link: self, generation, is_over: false };
        let answers = connection.send_packed_commands(commands, skip, count).await;
        call.over();
        match &answers {
            Ok(values) => values.iter().for_each(|value| self.judge(Ok(value), generation)),
            Err(error) => self.judge(Err(error), generation),
        }
        answers
    }

    /// Returns the connection, and which one it is. Waits until it is open.
    async fn connection(&self) -> RedisResult<(MultiplexedConnection, u64)> {
        loop {
            let mut opening = {
                let mut state = self.0.lock();
                match &state.connection {
                    Connection::Open(connection) => return Ok((connection.clone(), state.generation)),
                    Connection::Failed { error, until } if Instant::now() < *until => {
                        return Err(error.clone());
                    }
                    Connection::Opening(opening) => opening.clone(),
                    Connection::None | Connection::Failed { .. } => self.begin(&mut state),
                }
            };
            // An error says that the channel has closed, which is what is waited for.
            let _ = opening.changed().await;
        }
    }

    /// Connects in a task of its own, as whoever asked first may not wait for the end.
    fn begin(&self, state: &mut State) -> watch::Receiver<()> {
        let (over, opening) = watch::channel(());
        state.connection = Connection::Opening(opening.clone());
        let attempt = Attempt { link: self.clone(), is_over: false, _over: over };
        tokio::spawn(async move {
            let open = Arc::clone(&attempt.link.0.open);
            let result = open.open().await;
            let is_lost = result.is_err();
            attempt.over(result);
            if is_lost {
                open.lost();
            }
        });
        opening
    }

    /// Gives up a connection whose answer shows that it is of no more use.
    fn judge(&self, answer: Result<&Value, &RedisError>, generation: u64) {
        if shows_end(answer) {
            self.0.give_up(generation);
        }
    }

    /// Finds out whether the connection is alive, after somebody did not wait for its answer.
    fn doubt(&self, generation: u64) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let Some(mut connection) = self.0.current(generation) else {
            return;
        };
        if self.0.is_doubted.swap(true, Ordering::Relaxed) {
            return;
        }
        let link = self.clone();
        runtime.spawn(async move {
            let ping = redis::cmd("PING");
            let answer = tokio::time::timeout(link.0.patience, connection.send_packed_command(&ping)).await;
            if !matches!(answer, Ok(Ok(_))) {
                tracing::warn!("a connection to redis is silent, and is given up");
                link.0.give_up(generation);
                link.0.open.lost();
            }
            link.0.is_doubted.store(false, Ordering::Relaxed);
        });
    }
}

/// Returns whether a connection cannot be used after this answer.
fn shows_end(answer: Result<&Value, &RedisError>) -> bool {
    // A server that may not be written any more is a replica now: connecting again finds the primary.
    match answer {
        Err(error) => error.is_unrecoverable_error() || error.is_io_error() || is_read_only(error),
        Ok(Value::ServerError(error)) => is_read_only(&error.clone().into()),
        Ok(_) => false,
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self, result: RedisResult<MultiplexedConnection>) {
        let mut state = self.lock();
        state.generation += 1;
        match result {
            Ok(connection) => {
                state.failures = 0;
                state.connection = Connection::Open(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot connect to redis");
                state.failures += 1;
                let until = Instant::now() + pause(state.failures);
                state.connection = Connection::Failed { error, until };
            }
        }
    }

    /// Returns the connection, if it is still this one.
    fn current(&self, generation: u64) -> Option<MultiplexedConnection> {
        let state = self.lock();
        match &state.connection {
            Connection::Open(connection) if state.generation == generation => Some(connection.clone()),
            _ => None,
        }
    }

    fn give_up(&self, generation: u64) {
        let mut state = self.lock();
        if state.generation == generation && matches!(state.connection, Connection::Open(_)) {
            state.connection = Connection::None;
        }
    }
}

/// An attempt to connect. If it ends otherwise than it should, it has failed.
struct Attempt {
    link: Link,
    is_over: bool,
    /// Tells all who wait, once the result is there.
    _over: watch::Sender<()>,
}

impl Attempt {
    fn over(mut self, result: RedisResult<MultiplexedConnection>) {
        self.is_over = true;
        self.link.0.opened(result);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_over {
            self.link.0.opened(Err((ErrorKind::Io, "an attempt to connect was broken off").into()));
        }
    }
}

/// A command under way. If it is dropped before it is over, its connection is in doubt.
struct Call<'a> {
    link: &'a Link,
    generation: u64,
    is_over: bool,
}

impl Call<'_> {
    fn over(mut self) {
        self.is_over = true;
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.link.doubt(self.generation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether a connection is given up where a server says this, as a value or as an error.
    fn ends(said: &[u8]) -> bool {
        let value = redis::parse_redis_value(said).unwrap();
        let as_value = shows_end(Ok(&value));
        let as_error = value.extract_error().is_err_and(|error| shows_end(Err(&error)));
        assert_eq!(as_value, as_error);
        as_value
    }

    #[test]
    fn a_server_that_became_a_replica_is_left_whatever_its_version() {
        assert!(ends(b"-READONLY You can't write against a read only replica.\r\n"));
        let before_7 = b"-ERR Error running script (call to f_0): @user_script:12: @user_script: 12: -READONLY You can't write \
            against a read only replica.\r\n";
        assert!(ends(before_7));
    }

    #[test]
    fn a_connection_is_kept_whose_server_refuses_something_else() {
        for said in [
            "-ERR Error running script (call to f_0): -OOM command not allowed\r\n",
            "-NOSCRIPT No\r\n",
            "+OK\r\n",
        ] {
            assert!(!ends(said.as_bytes()), "{said}");
        }
    }
}
