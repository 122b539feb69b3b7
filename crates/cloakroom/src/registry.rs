use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{
    DynStore, Error as StoreError, ErrorKind, Handle, Invalidate, Invalidated, Principal, SessionInfo,
};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::error::{Chain, Error};
use crate::events::{AskedBy, Events, Order, SessionEvent};
use crate::session::{once_more, run_to_end, tell_invalidated};
use crate::telemetry;

/// Lists and ends sessions without a request: for a back-channel logout, an operator's page, or the end of an account.
///
/// Made by [`SessionLayer::registry`](crate::SessionLayer::registry). Every ending says who asked for it and why; both are
/// logged, and told to listeners. What has begun runs to its end, whatever becomes of whoever waits for it, and takes no
/// longer than the [store timeout](crate::SessionLayer::store_timeout).
///
/// ```
/// # use cloakroom::{Error, MemoryStore, Order, SessionLayer};
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let layer = SessionLayer::new(MemoryStore::new());
/// let registry = layer.registry();
/// let order = Order::new("eve@example.com", "account closed")?;
/// assert_eq!(registry.invalidate_all_of("ada", &order).await?, 0);
/// # Ok::<(), Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SessionRegistry {
    store: Arc<dyn DynStore>,
    timeout: Duration,
    tasks: TaskTracker,
    events: Option<Arc<Events>>,
}

impl SessionRegistry {
    pub(crate) fn new(
        store: Arc<dyn DynStore>,
        timeout: Duration,
        tasks: TaskTracker,
        events: Option<Arc<Events>>,
    ) -> Self {
        Self { store, timeout, tasks, events }
    }

    /// Lists a principal's live sessions, oldest sign-in first.
    ///
    /// # Errors
    ///
    /// [`InvalidText`](crate::ErrorKind::InvalidText) for an impossible principal, or [`Store`](crate::ErrorKind::Store) when
    /// the store failed.
    pub async fn sessions_of(&self, principal: impl Into<String>) -> Result<Vec<SessionInfo>, Error> {
        let principal = Principal::new(principal.into())?;
        Ok(bounded(self.timeout, "list", self.store.dyn_sessions_of(&principal)).await?)
    }

    /// Ends one session, whoever's it is, and returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::ErrorKind::Store) when the store failed: it is not known whether the session has ended, and the same
    /// may be asked for again.
    pub async fn invalidate(&self, handle: Handle, order: &Order) -> Result<bool, Error> {
        let ended = self.end(Invalidate::Handle { handle, owner: None }, order).await?;
        Ok(ended > 0)
    }

    /// Ends every session of a principal, and returns how many those were. A sign-in that races with it either comes after
    /// it, as a whole, or is ended too.
    ///
    /// # Errors
    ///
    /// As [`sessions_of`](Self::sessions_of) and [`invalidate`](Self::invalidate).
    pub async fn invalidate_all_of(
        &self,
        principal: impl Into<String>,
        order: &Order,
    ) -> Result<usize, Error> {
        let principal = Principal::new(principal.into())?;
        self.end(Invalidate::Principal { principal, except: None }, order).await
    }

    /// Ends every session of everybody in the store's namespace, in one cheap step. Listeners are told that once
    /// ([`EveryoneInvalidated`](SessionEvent::EveryoneInvalidated)), and not of each session.
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub async fn invalidate_everyone(&self, order: &Order) -> Result<(), Error> {
        self.end(Invalidate::Everyone, order).await.map(drop)
    }

    async fn end(&self, invalidate: Invalidate, order: &Order) -> Result<usize, Error> {
        let span = tracing::info_span!("session_registry", operator = order.by(), reason = order.reason());
        let (registry, order) = (self.clone(), order.clone());
        let work = async move {
            let asked = once_more(|| registry.store.dyn_invalidate(&invalidate));
            match bounded(registry.timeout, "invalidate", asked).await {
                Ok(answer) => Ok(registry.tell(&invalidate, answer, &order)),
                Err(error) => {
                    tracing::error!(error = %Chain(&error), ?invalidate, operator = order.by(), reason = order.reason(), "sessions were not ended");
                    Err(error.into())
                }
            }
        };
        run_to_end(&self.tasks, work.instrument(span)).await.unwrap_or_else(|| Err(Error::interrupted()))
    }

    fn tell(&self, invalidate: &Invalidate, answer: Invalidated, order: &Order) -> usize {
        let Invalidated::Done(ended) = answer else { return 0 };
        if matches!(invalidate, Invalidate::Everyone) {
            telemetry::invalidated("operator_everyone");
            tracing::warn!(operator = order.by(), reason = order.reason(), "every session was invalidated");
            self.events
                .iter()
                .for_each(|events| events.tell(SessionEvent::EveryoneInvalidated(order.clone())));
        } else if ended.is_empty() {
            tracing::info!(?invalidate, operator = order.by(), reason = order.reason(), "no session to end");
        }
        for ended in &ended {
            tell_invalidated(self.events.as_ref(), ended, AskedBy::Operator(order.clone()));
        }
        ended.len()
    }
}

async fn bounded<T>(
    timeout: Duration,
    during: &'static str,
    operation: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let _timer = telemetry::timed(during);
    match tokio::time::timeout(timeout, operation).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::of(ErrorKind::Timeout, during)),
    }
}

impl fmt::Debug for SessionRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRegistry").field("store", &self.store.dyn_about()).finish_non_exhaustive()
    }
}
