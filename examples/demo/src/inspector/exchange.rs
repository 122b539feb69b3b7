use super::bytes::Bytes;
use super::meter::Tally;
use super::snapshot::Snapshot;

/// What one request asked of the store, against what it would have cost to keep the session in one piece.
///
/// In one piece it is read whole once by each request that uses it, and written whole once by each that changes it. That
/// favours the one piece: many implementations write it on every request.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    /// Such as `POST /cart/puddle`.
    pub(super) request: String,
    /// Such as `load, commit`.
    pub(super) operations: String,
    pub(super) read: Bytes,
    pub(super) written: Bytes,
    pub(super) whole_read: Bytes,
    pub(super) whole_written: Bytes,
}

impl Exchange {
    /// Puts together what was counted, and what the session weighs now.
    pub(super) fn new(request: String, tally: &Tally, after: &Snapshot) -> Self {
        Self {
            request,
            operations: tally.operations.join(", "),
            read: tally.read,
            written: tally.written,
            whole_read: tally.held,
            whole_written: if tally.changed { after.total } else { Bytes::default() },
        }
    }

    pub(super) fn moved(&self) -> Bytes {
        self.read + self.written
    }

    pub(super) fn whole(&self) -> Bytes {
        self.whole_read + self.whole_written
    }
}
