use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cloakroom::core::{
    About, Commit, Ended, Error, Feed, Freshness, Handle, Invalidate, Invalidated, Load, Loaded, Notice,
    Outcome, Principal, SessionInfo, Store, Sweep,
};
use cloakroom_testkit::ReferenceStore;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// How often a feed says that it has caught up.
const BEAT: Duration = Duration::from_millis(20);

/// The reference store, which tells every change.
#[derive(Clone)]
pub(crate) struct Telling {
    inner: ReferenceStore,
    pub(crate) hub: Arc<Hub>,
}

/// Where changes are told.
#[derive(Default)]
pub(crate) struct Hub {
    lines: Mutex<Vec<Weak<Line>>>,
    /// How many loads the store has answered.
    loads: AtomicUsize,
    is_cut_off: AtomicBool,
    /// Answers loads that need not have the latest, like a copy of the store that lags behind.
    pub(crate) copy: Mutex<Option<Loaded>>,
    /// How many of the next loads panic.
    pub(crate) panics: AtomicUsize,
    /// Counts the buffers that values were read into and that somebody has still.
    buffers: Arc<()>,
    /// Holds loads up after they have read.
    pub(crate) gate: Mutex<Option<Arc<Notify>>>,
}

/// What is on its way to one who listens.
struct Line {
    queue: Mutex<Queue>,
    arrived: Notify,
    /// Whether all that was told has been taken, and done.
    is_idle: watch::Sender<bool>,
    /// Whether it says nothing of having caught up.
    is_silent: AtomicBool,
    /// Whether nobody waits until what was told has been taken.
    is_free: AtomicBool,
}

/// What a driver has read into, of which it hands out slices.
struct Buffer {
    bytes: Bytes,
    _counted: Arc<()>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Who listens at a line.
struct Listener(Arc<Line>);

/// Nobody takes what is told from now on, and nobody need wait for that.
impl Drop for Listener {
    fn drop(&mut self) {
        let mut queue = self.0.queue.lock().unwrap();
        queue.is_closed = true;
        self.0.is_idle.send_replace(true);
    }
}

#[derive(Default)]
struct Queue {
    said: VecDeque<Said>,
    is_closed: bool,
}

enum Said {
    Told(Notice),
    Broken,
}

impl Telling {
    pub(crate) fn new(inner: ReferenceStore) -> Self {
        Self { inner, hub: Arc::default() }
    }
}

impl Hub {
    fn lines(&self) -> Vec<Arc<Line>> {
        self.lines.lock().unwrap().iter().filter_map(Weak::upgrade).collect()
    }

    fn say(&self, said: impl Fn() -> Said) {
        for line in self.lines() {
            let mut queue = line.queue.lock().unwrap();
            if queue.is_closed {
                continue;
            }
            queue.said.push_back(said());
            line.is_idle.send_replace(false);
            line.arrived.notify_one();
        }
    }

    pub(crate) fn tell(&self, notice: Notice) {
        if self.is_cut_off.load(Ordering::SeqCst) {
            return;
        }
        self.say(|| Said::Told(notice));
    }

    /// Breaks every feed.
    pub(crate) fn cut(&self) {
        self.say(|| Said::Broken);
    }

    /// Lets the feeds say no more that they have caught up, or say so again.
    pub(crate) fn silence(&self, is_silent: bool) {
        for line in self.lines() {
            line.is_silent.store(is_silent, Ordering::SeqCst);
        }
    }

    /// Waits no more for the one who began to listen last.
    pub(crate) fn let_go(&self) {
        self.lines().last().unwrap().is_free.store(true, Ordering::SeqCst);
    }

    /// Returns how many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.lines().len()
    }

    /// Waits until all that was told has been done.
    pub(crate) async fn settled(&self) {
        for line in self.lines().iter().filter(|line| !line.is_free.load(Ordering::SeqCst)) {
            let _ = line.is_idle.subscribe().wait_for(|is_idle| *is_idle).await;
        }
    }

    /// Tells nobody of changes any more, as if they were on their way.
    pub(crate) fn cut_off(&self) {
        self.is_cut_off.store(true, Ordering::SeqCst);
    }

