use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use cloakroom_core::{
    DynStore, Error as StoreError, ErrorKind, Freshness, Gone, Handle, Load, Loaded, Name, Names, Opened,
    Select, Ticket, Touch, Wanted,
};
use http::{Extensions, Request, Response};
use tokio_util::task::TaskTracker;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument as _, Level};

use super::attributes::Seen;
use super::marks::Marks;
use super::state::{State, Target};
use super::task::run_aside;
use crate::at_rest::AtRest;
use crate::config::{Contents, Settings};
use crate::cookie::{Cookies, OwnHeader, Tracker, Writer, tickets};
use crate::error::{Error, StoreNothing};
use crate::events::Events;
use crate::foresight::{Asked, Foresight};
use crate::route::Activity;
use crate::telemetry;

/// What all requests of a layer share.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn DynStore>,
    /// Whether the store has every answer at once.
    pub(crate) at_once: bool,
    pub(crate) settings: Settings,
    pub(crate) writer: Writer,
    pub(crate) own_header: Option<OwnHeader>,
    /// Lets the version seen travel with the visitor.
    pub(crate) tracker: Option<Box<Tracker>>,
    pub(crate) at_rest: AtRest,
    /// The commits and invalidations under way.
    pub(crate) tasks: TaskTracker,
    pub(crate) events: Option<Arc<Events>>,
    pub(crate) to_inspect: Arc<AtomicI32>,
    /// What requests will read. A store that has its answers at once would gain nothing.
    pub(crate) foresight: Option<Arc<Foresight>>,
}

impl Shared {
    /// Returns the store itself. The pointer to it is a store too, which would box every answer once more.
    pub(crate) fn store(&self) -> &dyn DynStore {
        &*self.store
    }

    /// Does work that nothing but the store makes wait: on the stack if the store never does. Otherwise in a box, so that
    /// the handler's own future need not have room for it.
    async fn aside<T, F: Future<Output = T>>(&self, work: impl Fn() -> F) -> T {
        match self.at_once(&work) {
            Some(done) => done,
            None => Box::pin(work()).await,
        }
    }

