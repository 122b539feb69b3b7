mod builder;
mod commit;
mod current;
mod end;
mod feed;
mod follow;
mod later;
mod load;
mod mirrored;
mod parts;
mod principal;
mod sign_in;
mod sweep;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use cloakroom_core::{
    About, Commit, Ended, Error, Feed, Handle, Invalidate, Invalidated, Load, Loaded, Outcome, Principal,
    SessionInfo, Store, Sweep,
};

pub use self::builder::{NatsStoreBuilder, Storage};

use crate::clock::ServerClock;
use crate::error::Failure;
use crate::jet::Jet;
use crate::mirror::Mirror;
use crate::namespace::{InvalidNamespace, Namespace};
use crate::subjects::Subjects;

/// Keeps sessions in the streams of NATS JetStream.
///
/// A clone is the same store. See the [crate] for guarantees, durability and cost.
#[derive(Clone, Debug)]
pub struct NatsStore {
    jet: Jet,
    subjects: Subjects,
    clock: Arc<ServerClock>,
    /// How far the values were looked through for lost ones; 0 before that has begun.
    looked_at: Arc<AtomicU64>,
    /// All sessions in memory, where that is asked for.
    mirror: Option<Arc<Mirror>>,
}

impl NatsStore {
    /// Connects to a server, or to one of several whose addresses are separated by commas, and makes the streams where they are
    /// not there: in memory, without replicas. [`builder`](Self::builder) has other terms.
    ///
    /// # Errors
    ///
    /// When the address cannot be read, the server does not answer, or it has no JetStream.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder().connect(url).await
    }

    /// Starts building a store on other terms.
    #[must_use]
    pub fn builder() -> NatsStoreBuilder {
        NatsStoreBuilder::default()
    }

    /// Sets the word that all subjects of this store have. `cloakroom` unless set.
    ///
    /// Sessions of different namespaces never meet, though they are in the same streams.
    ///
    /// # Errors
    ///
    /// Unless it is 1 to 64 ASCII letters, digits, underscores and hyphens.
    pub fn namespace(mut self, namespace: &str) -> Result<Self, InvalidNamespace> {
        self.subjects = self.subjects.with_namespace(Namespace::new(namespace)?);
        self.looked_at = Arc::default();
        self.mirror = self.mirror.map(|mirror| Arc::new(mirror.anew()));
        Ok(self)
    }
}

impl Store for NatsStore {
    fn about(&self) -> About {
        About { backend: "nats", namespace: self.subjects.namespace().shared() }
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
        let _ = self.mirror();
        self.jet.ping().await.map_err(at("ping"))
    }

    fn feed(&self) -> Option<Feed> {
        Some(self.listen())
    }
}

/// Says during what a request to the server has failed.
fn at(during: &'static str) -> impl Fn(Failure) -> Error {
    move |failure| failure.during(during)
}
