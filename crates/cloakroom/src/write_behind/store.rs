use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cloakroom_core::{
    About, Commit, Conflict, Ended, Error, Feed, Handle, Invalidate, Invalidated, Load, Loaded, Outcome,
    Principal, SessionInfo, Store, Sweep, Timestamp,
};

use super::builder::WriteBehindBuilder;
use super::lane::Lane;
use super::shared::{Extent, Shared};
use super::state::{Asked, Decision, Look, State, Versions, expects};

/// A store around a store that writes the commits of a session together, every few seconds.
///
/// See the [module's description](super) for what it promises and what it may lose. Clones are the same store; the last one
/// that is dropped has all that is held back written, as long as the runtime lives. Where the store fails, that is tried again
/// and again until [`write_timeout`](WriteBehindBuilder::write_timeout) has passed; what is left then is lost, and counted and
/// logged. To be sure of it, wait for [`flush`](Self::flush) before the process ends.
///
/// ```
/// use std::time::Duration;
///
/// use cloakroom::{MemoryStore, SessionLayer, write_behind::WriteBehind};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let store = WriteBehind::builder(MemoryStore::new()).every(Duration::from_secs(5)).build();
/// let layer = SessionLayer::new(store.clone());
/// // ... serve until it is time to stop, then:
/// layer.settled().await;
/// store.flush().await?;
/// # Ok::<(), cloakroom::core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WriteBehind<S: Store> {
    handle: Arc<OneOf<S>>,
}

/// Tells the background task when the last handle is gone.
struct OneOf<S: Store>(Arc<Shared<S>>);

impl<S: Store> WriteBehind<S> {
    /// Makes one around a store, with the defaults of the [builder](Self::builder).
    pub fn new(store: S) -> Self {
        Self::builder(store).build()
    }

    /// Sets one up.
    pub fn builder(store: S) -> WriteBehindBuilder<S> {
        WriteBehindBuilder::new(store)
    }

    pub(super) fn of(shared: Shared<S>) -> Self {
        Self { handle: Arc::new(OneOf(Arc::new(shared))) }
    }

    /// Writes everything that is held back now. What is committed meanwhile may be held back again: for a graceful stop,
    /// call it when the last request has been answered.
    ///
    /// # Errors
    ///
    /// When the store fails, or takes longer than a write may, for at least one session. What could not be written is still
    /// held back, and tried again. Where the store is away it ends after two or three such times, however many sessions
    /// there are.
    pub async fn flush(&self) -> Result<(), Error> {
        let shared = self.shared();
        shared.write_all(shared.held(|_, _| true)).await
    }

    /// Returns how many sessions have something held back.
    #[must_use]
    pub fn held_sessions(&self) -> usize {
        self.shared().account().sessions()
    }