    /// Does work at once if the store never makes it wait; `None` if it has to wait all the same, and nothing was done.
    pub(super) fn at_once<T, F: Future<Output = T>>(&self, work: impl Fn() -> F) -> Option<T> {
        if !self.at_once {
            return None;
        }
        match pin!(work()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }
}

/// One request's session, whether or not the request asks for it.
pub(crate) struct Inner {
    pub(super) shared: Arc<Shared>,
    cookies: Cookies,
    marks: Marks,
    /// What the request came for, if that tells what it will read.
    pub(super) asked: Option<Asked>,
    /// Made when the request first asks for its session.
    used: OnceLock<Box<Mutex<State>>>,
    /// Whether the response's head had gone out before that.
    over: AtomicBool,
}

/// The right to use the store, which one operation of a request has at a time. Dropping it passes it on.
pub(super) struct Turn<'a>(&'a Inner);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Whoever is woken may look at the session at once: the lock must be free by then.
        let waiting = self.0.state().end_turn();
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Inner {
    /// Begins a request.
    pub(crate) fn begin<B>(shared: &Arc<Shared>, request: &Request<B>) -> Arc<Self> {
        let settings = &shared.settings;
        let cookies = Cookies::of(request.headers(), shared.own_header.as_ref());
        let marks = Marks::of(if settings.every_request { Activity::Always } else { Activity::IfUsed });
        let may_learn = shared.foresight.is_some() && !matches!(cookies, Cookies::None);
        let asked = may_learn.then(|| Asked::by(request.method(), request.uri().path()));
        let shared = Arc::clone(shared);
        Arc::new(Self { shared, cookies, marks, asked, used: OnceLock::new(), over: AtomicBool::new(false) })
    }

    /// Returns what the layer and the route say of the request.
    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Returns whether a response counts as failed.
    pub(crate) fn is_failed<R>(&self, response: &Response<R>) -> bool {
        let refused = response.extensions().get::<StoreNothing>().is_some();
        refused || self.settings().is_failed(response.status(), response.headers())
    }

    /// Returns whether commits carry all of the session.
    pub(crate) fn carries_everything(&self) -> bool {
        self.settings().contents == Contents::Everything
    }

    /// Returns whether the request came with a cookie at all.
    pub(super) fn has_cookies(&self) -> bool {
        !matches!(self.cookies, Cookies::None)
    }

    pub(super) fn cookies(&self) -> &Cookies {
        &self.cookies
    }

    #[inline]
    fn tickets(&self) -> impl Iterator<Item = Ticket> + Send {
        tickets(&self.cookies, self.cookie_name(), self.shared.writer.signer())
    }

    /// Returns the headers that carry what the cookies would, if there are any, and whether they do so for this request.
    pub(crate) fn header(&self) -> Option<(&OwnHeader, bool)> {
        let own = self.shared.own_header.as_ref()?;
        Some((own, self.cookies.are_of_own_header()))
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    pub(crate) fn cookie_name(&self) -> &str {
        &self.settings().cookie.name
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(self.used.get_or_init(|| self.begin_use()))
    }

    fn begin_use(&self) -> Box<Mutex<State>> {
        let mut used = Box::<Mutex<State>>::default();
        used.get_mut().unwrap_or_else(PoisonError::into_inner).head_sent = self.over.load(Ordering::SeqCst);
        used
    }

    /// Takes note that nobody commits for this request any more, and returns whether it has asked for its session.
    #[inline]
    pub(super) fn is_used_at_the_end(&self) -> bool {
        self.over.store(true, Ordering::SeqCst);
        self.used.get().is_some()
    }

    /// Takes note that nobody commits for this request any more, and returns its state if it has asked for its session.
    #[inline]
    pub(super) fn state_at_the_end(&self) -> Option<MutexGuard<'_, State>> {
        self.is_used_at_the_end().then(|| self.state())
    }

    /// Waits until no other operation of this request is under way.
    pub(super) fn turn(&self) -> impl Future<Output = Turn<'_>> + Send {
        poll_fn(|cx| match self.state().begin_turn(cx.waker()) {
            true => Poll::Ready(Turn(self)),
            false => Poll::Pending,
        })
    }

    /// Opens the session unless it is open, with at least the `wanted` attributes.
    pub(super) async fn open(self: &Arc<Self>, extensions: &Extensions, wanted: &Names) -> Result<(), Error> {
        let loaded = self.state().is_loaded();
        if !loaded && self.shared.aside(|| self.try_tickets(extensions, wanted)).await? {
            return Ok(());
        }
        if self.marks.demands_latest() {
            Box::pin(self.catch_up()).await?;
        }
        Box::pin(self.fetch(wanted)).await
    }

    /// Records an access, and reads nothing.
    pub(super) async fn touch_only(&self) -> Result<(), Error> {
        for ticket in self.tickets() {
            let load = Load {
                guard: ticket.guard(),
                select: Select::default(),
                touch: self.touch(),
                freshness: Freshness::Any,
            };
            if let Loaded::Open(_) = self.load(&load).await? {
                break;
            }
        }
        Ok(())
    }

    /// Returns the session's public name, as long as there is one to speak of.
    pub(super) fn handle(&self) -> Option<Handle> {
        match &self.state().target {
            Target::Open(open) => Some(open.guard.handle),
            Target::Superseded(ticket) => Some(ticket.handle()),
            Target::Unopened | Target::New | Target::Gone | Target::Unreachable => None,
        }
    }

    /// Returns whether this has opened the session: should two tasks of one request try at once, the first to come to an
    /// end has.
    async fn try_tickets(&self, extensions: &Extensions, wanted: &Names) -> Result<bool, Error> {
        let mut superseded = None;
        let route = self.route_to_learn(extensions);
        let mut reads = self.shared.foresight.as_ref().zip(route).and_then(|(all, route)| all.begin(route));
        for ticket in self.tickets() {
            let select = self.selection(extensions, wanted, reads.as_deref());
            let seen = self.seen_before(&ticket);
            let (touch, freshness) = (self.touch(), self.freshness(seen));
            let load = Load { guard: ticket.guard(), select, touch, freshness };
            let loaded = match self.load(&load).await {
                Ok(loaded) => loaded,
                Err(error) => return self.without_store(error),
            };
            match loaded {
                Loaded::Open(opened) => {
                    let mut state = self.state();
                    let first = !state.is_loaded();
                    if first {
                        state.renewal_due = self.is_to_renew(&opened);
                        let opener = self.shared.at_rest.opener(load.guard.handle);
                        state.open((ticket, seen), (&load, opener), opened);
                        (state.route, state.reads) = (route, reads.take());
                        state.is_latest = freshness == Freshness::Latest;
                    }
                    return Ok(first);
                }
                Loaded::Superseded => {
                    telemetry::rejected("superseded");
                    superseded = superseded.or(Some(ticket));
                }
                Loaded::Absent => {
                    telemetry::rejected("unknown");
                    tracing::debug!(session.handle = %ticket.handle(), "ignoring an unknown session ticket");
                }
            }
        }
        let mut state = self.state();
        let first = !state.is_loaded();
        if first {
            state.start_anew();
            state.is_new = true;
            if let Some(ticket) = superseded {
                state.came_superseded = true;
                state.target = Target::Superseded(ticket);
            }
        }
        Ok(first)
    }

    /// Returns how the request's load is an access.
    pub(super) fn touch(&self) -> Touch {
        match self.marks.activity() {
            Activity::Never => Touch::Never,
            _ => Touch::AtMostEvery(self.settings().touch_every),
        }
    }

    /// Reads attributes that the request has not seen yet.
    ///
    /// If the session has changed since, what the request has read and not changed is read again in one snapshot with
    /// them, so that it never mixes two states.
    pub(super) async fn fetch(self: &Arc<Self>, wanted: &[Name]) -> Result<(), Error> {
        let unseen = self.unseen(wanted);
        if unseen.is_empty() {
            return Ok(());
        }
        self.state().wish(&unseen);
        let inner = Arc::clone(self);
        let fetch = async move { inner.fetch_in_turn(unseen).await };
        if self.shared.at_once {
            return self.to_its_end(fetch).await;
        }
        // Whatever is polled together with this asks before the task runs.
        run_aside(&self.shared.tasks, fetch).await.unwrap_or_else(|| Err(Error::interrupted()))
    }

    async fn fetch_in_turn(&self, mut wanted: Vec<Name>) -> Result<(), Error> {
        let _turn = self.turn().await;
        if self.unseen(&wanted).is_empty() {
            return Ok(());
        }
        let epoch = {
            let mut state = self.state();
            wanted.append(&mut state.wishes);
            state.epoch
        };
        wanted.sort_unstable();
        wanted.dedup();
        let unseen = self.unseen(&wanted);
        let wanted = Wanted::Named(unseen.clone().into());
        let opened = self.read(wanted.clone(), Freshness::Any).await?;
        self.state().fetched(unseen.len());
        if self.is_as_read(&opened) {
            self.refresh(&wanted, opened, epoch);
            return Ok(());
        }
        self.read_again(unseen, Freshness::Any).await
    }

    /// Reads the names of all attributes. If the session has changed since, what the request has read and not changed is
    /// read again in the same snapshot.
    pub(super) async fn fetch_names(self: &Arc<Self>) -> Result<Vec<Name>, Error> {
        let inner = Arc::clone(self);
        self.to_its_end(async move { inner.fetch_names_in_turn().await }).await
    }

    async fn fetch_names_in_turn(&self) -> Result<Vec<Name>, Error> {
        let _turn = self.turn().await;
        let only_names = Select { names: true, ..Select::default() };
        let opened = self.look(only_names, Touch::Never, Freshness::Any).await?.ok_or_else(Error::gone)?;
        if self.is_as_read(&opened) {
            return Ok(opened.names.unwrap_or_default());
        }
        let (read, epoch) = {
            let state = self.state();
            (Wanted::Named(state.attributes.read_and_unchanged().collect()), state.epoch)
        };
        let both = Select { values: read.clone(), names: true };
        let mut opened = self.look(both, Touch::Never, Freshness::Any).await?.ok_or_else(Error::gone)?;
        let names = opened.names.take().unwrap_or_default();
        self.refresh(&read, opened, epoch);
        Ok(names)
    }

    /// Reads these attributes, and again what the request has read and not changed, in one snapshot. The caller holds
    /// the gate.
    pub(super) async fn read_again(&self, mut names: Vec<Name>, freshness: Freshness) -> Result<(), Error> {
        let (wanted, epoch) = {
            let state = self.state();
            names.extend(state.attributes.read_and_unchanged());
            names.sort_unstable();
            names.dedup();
            let everything = state.attributes.is_complete() || self.carries_everything();
            (if everything { Wanted::Everything } else { Wanted::Named(names.into()) }, state.epoch)
        };
        let opened = self.read(wanted.clone(), freshness).await?;
        self.refresh(&wanted, opened, epoch);
        self.state().is_latest |= freshness == Freshness::Latest;
        Ok(())
    }

    /// Returns whether a later snapshot is of the state that the request has read.
    fn is_as_read(&self, later: &Opened) -> bool {
        self.state().opened().is_some_and(|open| open.snapshot.meta.version == later.meta.version)
    }

    fn unseen(&self, wanted: &[Name]) -> Vec<Name> {
        let state = self.state();
        wanted.iter().filter(|name| state.attributes.see(name.as_str()) == Seen::Unknown).cloned().collect()
    }

    async fn read(&self, values: Wanted, freshness: Freshness) -> Result<Box<Opened>, Error> {
        let select = Select { values, names: false };
        self.look(select, Touch::Never, freshness).await?.ok_or_else(Error::gone)
    }

    /// Loads once more from the session that is open, at least as new as what the request has seen; `None` if it is gone, of
    /// which the request takes note.
    pub(super) async fn look(
        &self,
        select: Select,
        touch: Touch,
        freshness: Freshness,
    ) -> Result<Option<Box<Opened>>, Error> {
        let opened = self.state().opened().map(|open| (open.guard, open.visitor.knows));
        let Some((guard, seen)) = opened else { return Ok(None) };
        let freshness = if freshness == Freshness::Latest { freshness } else { self.freshness(seen) };
        let gone = match self.load(&Load { guard, select, touch, freshness }).await? {
            Loaded::Open(opened) => {
                if let Target::Open(open) = &mut self.state().target {
                    open.heard_at = open.heard_at.max(opened.now);
                }
                return Ok(Some(opened));
            }
            Loaded::Absent => Gone::Absent,
            Loaded::Superseded => Gone::Superseded,
        };
        let mut state = self.state();
        if state.opened().is_some_and(|open| open.guard == guard) {
            state.lost(gone);
        }
        Ok(None)
    }

    /// Takes note of a later snapshot, unless the request has turned to another session meanwhile.
    fn refresh(&self, wanted: &Wanted, opened: Box<Opened>, epoch: u64) {
        let mut state = self.state();
        let same = state.epoch == epoch;
        if let (Target::Open(open), true) = (&mut state.target, same) {
            // The last access that the request is told is the one before its own.
            let accessed_at = open.snapshot.meta.accessed_at;
            open.snapshot.meta = cloakroom_core::Meta { accessed_at, ..opened.meta };
            open.visitor.sees(open.snapshot.meta.version);
            let opener = self.shared.at_rest.opener(open.guard.handle);
            state.attributes.loaded(wanted, opened.attributes, opened.now, opener);
        }
    }

    #[inline]
    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        let answer = self.bounded("load", self.shared.store().dyn_load(load)).await;
        telemetry::loaded(load, &answer);
        Ok(answer?)
    }

    /// Waits for an operation on the store no longer than the store timeout.
    pub(super) async fn bounded<T>(
        &self,
        during: &'static str,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let _timer = telemetry::timed(during);
        let mut operation = pin!(operation);
        // No timer is set for a store that has its answer at once.
        if self.shared.at_once
            && let Poll::Ready(answer) = poll_fn(|cx| Poll::Ready(operation.as_mut().poll(cx))).await
        {
            return answer;
        }
        let waiting = tokio::time::timeout(self.settings().store_timeout, operation);
        // To make a span that nobody wants costs hundreds of instructions where `log` is told of spans.
        let waited = if LevelFilter::current() < Level::DEBUG {
            waiting.await
        } else {
            let span = tracing::debug_span!("session_store", operation = during);
            Box::pin(waiting.instrument(span)).await
        };
        waited.unwrap_or_else(|_| Err(StoreError::of(ErrorKind::Timeout, during)))
    }
}

/// Every change under this lock is whole before anything can panic, so a poisoned one is still good.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Inner {
    #[inline]
    fn drop(&mut self) {
        let Some(used) = self.used.get_mut() else { return };
        let state = used.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let (Some(reads), Some(foresight)) = (state.reads.take(), &self.shared.foresight) {
            let bytes = |name: &Name| state.attributes.found_bytes(name.as_str());
            reads.end(foresight, !state.abandoned, bytes);
        }
        let handle = state.opened().map(|open| tracing::field::display(open.guard.handle));
        if state.head_sent && state.has_unreported() {
            telemetry::lost("never_committed");
            tracing::warn!(
                session.handle = handle,
                "session changes are lost: they were made after the response's head had gone out, and never committed"
            );
        }
    }
}
