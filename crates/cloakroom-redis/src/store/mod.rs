mod batch;
mod commit;
mod end;
mod eviction;
mod load;
mod principal;
mod run;
mod sign_in;
mod sweep;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use cloakroom_core::{
    About, Commit, Ended, Error, Feed, Handle, Invalidate, Invalidated, Load, Loaded, MAX_INTERVAL, Outcome,
    Principal, SessionInfo, Store, Sweep,
};

use crate::client::{Client, Link, Open, Wait};
use crate::error::failed;
use crate::feed;
use crate::keys::Keys;
use crate::namespace::{InvalidNamespace, Namespace};
use crate::scripts::Scripts;

/// How long what has ended can still be handed out, unless set.
const MARGIN: Duration = Duration::from_secs(60 * 60);

/// Keeps sessions in Redis or Valkey.
///
/// A clone is the same store. See the [crate] for guarantees, durability and cost.
#[derive(Clone, Debug)]
pub struct RedisStore {
    client: Client,
    keys: Keys,
    scripts: Arc<Scripts>,
    /// How long what has ended can still be handed out.
    margin: Duration,
    /// Whether the scripts tell of changes.
    tells: bool,
    commits_wait: Option<Wait>,
    invalidations_wait: Option<Wait>,
    /// Whether it was looked whether the server may drop sessions.
    is_looked_at: Arc<AtomicBool>,
}

impl RedisStore {
    /// Connects to the server of a URL.
    ///
    /// # Errors
    ///
    /// When the URL cannot be read, or the server does not answer.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let store = Self::of(Client::of_url(url).map_err(|error| failed("connect", error))?);
        store.ping().await?;
        Ok(store)
    }

    /// Takes a client of your own.
    #[must_use]
    pub fn new(client: redis::Client) -> Self {
        Self::of(Link::new(Open::server(client)).into())
    }

    /// Takes a connection of your own.
    #[must_use]
    pub fn with_connection(connection: redis::aio::MultiplexedConnection) -> Self {
        Self::of(Client::Connection(connection))
    }

    /// Takes a connection of your own that connects again by itself.
    #[cfg(feature = "connection-manager")]
    #[must_use]
    pub fn with_connection_manager(manager: redis::aio::ConnectionManager) -> Self {
        Self::of(Client::Manager(manager))
    }

    /// Takes a connection of your own to a cluster.
    #[cfg(feature = "cluster")]
    #[must_use]
    pub fn with_cluster_connection(connection: redis::cluster_async::ClusterConnection) -> Self {
        Self::of(Client::ClusterConnection(connection))
    }

    /// Takes a client of your own that asks sentinels for the primary.
    #[cfg(feature = "sentinel")]
    #[must_use]
    pub fn with_sentinel(client: redis::sentinel::SentinelClient) -> Self {
        Self::of(Link::new(Open::sentinel(client)).into())
    }

    fn of(client: Client) -> Self {
        Self {
            client,
            keys: Keys::new(Namespace::default()),
            scripts: Arc::new(Scripts::new(MARGIN, false)),
            margin: MARGIN,
            tells: false,
            commits_wait: None,
            invalidations_wait: None,
            is_looked_at: Arc::default(),
        }
    }

    /// Sets what all keys begin with. `cloakroom` unless set.
    ///
    /// Sessions of different namespaces never meet.
    ///
    /// # Errors
    ///
    /// Unless it is 1 to 64 printable ASCII characters without blanks, braces, brackets, `*`, `?` and `\`.
    pub fn namespace(mut self, namespace: &str) -> Result<Self, InvalidNamespace> {
        self.keys = Keys::new(Namespace::new(namespace)?);
        Ok(self)
    }

    /// Sets how long a session that has expired is kept to be handed out by a [`sweep`](Store::sweep). An hour unless set.
    ///
    /// After that the server removes it by itself, unseen; where the last thing that happened was a commit, up to a sixtieth of
    /// this earlier. One that was handed out for a lease stays until that is over. [`MAX_INTERVAL`] at most: what is longer is
    /// taken as that.
    #[must_use]
    pub fn hand_out_margin(mut self, margin: Duration) -> Self {
        self.margin = margin.min(MAX_INTERVAL);
        self.scripts = Arc::new(Scripts::new(self.margin, self.tells));
        self
    }

    /// Tells of every commit and every end, so that the store has a [`feed`](Store::feed). Nothing is told unless set.
    ///
    /// **Every node must set it** that shares the namespace: what is changed through one that does not is not told, and stays
    /// in the caches of the others until the session is next changed or read anew. So deploy this everywhere first, and the
    /// caches afterwards. See [telling of changes](crate#telling-of-changes) for what it costs.
    ///
    /// A store that was given a connection of your own tells its changes too, but has no feed: for that it opens connections.
    #[must_use]
    pub fn tell_changes(mut self) -> Self {
        self.tells = true;
        self.scripts = Arc::new(Scripts::new(self.margin, true));
        self
    }

    /// Waits with every commit until this many replicas have acknowledged it.
    ///
    /// Where they do not within `timeout`, the commit fails with [`ErrorKind::Timeout`](cloakroom_core::ErrorKind::Timeout)
    /// and [`Unacknowledged`](crate::Unacknowledged) as its source: it was applied, but may be lost if the primary fails
    /// now. Trying it again waits again. See [durability](crate#durability).
    ///
    /// In a cluster a sign-in waits twice, as the principal's index is on another server: if it is the entry there that too few
    /// replicas have, the sign-in was not applied.
    ///
    /// # Errors
    ///
    /// When the store was given a connection of your own: replicas are waited for on connections that nobody else uses.
    pub fn commits_acknowledged_by(mut self, replicas: u32, timeout: Duration) -> Result<Self, Error> {
        self.commits_wait = Some(self.client.wait(replicas, timeout)?);
        Ok(self)
    }

    /// Waits with every invalidation until this many replicas have acknowledged it: then a logout stays one if the primary
    /// fails, and one of them takes its place.
    ///
    /// # Errors
    ///
    /// As for [`commits_acknowledged_by`](Self::commits_acknowledged_by).
    pub fn invalidations_acknowledged_by(mut self, replicas: u32, timeout: Duration) -> Result<Self, Error> {
        self.invalidations_wait = Some(self.client.wait(replicas, timeout)?);
        Ok(self)
    }
}