    /// Returns how many bytes are held back, counted as for [`max_bytes`](WriteBehindBuilder::max_bytes).
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.shared().account().bytes()
    }

    pub(super) fn shared(&self) -> &Arc<Shared<S>> {
        &self.handle.0
    }

    /// Loads with nothing held back of the session, and nothing else under way.
    async fn load_settled(&self, lane: &Lane, load: &Load) -> Result<Loaded, Error> {
        let shared = self.shared();
        let _at_once = lane.at_once();
        let _turn = lane.turn.write().await;
        shared.settle(lane, Extent::All).await?;
        let (asked, versions) = begin(lane, shared.clock.now(), State::versions);
        let mut answer = shared.store.load(&not_older(load, versions)).await?;
        let _ = lane.state().loaded(load, &mut answer, asked);
        Ok(answer)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for WriteBehind<S> {
    const AT_ONCE: bool = false;

    fn about(&self) -> About {
        self.shared().store.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        let shared = self.shared();
        let lane = shared.lane(load.guard.handle);
        let turn = lane.turn.read().await;
        if !lane.state().can_load() {
            drop(turn);
            return self.load_settled(&lane, load).await;
        }
        let (asked, versions) = begin(&lane, shared.clock.now(), State::held_versions);
        let mut answer = shared.store.load(&not_older(load, versions)).await?;
        let before = seen(&answer);
        if matches!(lane.state().loaded(load, &mut answer, asked), Look::Right) {
            return Ok(answer);
        }
        drop(turn);
        let mut answer = self.load_settled(&lane, load).await?;
        if let (Loaded::Open(opened), Some((now, accessed_at))) = (&mut answer, before)
            && opened.meta.accessed_at >= now
        {
            // The access that is shown is this load's own, from when it first asked.
            opened.meta.accessed_at = accessed_at;
        }
        Ok(answer)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let shared = self.shared();
        let lane = shared.lane(commit.guard.handle);
        match shared.take(&lane, commit) {
            Decision::Held(committed) => {
                shared.ensure_writer();
                return Ok(Outcome::Committed(committed));
            }
            Decision::Repeated(committed) => return Ok(Outcome::Committed(committed)),
            Decision::AtOnce => {}
        }
        let _at_once = lane.at_once();
        let _turn = lane.turn.write().await;
        let lost = shared.settle(&lane, Extent::All).await?.is_some() || lane.state().lost;
        if let (true, Some(name)) = (lost, expects(commit)) {
            return Ok(Outcome::Conflict(Conflict::Attribute(name)));
        }
        let asked = lane.state().ask(shared.clock.now());
        let unanswered = lane.unanswered();
        let answer = shared.store.commit(commit).await;
        unanswered.answered();
        lane.state().committed(commit, &answer, asked);
        if let Ok(Outcome::Committed(committed)) = &answer {
            self.have_ended(&committed.ended);
        }
        answer
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        match invalidate {
            Invalidate::Ticket(guard) => self.end_one(guard.handle, invalidate).await,
            Invalidate::Handle { handle, .. } => self.end_one(*handle, invalidate).await,
            Invalidate::Principal { principal, .. } => self.end_all_of(principal, invalidate).await,
            Invalidate::Everyone => self.end_everyone(invalidate).await,
        }
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.settle_those_of(principal).await;
        self.shared().store.sessions_of(principal).await
    }

    /// Writes first what is held back of sessions that the store may take for expired. If that fails, nothing is handed out: an
    /// end that is late harms nobody, and one of a session in use would.
    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        let shared = self.shared();
        let now = shared.clock.now();
        shared.write_all(shared.held(|_, state| state.may_look_expired(now))).await?;
        shared.store.sweep(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.shared().store.acknowledge(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.shared().store.ping().await
    }

    fn feed(&self) -> Option<Feed> {
        self.shared().store.feed()
    }
}

/// Begins to ask the store about a session.
fn begin(
    lane: &Lane,
    now: Timestamp,
    versions: impl Fn(&State) -> Option<Versions>,
) -> (Asked, Option<Versions>) {
    let state = lane.state();
    (state.ask(now), versions(&state))
}

fn not_older(load: &Load, versions: Option<Versions>) -> Load {
    let freshness = versions.map_or(load.freshness, |versions| versions.not_older(load.freshness));
    Load { freshness, ..load.clone() }
}

/// Returns when an open session was looked at, and its last access before that.
fn seen(answer: &Loaded) -> Option<(Timestamp, Timestamp)> {
    match answer {
        Loaded::Open(opened) => Some((opened.now, opened.meta.accessed_at)),
        _ => None,
    }
}

impl<S: Store> Clone for WriteBehind<S> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle) }
    }
}

impl<S: Store> Drop for OneOf<S> {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.wake.notify_one();
    }
}

impl<S: Store> fmt::Debug for WriteBehind<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.shared().settings;
        let every: Duration = settings.every;
        f.debug_struct("WriteBehind")
            .field("store", &self.about())
            .field("every", &every)
            .finish_non_exhaustive()
    }
}
