use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cloakroom_core::BoxFuture;
use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};

use crate::Harness;
use crate::watched::{Pace, Watched};

/// How long a case may take in all, whatever the store does.
const LIMIT: Duration = Duration::from_secs(180);

/// How often a case is run that is too slow to prove anything.
const ROUNDS: usize = 5;

/// How many cases run at once.
const AT_ONCE: usize = 16;

/// One conformance case for harnesses of the type `H`.
pub struct Case<H> {
    name: &'static str,
    run: fn(&H) -> BoxFuture<'_, ()>,
}

impl<H: Harness> Case<H> {
    #[doc(hidden)]
    #[must_use]
    pub fn new(name: &'static str, run: fn(&H) -> BoxFuture<'_, ()>) -> Self {
        Self { name, run }
    }

    /// Returns the case's name, such as `"load::an_unknown_session_is_absent"`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case.
    ///
    /// # Panics
    ///
    /// When the store fails it.
    pub async fn run(&self, harness: &H) {
        (self.run)(harness).await;
    }
}

impl<H> fmt::Debug for Case<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// Lists all conformance cases.
#[must_use]
pub fn list<H: Harness>() -> Vec<Case<H>> {
    crate::for_each_case! { crate::__case_table, () }
}

/// Runs all conformance cases, each in a task of its own with a harness of its own, and says how each went.
///
/// Call it within a tokio runtime. The function that makes a harness is called once for each case, and again for one that was
/// too slow to prove anything; see [`Harness`].
///
/// ```
/// use cloakroom_testkit::{ReferenceHarness, run_all};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let report = run_all(ReferenceHarness::new).await;
/// println!("{report}");
/// assert!(report.is_passed());
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub async fn run_all<H, M, F>(make: M) -> Report
where
    H: Harness,
    M: Fn() -> F + Send,
    F: Future<Output = H> + Send + 'static,
{
    run_matching(make, |_| true).await
}

/// Runs those of the conformance cases whose name `matches`, as [`run_all`] does.
///
/// ```
/// use cloakroom_testkit::{ReferenceHarness, run_matching};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let report = run_matching(ReferenceHarness::new, |name| name.starts_with("load::")).await;
/// assert!(report.is_passed());
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub async fn run_matching<H, M, F>(make: M, matches: impl Fn(&str) -> bool + Send) -> Report
where
    H: Harness,
    M: Fn() -> F + Send,
    F: Future<Output = H> + Send + 'static,
{
    let mut cases = list::<Watched<H>>();
    cases.retain(|case| matches(case.name));
    let make = Arc::new(Mutex::new(make));
    let runs: Vec<_> = cases.into_iter().map(|case| verdict(case, Arc::clone(&make))).collect();
    let verdicts = stream::iter(runs).buffered(AT_ONCE).collect().await;
    Report { verdicts }
}

async fn verdict<H, M, F>(case: Case<Watched<H>>, make: Arc<Mutex<M>>) -> Verdict
where
    H: Harness,
    M: Fn() -> F + Send,
    F: Future<Output = H> + Send + 'static,
{
    let Case { name, run } = case;
    let decided = decided(move || {
        let harness = make.lock().unwrap_or_else(PoisonError::into_inner)();
        let task = tokio::spawn(attempt(run, harness));
        task.map(|ended| ended.unwrap_or_else(|failed| resume_unwind(failed.into_panic())))
    });
    Verdict { name, failure: decided.await.err().map(message) }
}

/// Runs a case until it passes, or fails and was fast enough to prove something.
async fn decided<A>(attempt: impl Fn() -> A) -> Result<(), Panic>
where
    A: Future<Output = Result<(), Failure>>,
{
    let began = Instant::now();
    let mut round = 1;
    loop {
        match attempt().await {
            Err(failure) if failure.was_too_slow && round < ROUNDS && began.elapsed() < LIMIT => round += 1,
            decided => return decided.map_err(|failure| failure.panic),
        }
    }
}

type Panic = Box<dyn Any + Send>;

struct Failure {
    panic: Panic,
    was_too_slow: bool,
}

/// Runs a case once.
async fn attempt<H: Harness>(
    run: fn(&Watched<H>) -> BoxFuture<'_, ()>,
    harness: impl Future<Output = H> + Send,
) -> Result<(), Failure> {
    let pace = Arc::new(Pace::default());
    let work = async {
        let harness = Watched::new(harness.await, Arc::clone(&pace));
        run(&harness).await;
    };
    let bounded = async {
        let done = tokio::time::timeout(LIMIT, work).await;
        assert!(done.is_ok(), "the case was not over within {LIMIT:?}");
    };
    let ended = AssertUnwindSafe(bounded).catch_unwind().await;
    ended.map_err(|panic| Failure { panic, was_too_slow: pace.was_too_slow() })
}

fn message(panic: Panic) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map_or_else(|_| "no message".into(), |text| (*text).into()),
    }
}

/// Runs one case in a runtime of its own.
#[doc(hidden)]
pub fn run_case<H, F>(make: impl Fn() -> F, run: fn(&Watched<H>) -> BoxFuture<'_, ()>)
where
    H: Harness,
    F: Future<Output = H> + Send,
{
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a tokio runtime");
    let decided = runtime.block_on(decided(|| attempt(run, make())));
    if let Err(panic) = decided {
        resume_unwind(panic);
    }
}

/// How all conformance cases went.
#[derive(Clone, Debug)]
pub struct Report {
    verdicts: Vec<Verdict>,
}

impl Report {
    /// Returns what became of each case, in the order of the list.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// Returns the cases that the store failed.
    pub fn failures(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| !verdict.is_passed())
    }

    /// Returns whether the store passed every case.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.failures().next().is_none()
    }
}

/// Writes the failures, one a line, and the totals.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Verdict { name, failure } in self.failures() {
            writeln!(f, "{name}: {}", failure.as_deref().unwrap_or_default())?;
        }
        let failed = self.failures().count();
        write!(f, "{} passed, {failed} failed", self.verdicts.len() - failed)
    }
}

/// What became of one case.
#[derive(Clone, Debug)]
pub struct Verdict {
    name: &'static str,
    failure: Option<String>,
}

impl Verdict {
    /// Returns the case's name, such as `"load::an_unknown_session_is_absent"`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns whether the store passed the case.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.failure.is_none()
    }

    /// Returns what the case said when it failed.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}