impl Store for RedisStore {
    fn about(&self) -> About {
        About { backend: "redis", namespace: self.keys.namespace().shared() }
    }

    fn load(&self, load: &Load) -> impl Future<Output = Result<Loaded, Error>> + Send {
        self.load_session(load)
    }

    fn commit(&self, commit: &Commit) -> impl Future<Output = Result<Outcome, Error>> + Send {
        self.commit_session(commit)
    }

    fn invalidate(&self, invalidate: &Invalidate) -> impl Future<Output = Result<Invalidated, Error>> + Send {
        self.end(invalidate)
    }

    fn sessions_of(
        &self,
        principal: &Principal,
    ) -> impl Future<Output = Result<Vec<SessionInfo>, Error>> + Send {
        self.list(principal)
    }

    fn sweep(&self, sweep: &Sweep) -> impl Future<Output = Result<Vec<Ended>, Error>> + Send {
        self.hand_out(sweep)
    }

    fn acknowledge(&self, handles: &[Handle]) -> impl Future<Output = Result<(), Error>> + Send {
        self.remove_expired(handles)
    }

    async fn ping(&self) -> Result<(), Error> {
        self.client.ping().await.map_err(|error| failed("ping", error))
    }

    fn feed(&self) -> Option<Feed> {
        let can_tell = self.tells && self.client.can_listen();
        can_tell.then(|| feed::feed(self.client.clone(), self.keys.channel()))
    }
}