    /// Tells again.
    pub(crate) fn cut_in(&self) {
        self.is_cut_off.store(false, Ordering::SeqCst);
    }

    /// Returns whether every feed has caught up.
    pub(crate) fn is_whole(&self) -> bool {
        let lines = self.lines();
        !lines.is_empty() && lines.iter().all(|line| *line.is_idle.borrow())
    }

    pub(crate) fn buffers(&self) -> usize {
        Arc::strong_count(&self.buffers) - 1
    }

    /// Puts values into buffers, as a driver has them.
    fn buffered(&self, answer: &mut Loaded) {
        if let Loaded::Open(opened) = answer {
            for held in &mut opened.attributes {
                let buffer = Buffer { bytes: held.value.clone(), _counted: Arc::clone(&self.buffers) };
                held.value = Bytes::from_owner(buffer);
            }
        }
    }

    pub(crate) fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    fn feed(&self) -> Feed {
        let line = Arc::new(Line {
            queue: Mutex::default(),
            arrived: Notify::new(),
            is_idle: watch::channel(false).0,
            is_silent: AtomicBool::new(false),
            is_free: AtomicBool::new(false),
        });
        self.lines.lock().unwrap().push(Arc::downgrade(&line));
        let feed = futures_util::stream::unfold((Listener(line), None), |(listener, told)| async move {
            let (said, told) = listener.0.next(told).await?;
            Some((said, (listener, told)))
        });
        Box::pin(feed)
    }
}

type Item = (Result<Notice, Error>, Option<Instant>);

impl Line {
    async fn next(&self, mut told: Option<Instant>) -> Option<Item> {
        loop {
            let now = Instant::now();
            {
                let mut queue = self.queue.lock().unwrap();
                match queue.said.pop_front() {
                    Some(Said::Told(notice)) => return Some((Ok(notice), told)),
                    Some(Said::Broken) => {
                        return Some((Err(Error::of(cloakroom::core::ErrorKind::Unavailable, "feed")), None));
                    }
                    None => {}
                }
                // Whoever asks for more has done what was told before.
                if told.is_some() {
                    self.is_idle.send_replace(true);
                }
            }
            if told.is_none_or(|told| told.elapsed() >= BEAT) && !self.is_silent.load(Ordering::SeqCst) {
                told = Some(now);
                return Some((Ok(Notice::CaughtUp(now)), told));
            }
            let _ = timeout(BEAT, self.arrived.notified()).await;
        }
    }
}

impl Store for Telling {
    fn about(&self) -> About {
        self.inner.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        self.hub.loads.fetch_add(1, Ordering::SeqCst);
        let left = |panics: usize| panics.checked_sub(1);
        if self.hub.panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
            panic!("a store that panics, as it was told to");
        }
        let copy = self.hub.copy.lock().unwrap().clone();
        if let (Some(copy), true) = (copy, load.freshness != Freshness::Latest) {
            return Ok(copy);
        }
        let mut answer = self.inner.load(load).await;
        answer.iter_mut().for_each(|answer| self.hub.buffered(answer));
        let gate = self.hub.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        answer
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let outcome = self.inner.commit(commit).await?;
        if let Outcome::Committed(committed) = &outcome {
            let (handle, version) = (commit.guard.handle, committed.version);
            self.hub.tell(Notice::Committed { handle, version });
            let told = |ended: &Ended| self.hub.tell(Notice::Ended { handle: Some(ended.handle) });
            committed.ended.iter().for_each(told);
        }
        Ok(outcome)
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        let answer = self.inner.invalidate(invalidate).await?;
        match (&answer, invalidate) {
            (_, Invalidate::Everyone) => self.hub.tell(Notice::Ended { handle: None }),
            (Invalidated::Done(ended), _) => {
                ended.iter().for_each(|it| self.hub.tell(Notice::Ended { handle: Some(it.handle) }));
            }
            _ => {}
        }
        Ok(answer)
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.inner.sessions_of(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.inner.sweep(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.inner.acknowledge(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.inner.ping().await
    }

    fn feed(&self) -> Option<Feed> {
        Some(self.hub.feed())
    }
}
