//! A cluster: which server has a key, and a connection to each.

mod refresh;
mod slot;
mod topology;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use redis::{
    Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value,
};
use tokio::sync::watch;

use self::slot::slot_of;
pub(super) use self::topology::Address;
use self::topology::Topology;
use super::wait::{Answer, Wait};
use super::{Link, Open, key, misconfigured};
use crate::error::is_read_only;
use crate::keys::beside_each;

/// How often a command is redirected before it waits: servers that do not agree yet send it to and fro.
const REDIRECTS: usize = 8;

/// How long to wait before a key is asked for again that is on its way to another server, and for how long in all.
const WAIT: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends each command to the server that has its key, and follows when keys have moved.
///
/// No command is sent again that may have run: a server that redirects has not run it.
#[derive(Clone, Debug)]
pub(crate) struct Cluster(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    seeds: Vec<ConnectionInfo>,
    state: Mutex<State>,
}

/// That a server belongs to a cluster.
#[derive(Debug)]
pub(crate) struct Membership(Weak<Shared>);

impl Membership {
    /// Has the cluster asked who has the server's slots now: those who do not wait for an answer ask nobody.
    pub(super) fn lost(&self) {
        if let Some(cluster) = self.0.upgrade() {
            Cluster(cluster).refresh_soon();
        }
    }
}

#[derive(Debug, Default)]
struct State {
    topology: Topology,
    /// Somebody asks the cluster for its topology; the channel closes when that is over.
    refreshing: Option<watch::Receiver<()>>,
    /// Before this, nobody asks again.
    next_refresh: Option<Instant>,
    /// Why there is no topology.
    failure: Option<RedisError>,
}

/// What to do after an answer.
enum Next {
    Done,
    /// The key is on this server now.
    Moved(String),
    /// The key is on this server already, for this once.
    Ask(String),
    /// Some of the keys are here and some are there.
    Wait,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<ConnectionInfo>) -> Self {
        Self(Arc::new(Shared { seeds, state: Mutex::default() }))
    }

    /// Sends a command to where its first key is. Redirections are followed; nothing else is tried again.
    pub(super) async fn send(&self, command: &Cmd, wait: Option<Wait>) -> RedisResult<Answer> {
        let key = key(command)?;
        let slot = slot_of(key);
        let patience = Instant::now() + PATIENCE;
        let send = async |link: Link| match wait {
            None => link.send(command).await.map(Answer::from),
            Some(wait) => link.send_and_wait(command, wait, self.elsewhere(&link, key)).await,
        };
        let mut answer = send(self.primary(slot).await?).await;
        let mut redirects = 0..REDIRECTS;
        loop {
            answer = match self.next(&answer) {
                Next::Moved(address) if redirects.next().is_some() => send(self.link(&address)?).await,
                Next::Ask(address) if redirects.next().is_some() => {
                    self.link(&address)?.send_asking(command, wait).await
                }
                Next::Moved(_) | Next::Ask(_) | Next::Wait if Instant::now() < patience => {
                    tokio::time::sleep(WAIT).await;
                    redirects = 0..REDIRECTS;
                    send(self.primary(slot).await?).await
                }
                _ => return answer,
            };
        }
    }

    /// Asks every server for a sign of life.
    pub(super) async fn ping(&self) -> RedisResult<()> {
        let links = self.primaries().await?;
        let ping = redis::cmd("PING");
        let pings = links.iter().map(async |link| link.send(&ping).await?.extract_error());
        match try_join_all(pings).await {
            Ok(_) => Ok(()),
            Err(error) => {
                self.refresh_soon();
                Err(error)
            }
        }
    }

    /// Sends a command to every server, and returns what answers come.
    pub(super) async fn send_to_all(&self, command: &Cmd) -> Vec<Value> {
        let links = self.primaries().await.unwrap_or_default();
        let answers =
            join_all(links.iter().map(async |link| link.send(command).await?.extract_error())).await;
        answers.into_iter().filter_map(Result::ok).collect()
    }

    fn next(&self, answer: &RedisResult<Answer>) -> Next {
        let error = match answer {
            Ok(Answer { value: Value::ServerError(error), .. }) => RedisError::from(error.clone()),
            Ok(_) => return Next::Done,
            Err(error) => error.clone(),
        };
        let redirect = |redirect: fn(String) -> Next| {
            error.redirect_node().map_or(Next::Done, |(address, _)| redirect(address.to_owned()))
        };
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::Moved) => {
                self.refresh_soon();
                redirect(Next::Moved)
            }
            ErrorKind::Server(ServerErrorKind::Ask) => redirect(Next::Ask),
            ErrorKind::Server(ServerErrorKind::TryAgain) => Next::Wait,
            ErrorKind::Server(ServerErrorKind::ClusterDown | ServerErrorKind::MasterDown) | ErrorKind::Io => {
                self.refresh_soon();
                Next::Done
            }
            _ if is_read_only(&error) => {
                self.refresh_soon();
                Next::Done
            }
            _ => Next::Done,
        }
    }

    /// Returns the way to the server that has a slot.
    async fn primary(&self, slot: u16) -> RedisResult<Link> {
        if let Some(link) = self.0.lock().topology.primary(slot) {
            return Ok(link);
        }
        self.refresh().await?;
        let state = self.0.lock();
        state.topology.primary(slot).ok_or_else(|| {
            let not_found = || (ErrorKind::ClusterConnectionNotFound, "no server has this slot").into();
            state.failure.clone().unwrap_or_else(not_found)
        })
    }

    pub(super) async fn primaries(&self) -> RedisResult<Vec<Link>> {
        let known = self.0.lock().topology.primaries();
        if !known.is_empty() {
            return Ok(known);
        }
        self.refresh().await?;
        Ok(self.0.lock().topology.primaries())
    }

    /// Returns a key of this server's in another slot than this one's. While a slot migrates, its server writes no key in it that
    /// it does not have.
    fn elsewhere(&self, link: &Link, key: &[u8]) -> Option<Vec<u8>> {
        let state = self.0.lock();
        let is_there = |slot| state.topology.primary(slot).is_some_and(|primary| primary.is(link));
        beside_each(key, b'w').find(|other| {
            let slot = slot_of(other);
            slot != slot_of(key) && is_there(slot)
        })
    }

    /// Returns the way to a server that the cluster has named.
    fn link(&self, address: &str) -> RedisResult<Link> {
        let (host, port) = address.rsplit_once(':').ok_or_else(|| misconfigured("not an address"))?;
        let port = port.parse().map_err(|_| misconfigured("not an address"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let mut state = self.0.lock();
        // An empty host is the one that answered.
        let host = if host.is_empty() { state.topology.host().to_owned() } else { host.to_owned() };
        state.topology.link(&host, port, || self.open(host.clone(), port))
    }

    /// Makes a way to a server, with the credentials of the first one.
    fn open(&self, host: String, port: u16) -> RedisResult<Link> {
        let seed = &self.0.seeds[0];
        let address = match seed.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        let client = redis::Client::open(seed.clone().set_addr(address))?;
        Ok(Link::new(Open::member(client, Membership(Arc::downgrade(&self.0)))))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
