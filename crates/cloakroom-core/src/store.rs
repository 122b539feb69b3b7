use std::future::Future;
use std::sync::Arc;

use crate::commit::{Commit, Outcome};
use crate::ended::{Ended, Invalidate, Invalidated, SessionInfo, Sweep};
use crate::erased::DynStore;
use crate::error::Error;
use crate::feed::Feed;
use crate::load::{Load, Loaded};
use crate::text::Principal;
use crate::ticket::Handle;

/// Keeps sessions where every server can reach them.
///
/// # What holds for every method
///
/// - **Atomic.** An operation is one step for everybody else: they see all of it or nothing.
/// - **The ticket first.** Nothing is read, changed or touched before the [`Guard`](crate::Guard) was found to open the
///   session ([`Record::admit`](crate::Record::admit)), in the same atomic step.
/// - **The store's clock.** Whether a session is live is judged by the store's own clock, and by
///   [`Record::is_live`](crate::Record::is_live) alone. What has expired behaves as absent from that moment, whether or
///   not it has been removed.
/// - **Nothing comes back.** No operation but a commit with [`Intent::Create`](crate::Intent::Create) makes a session.
/// - **Errors are failures of the backend.** Absent, expired, refused and over a limit are answers. After an error the
///   outcome of a commit or an invalidation is unknown; it is whole or not at all. A stored record that cannot be read
///   is [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) and harms no other session.
/// - **Bounded.** The caller sets the time an operation may take and drops its future when it is over. A dropped
///   future leaves nothing half-way, and holds no lock.
/// - **No retries.** A store never sends a commit again whose outcome it does not know. (The caller may, under the commit's
///   id. So may a store around another that has answered the commit already.)
///
/// The trait has no default methods, so that a wrapper cannot forget one. (What it may forget is [`AT_ONCE`](Self::AT_ONCE),
/// which costs time and nothing else.)
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session store",
    note = "implement `cloakroom_core::Store`, or pass one of the stores: `MemoryStore`, `SqliteStore`, ..."
)]
pub trait Store: Send + Sync + 'static {
    /// Whether every operation has its answer when its future is first polled, as one on memory has: then a request sets
    /// nothing up for waiting. A wrapper passes on what the store in it says, unless it waits itself. A store that says
    /// so and then waits fails.
    const AT_ONCE: bool = false;

    /// Tells what this store is, for logs and metrics.
    fn about(&self) -> About;

    /// Reads a session's metadata and selected attributes, and records the access if it is due.
    ///
    /// One snapshot: the attributes are those of the version told. An attribute whose time to live has passed is
    /// absent. A selected attribute that does not exist is left out; that is no error.
    ///
    /// # Errors
    ///
    /// When the backend fails.
    fn load(&self, load: &Load) -> impl Future<Output = Result<Loaded, Error>> + Send;

    /// Applies all changes of one request to one session, or none of them.
    ///
    /// In this order: a commit whose id is remembered gets its first answer ([`Committed`](crate::Committed)); one to a
    /// session that is absent or has ended, or with a ticket that does not open it, is
    /// [`Gone`](crate::Outcome::Gone); an expectation that is not met is a [`Conflict`](crate::Outcome::Conflict); a
    /// session that grows past a limit is [`OverLimit`](crate::Outcome::OverLimit). Otherwise everything is stored, the
    /// version is one more, and the commit counts as an access.
    ///
    /// A create whose handle exists is [`Taken`](crate::Outcome::Taken), also when that session has expired, or ended with
    /// everyone's, and was not removed yet.
    ///
    /// # Errors
    ///
    /// When the backend fails; then the outcome is unknown.
    fn commit(&self, commit: &Commit) -> impl Future<Output = Result<Outcome, Error>> + Send;

    /// Ends sessions: from the answer on they are gone, with all attributes and index entries.
    ///
    /// Ending what does not exist is a success that ends nothing, so that a retry is one.
    ///
    /// # Errors
    ///
    /// When the backend fails; then the outcome is unknown, and the same call may be made again.
    fn invalidate(&self, invalidate: &Invalidate) -> impl Future<Output = Result<Invalidated, Error>> + Send;

    /// Lists a principal's live sessions, oldest sign-in first. Nobody of that name: an empty list.
    ///
    /// # Errors
    ///
    /// When the backend fails.
    fn sessions_of(
        &self,
        principal: &Principal,
    ) -> impl Future<Output = Result<Vec<SessionInfo>, Error>> + Send;

    /// Hands out sessions that have expired, each to one caller, however many sweep at the same time.
    ///
    /// Best effort as to when, not as to what: a live session is never handed out, and one that expired long ago may
    /// have been dropped unseen where the store says so.
    ///
    /// # Errors
    ///
    /// When the backend fails.
    fn sweep(&self, sweep: &Sweep) -> impl Future<Output = Result<Vec<Ended>, Error>> + Send;

    /// Removes expired sessions that a [`sweep`](Self::sweep) with a lease handed out. Those that are gone already, or
    /// are not expired, are left alone.
    ///
    /// # Errors
    ///
    /// When the backend fails; the sessions are handed out again once their lease is over.
    fn acknowledge(&self, handles: &[Handle]) -> impl Future<Output = Result<(), Error>> + Send;

    /// Asks the backend for a sign of life.
    ///
    /// # Errors
    ///
    /// When it gives none.
    fn ping(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Starts a feed of changed sessions; `None` where the store has none to offer.
    fn feed(&self) -> Option<Feed>;
}

/// What a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The kind of backend, such as `"sqlite"`.
    pub backend: &'static str,
    /// The namespace. Sessions of different namespaces never meet, though they share a backend: a ticket of one opens
    /// nothing in another, and lists and sweeps keep to their own.
    pub namespace: Arc<str>,
}

impl<S: Store> Store for Arc<S> {
    const AT_ONCE: bool = S::AT_ONCE;

    fn about(&self) -> About {
        S::about(self)
    }

    fn load(&self, load: &Load) -> impl Future<Output = Result<Loaded, Error>> + Send {
        S::load(self, load)
    }

    fn commit(&self, commit: &Commit) -> impl Future<Output = Result<Outcome, Error>> + Send {
        S::commit(self, commit)
    }

    fn invalidate(&self, invalidate: &Invalidate) -> impl Future<Output = Result<Invalidated, Error>> + Send {
        S::invalidate(self, invalidate)
    }

    fn sessions_of(
        &self,
        principal: &Principal,
    ) -> impl Future<Output = Result<Vec<SessionInfo>, Error>> + Send {
        S::sessions_of(self, principal)
    }

    fn sweep(&self, sweep: &Sweep) -> impl Future<Output = Result<Vec<Ended>, Error>> + Send {
        S::sweep(self, sweep)
    }

    fn acknowledge(&self, handles: &[Handle]) -> impl Future<Output = Result<(), Error>> + Send {
        S::acknowledge(self, handles)
    }

    fn ping(&self) -> impl Future<Output = Result<(), Error>> + Send {
        S::ping(self)
    }

    fn feed(&self) -> Option<Feed> {
        S::feed(self)
    }
}

impl Store for Arc<dyn DynStore> {
    fn about(&self) -> About {
        (**self).dyn_about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        (**self).dyn_load(load).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        (**self).dyn_commit(commit).await
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        (**self).dyn_invalidate(invalidate).await
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        (**self).dyn_sessions_of(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        (**self).dyn_sweep(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        (**self).dyn_acknowledge(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        (**self).dyn_ping().await
    }

    fn feed(&self) -> Option<Feed> {
        (**self).dyn_feed()
    }
}
