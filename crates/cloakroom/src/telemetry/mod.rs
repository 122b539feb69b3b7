//! What is counted, through the `metrics` facade. Without the feature `metrics` each of these functions is empty.
//!
//! `docs/metrics.md` has the names in one table.

#![cfg_attr(
    not(feature = "metrics"),
    expect(unused_variables, reason = "what is told here is of no use without the feature")
)]

use std::time::Duration;

use cloakroom_core::{Commit, Error, Load, Loaded, Outcome};

/// Returns after how long an operation on the store has ended, to the metrics, when it is dropped.
#[must_use]
pub(crate) struct Timer {
    #[cfg(feature = "metrics")]
    began: (std::time::Instant, &'static str),
}

/// Begins to measure an operation on the store.
#[inline]
pub(crate) fn timed(operation: &'static str) -> Timer {
    Timer {
        #[cfg(feature = "metrics")]
        began: (std::time::Instant::now(), operation),
    }
}

#[cfg(feature = "metrics")]
impl Drop for Timer {
    fn drop(&mut self) {
        let (began, operation) = self.began;
        metrics::histogram!("cloakroom_store_seconds", "operation" => operation).record(began.elapsed());
    }
}

/// Counts a load or a fetch: its answer, its bytes, and whether it recorded an access.
#[inline]
pub(crate) fn loaded(load: &Load, answer: &Result<Loaded, Error>) {
    #[cfg(feature = "metrics")]
    recording::loaded(load, answer);
}

/// Counts a ticket that opened nothing.
#[inline]
pub(crate) fn rejected(reason: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_rejected_tickets_total", "reason" => reason).increment(1);
}

/// Counts a commit: its answer, and its bytes beside those of the whole session as it was last loaded.
#[inline]
pub(crate) fn committed(commit: &Commit, answer: &Result<Outcome, Error>, loaded: impl FnOnce() -> u64) {
    #[cfg(feature = "metrics")]
    recording::committed(commit, answer, loaded());
}

/// Counts changes that were lost.
#[inline]
pub(crate) fn lost(reason: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_lost_changes_total", "reason" => reason).increment(1);
}

/// Counts a stored value that could not be decoded.
#[inline]
pub(crate) fn undecodable() {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_undecodable_values_total").increment(1);
}

/// Counts a request that runs without its session because the store failed and its route allows it.
#[inline]
pub(crate) fn anonymous() {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_anonymous_requests_total").increment(1);
}

/// Counts the attributes of one request that were foreseen and used, foreseen in vain, and fetched because they were not
/// foreseen; and the bytes of the second.
#[inline]
pub(crate) fn foreseen(counts: [u32; 3], bytes_in_vain: impl FnOnce() -> usize) {
    #[cfg(feature = "metrics")]
    recording::foreseen(counts, bytes_in_vain);
}

/// Tells how many more routes are remembered.
#[inline]
pub(crate) fn routes(more: f64) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("cloakroom_foreseen_routes").increment(more);
}

/// Counts a load that a near cache has answered, or has not: `hit` or `miss`.
#[inline]
pub(crate) fn near_cache_loaded(result: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_near_cache_loads_total", "result" => result).increment(1);
}

/// Counts sessions that a near cache has dropped: `changed`, `expired`, `full` or `feed`.
#[inline]
pub(crate) fn near_cache_dropped(reason: &'static str, sessions: usize) {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_near_cache_dropped_total", "reason" => reason).increment(sessions as u64);
}

/// Tells that something in a near cache takes more bytes now, or fewer.
#[inline]
#[cfg_attr(feature = "metrics", expect(clippy::cast_precision_loss, reason = "a gauge is a float"))]
pub(crate) fn near_cache_bytes(before: usize, after: usize) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("cloakroom_near_cache_bytes").increment(after as f64 - before as f64);
}

/// Tells for how long a near cache was without proof that it has been told everything.
#[inline]
pub(crate) fn near_cache_staleness(staleness: Duration) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("cloakroom_near_cache_staleness_seconds").set(staleness.as_secs_f64());
}

/// Counts what happened to a session: `created`, `rotated` or `signed_in`.
#[inline]
pub(crate) fn lived(event: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_lifecycle_total", "event" => event).increment(1);
}

/// Counts a session that was ended.
#[inline]
pub(crate) fn invalidated(asked_by: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_invalidated_total", "asked_by" => asked_by).increment(1);
}

/// Counts expired sessions that were removed.
#[inline]
pub(crate) fn expired(removed: usize) {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_expired_total").increment(removed as u64);
}

/// Counts a turn of a sweeper, and tells its lag.
#[inline]
pub(crate) fn swept(result: &'static str, lag: Duration) {
    #[cfg(feature = "metrics")]
    {
        metrics::counter!("cloakroom_sweeps_total", "result" => result).increment(1);
        metrics::gauge!("cloakroom_sweep_lag_seconds").set(lag.as_secs_f64());
    }
}

/// Counts an event that a listener did not take: `panicked`, `late`, or `dropped`.
#[inline]
pub(crate) fn unheard(reason: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_unheard_events_total", "reason" => reason).increment(1);
}

/// Counts a session whose attributes have gone to disk.
#[inline]
pub(crate) fn passivated() {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_passivated_total").increment(1);
}

/// Counts a session whose attributes have come back from disk.
#[inline]
pub(crate) fn activated() {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_activated_total").increment(1);
}

/// Counts a failure of the disk that sessions are passivated to: `put`, `get` or `remove`.
#[inline]
pub(crate) fn depot_failed(operation: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_depot_failures_total", "operation" => operation).increment(1);
}

/// Tells how many bytes a store with a depot takes in memory, and how many of its sessions are on disk.
#[inline]
pub(crate) fn memory(bytes: u64, passivated: usize) {
    #[cfg(feature = "metrics")]
    {
        metrics::gauge!("cloakroom_memory_bytes").set(bytes as f64);
        metrics::gauge!("cloakroom_passivated_sessions").set(passivated as f64);
    }
}

/// Tells how the bytes that are held back of a session have changed; `None`: nothing is held back of it.
#[inline]
pub(crate) fn held_back(before: Option<usize>, after: Option<usize>) {
    #[cfg(feature = "metrics")]
    recording::held_back(before, after);
}

/// Tells the age of the oldest commit that is held back.
#[inline]
pub(crate) fn held_back_oldest(age: Option<Duration>) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("cloakroom_held_back_oldest_seconds").set(age.unwrap_or_default().as_secs_f64());
}

/// Counts commits that were held back and are lost.
#[inline]
pub(crate) fn held_back_lost(reason: &'static str, commits: u32) {
    #[cfg(feature = "metrics")]
    metrics::counter!("cloakroom_held_back_lost_total", "reason" => reason).increment(commits.into());
}

#[cfg(feature = "metrics")]
mod recording;
#[cfg(feature = "metrics")]
mod table;

#[cfg(feature = "metrics")]
pub use self::table::describe_metrics;
