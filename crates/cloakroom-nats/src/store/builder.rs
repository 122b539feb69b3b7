use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::StorageType;
use async_nats::{Client, ConnectOptions};
use cloakroom_core::Error;

use super::{NatsStore, at};
use crate::clock::ServerClock;
use crate::jet::{Jet, Link, Options, Terms};
use crate::mirror::Mirror;
use crate::namespace::{InvalidNamespace, Namespace};
use crate::subjects::Subjects;

/// How old a mirror's answer may be, unless set.
const MAX_STALENESS: Duration = Duration::from_secs(2);

/// Where a server keeps the streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Storage {
    /// In memory: a server that restarts has none of it, unless others have replicas.
    #[default]
    Memory,
    /// In files.
    File,
}

/// Builds a [`NatsStore`].
///
/// What it says about streams goes for those that are made. A stream that is there stays as it is.
#[derive(Debug, Default)]
pub struct NatsStoreBuilder {
    options: ConnectOptions,
    terms: Terms,
    streams: Namespace,
    is_mirrored: bool,
    max_staleness: Option<Duration>,
}

impl NatsStoreBuilder {
    /// Sets how many servers of a cluster keep each stream: 1 to 5. 1 unless set, and 3 where one may fail.
    #[must_use]
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.terms.replicas = replicas;
        self
    }

    /// Sets where a server keeps the streams. In memory unless set.
    #[must_use]
    pub fn storage(mut self, storage: Storage) -> Self {
        self.terms.storage = match storage {
            Storage::Memory => StorageType::Memory,
            Storage::File => StorageType::File,
        };
        self
    }

    /// Sets how many bytes each of the three streams may hold. No limit unless set, beside those of the server and the account.
    ///
    /// Where less than a sixteenth of that is left, no session is added, and no value of more than 1 KiB stored:
    /// [`ErrorKind::Full`](cloakroom_core::ErrorKind::Full). Where the account has a limit, this must be set, so that three times this
    /// is less: see the [crate](crate#limits).
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.terms.max_bytes = Some(i64::try_from(bytes).unwrap_or(i64::MAX));
        self
    }

    /// Sets whether this node holds a copy of every session, and answers loads from it. It does not unless set.
    ///
    /// The copy follows the stream, beginning with the first request or ping, and until it is whole the server answers, as it does
    /// for what the copy may not answer: loads that must have the [latest](cloakroom_core::Freshness::Latest) state or a version
    /// that is not here yet, tickets that are not good here, and all loads while it is not certain that the copy is no older than
    /// [`max_staleness`](Self::max_staleness). Commits go to the server as ever. When the connection is lost the copy is dropped at
    /// once, and made anew when there is one again. [`NatsStore::mirror_state`] tells how much it holds.
    ///
    /// ```no_run
    /// use cloakroom_nats::NatsStore;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = NatsStore::builder().mirrored(true).connect("nats://127.0.0.1").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn mirrored(mut self, is_mirrored: bool) -> Self {
        self.is_mirrored = is_mirrored;
        self
    }

    /// Sets how old an answer may be that comes from this node's memory: after what time another node's acknowledged change is seen
    /// here at the latest. 2 seconds unless set. Below half a second the server answers most loads, because that is about how often
    /// a [mirror](Self::mirrored) proves how new it is.
    #[must_use]
    pub fn max_staleness(mut self, bound: Duration) -> Self {
        self.max_staleness = Some(bound);
        self
    }

    /// Sets what the names of the streams and all subjects begin with. `cloakroom` unless set.
    ///
    /// # Errors
    ///
    /// Unless it is 1 to 64 ASCII letters, digits, underscores and hyphens.
    pub fn streams(mut self, name: &str) -> Result<Self, InvalidNamespace> {
        self.streams = Namespace::new(name)?;
        Ok(self)
    }

    /// Sets how to connect: credentials, TLS, root certificates. Timeouts, pauses, the name and the callback for events are the
    /// store's.
    #[must_use]
    pub fn options(mut self, options: ConnectOptions) -> Self {
        self.options = options;
        self
    }

    /// Connects to a server, or to one of several whose addresses are separated by commas.
    ///
    /// # Errors
    ///
    /// When an address cannot be read, no server answers, it has no JetStream, or a stream of these names is somebody else's.
    pub async fn connect(mut self, url: &str) -> Result<NatsStore, Error> {
        let servers = url.split(',').map(|server| server.trim().to_owned()).collect();
        let options = std::mem::take(&mut self.options);
        let link = Options::new(options).connect(servers).await.map_err(at("connect"))?;
        self.open(link).await
    }

    /// Takes a client of your own.
    ///
    /// Its own pauses before it connects again are in force. What is under way when the connection is lost waits until the
    /// operation's time is over.
    ///
    /// # Errors
    ///
    /// When the server has no JetStream, or a stream of these names is somebody else's.
    pub async fn with_client(self, client: Client) -> Result<NatsStore, Error> {
        self.open(Link::of_client(client)).await
    }

    async fn open(self, link: Link) -> Result<NatsStore, Error> {
        let subjects = Subjects::new(self.streams);
        let clock = ServerClock::new(subjects.clock(&name()?));
        let jet = Jet::new(link, self.terms, subjects.clone());
        let max_staleness = self.max_staleness.unwrap_or(MAX_STALENESS);
        let mirror = self.is_mirrored.then(|| Arc::new(Mirror::new(max_staleness)));
        let store = NatsStore { jet, subjects, clock: Arc::new(clock), looked_at: Arc::default(), mirror };
        store.clock.now(&store.jet).await.map_err(at("connect"))?;
        Ok(store)
    }
}

/// Draws a name that nobody else has.
fn name() -> Result<String, Error> {
    let refused = |error| Error::new(cloakroom_core::ErrorKind::Other, "connect", error);
    let (high, low) = (getrandom::u64().map_err(refused)?, getrandom::u64().map_err(refused)?);
    Ok(format!("{high:016x}{low:016x}"))
}
