use std::fmt;

use bytes::Bytes;

use crate::erased::BoxFuture;
use crate::error::Error;

/// A place on disk where a store in memory puts what it has no room for.
///
/// A depot knows no sessions and no rules. It keeps *parcels*, bytes under a number that the store chooses and never uses
/// again, for one store of one process; the store says what they mean and stays the only judge of who opens what.
///
/// # What comes back after a restart
///
/// Nothing, unless the store has stopped in good order. While it runs, its parcels are worth nothing to anybody else:
/// which session they belong to, and whether that session has ended since, is in the store's memory alone. So what was on
/// disk at a crash can never come back as if it were current, a session that was logged out least of all.
///
/// A store that stops in good order [leaves](Self::leave) a record for each parcel and [seals](Self::seal) the depot. The next
/// one reads the [note](Self::sealed) and the [records](Self::left), and [begins](Self::begin), which breaks the seal before it
/// serves anybody.
///
/// # What holds for every method
///
/// All of it happens or nothing. A future that is dropped leaves nothing half-way. Nothing needs to survive a power
/// cut but [`begin`](Self::begin) and [`seal`](Self::seal), with all that was done before the seal.
pub trait Depot: fmt::Debug + Send + Sync + 'static {
    /// Returns the note that the depot was sealed with; `None` if it is not sealed: it is new, or whoever used it has crashed.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn sealed(&self) -> BoxFuture<'_, Result<Option<Bytes>, Error>>;

    /// Returns records of a sealed depot with the numbers of their parcels, in the order of these: the first `limit` of them
    /// after this number.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn left(&self, after: Option<u64>, limit: u32) -> BoxFuture<'_, Result<Vec<(u64, Bytes)>, Error>>;

    /// Breaks the seal and removes all records. Removes the parcels that had none, and all parcels of a depot that was not
    /// sealed.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn begin(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Keeps parcels.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn put(&self, parcels: Vec<(u64, Bytes)>) -> BoxFuture<'_, Result<(), Error>>;

    /// Returns a parcel; it stays in the depot.
    ///
    /// # Errors
    ///
    /// When the disk fails. That there is none of this number is `None`.
    fn get(&self, parcel: u64) -> BoxFuture<'_, Result<Option<Bytes>, Error>>;

    /// Removes parcels. Those that are not there are no error.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn remove(&self, parcels: Vec<u64>) -> BoxFuture<'_, Result<(), Error>>;

    /// Keeps records of parcels, for the next start.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn leave(&self, records: Vec<(u64, Bytes)>) -> BoxFuture<'_, Result<(), Error>>;

    /// Seals the depot: what it holds is whole, and good for the next start.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    fn seal(&self, note: Bytes) -> BoxFuture<'_, Result<(), Error>>;
}
