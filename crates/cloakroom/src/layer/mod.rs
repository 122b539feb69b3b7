//! The middleware: [`SessionLayer`] and what it is made of.

mod body;
mod caching;
mod failed;
mod future;
mod hint;
mod listeners;
mod service;
mod settings;
mod site_data;
mod tickets;
mod versions;
mod visitors;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI32;

use cloakroom_core::{DynStore, Store};
use tokio_util::task::TaskTracker;
use tower_layer::Layer;

pub use self::body::SessionBody;
pub use self::failed::StoreFailed;
pub use self::future::ResponseFuture;
pub use self::service::SessionService;
pub(crate) use self::site_data::ClearSiteData;
pub use self::site_data::SiteData;
use crate::at_rest::AtRest;
use crate::config::{ConfigError, Settings};
use crate::cookie::Writer;
use crate::events::Events;
use crate::foresight::Foresight;
use crate::registry::SessionRegistry;
use crate::session::Shared;
use crate::sweeper::Sweeper;

/// Gives each request its session.
///
/// A request that does not use the session costs no store operation. One that does has it loaded when its handler takes a
/// [`Session`](crate::Session) or an [`Attr`](crate::Attr), and what it changed is committed before its response's head
/// goes out.
///
/// ```
/// use std::time::Duration;
/// use cloakroom::{MemoryStore, SessionLayer};
///
/// let layer = SessionLayer::new(MemoryStore::new())
///     .max_inactive_interval(Duration::from_secs(20 * 60))
///     .max_lifetime(Duration::from_secs(8 * 60 * 60))
///     .check()?;
/// # let _ = layer;
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// # Around any service
///
/// The layer wraps any `tower::Service<http::Request<B>>` whose response is an `http::Response<R>`; the response's body
/// becomes a [`SessionBody<R>`]. It needs a Tokio runtime. Several layers with different cookie names can stand in one
/// stack: see [`Sessions`](crate::Sessions).
///
/// # Panics
///
/// [`layer`](Layer::layer), which builds the service when the program starts, panics on settings that contradict each
/// other. [`check`](Self::check) returns them as an error.
#[derive(Clone)]
pub struct SessionLayer {
    store: Arc<dyn DynStore>,
    settings: Settings,
    tasks: TaskTracker,
    events: Option<Arc<Events>>,
    /// How many more requests are inspected for cookies that cannot come back.
    to_inspect: Arc<AtomicI32>,
    foresight: Arc<Foresight>,
}

impl SessionLayer {
    /// Makes a layer over a store, with the safe defaults that each setting's method tells.
    pub fn new(store: impl Store) -> Self {
        Self {
            store: Arc::new(store),
            settings: Settings::default(),
            tasks: TaskTracker::new(),
            events: None,
            to_inspect: Arc::new(AtomicI32::new(100)),
            foresight: Arc::new(Foresight::new()),
        }
    }

    /// Checks that the settings do not contradict each other.
    ///
    /// # Errors
    ///
    /// When they do, such as a `__Host-` cookie with a domain.
    pub fn check(self) -> Result<Self, ConfigError> {
        self.settings.check()?;
        Ok(self)
    }

    /// Waits until every commit and invalidation that has begun has ended, and listeners have been told of it. Call it after
    /// the server has stopped, before the process ends.
    pub async fn settled(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }

    /// Makes a sweeper of the layer's store, which tells the layer's listeners of what has expired.
    pub fn sweeper(&self) -> Sweeper {
        Sweeper::of(Arc::clone(&self.store), self.events.clone(), self.at_rest())
    }

    /// Makes a way to list and end sessions without a request: for a back-channel logout, an operator's page, the end of an
    /// account.
    #[must_use]
    pub fn registry(&self) -> SessionRegistry {
        SessionRegistry::new(
            Arc::clone(&self.store),
            self.settings.store_timeout,
            self.tasks.clone(),
            self.events.clone(),
        )
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        let at_once = (*self.store).dyn_at_once();
        Arc::new(Shared {
            store: Arc::clone(&self.store),
            at_once,
            foresight: (!at_once).then(|| Arc::clone(&self.foresight)),
            writer: Writer::new(&self.settings.cookie, self.settings.max_lifetime, self.settings.signer()),
            own_header: self.settings.own_header(),
            tracker: self.settings.tracker().map(Box::new),
            settings: self.settings.resolved(),
            at_rest: self.at_rest(),
            tasks: self.tasks.clone(),
            events: self.events.clone(),
            to_inspect: Arc::clone(&self.to_inspect),
        })
    }

    fn at_rest(&self) -> AtRest {
        #[cfg(feature = "encryption")]
        if let Some(encryption) = self.settings.encryption.clone() {
            let namespace = self.store.about().namespace;
            return AtRest::encrypted(crate::at_rest::Cipher::new(encryption, namespace));
        }
        AtRest::default()
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        if let Err(error) = self.settings.check() {
            panic!("{error}");
        }
        SessionService::new(inner, self.shared())
    }
}

impl fmt::Debug for SessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("settings", &self.settings).finish_non_exhaustive()
    }
}
