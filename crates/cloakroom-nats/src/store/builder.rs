use std::sync::Arc;

use async_nats::jetstream::stream::StorageType;
use async_nats::{Client, ConnectOptions};
use cloakroom_core::Error;

use super::{NatsStore, at};
use crate::clock::ServerClock;
use crate::jet::{Jet, Link, Options, Terms};
use crate::namespace::{InvalidNamespace, Namespace};
use crate::subjects::Subjects;

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
    /// At a limit commits fail with [`ErrorKind::Full`](cloakroom_core::ErrorKind::Full); no session is dropped for another.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.terms.max_bytes = Some(i64::try_from(bytes).unwrap_or(i64::MAX));
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
    pub async fn connect(self, url: &str) -> Result<NatsStore, Error> {
        let servers = url.split(',').map(|server| server.trim().to_owned()).collect();
        let link = Options::new(self.options).connect(servers).await.map_err(at("connect"))?;
        Self::open(self.terms, self.streams, link).await
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
        Self::open(self.terms, self.streams, Link::of_client(client)).await
    }

    async fn open(terms: Terms, streams: Namespace, link: Link) -> Result<NatsStore, Error> {
        let subjects = Subjects::new(streams);
        let clock = ServerClock::new(subjects.clock(&name()?));
        let jet = Jet::new(link, terms, subjects.clone());
        let store = NatsStore { jet, subjects, clock: Arc::new(clock), looked_at: Arc::default() };
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
