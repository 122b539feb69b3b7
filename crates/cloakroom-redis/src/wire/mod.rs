//! What goes to the scripts, and what comes back.

mod ended;
mod meta;
mod opened;
mod outcome;
mod reply;
mod request;

pub(crate) use self::ended::decode_ended;
pub(crate) use self::meta::{Peeked, decode_peeked};
pub(crate) use self::opened::decode_loaded;
pub(crate) use self::outcome::{Answer, decode_answer};
pub(crate) use self::reply::{Malformed, bytes, strings};
pub(crate) use self::request::{Around, attributes, head, load_terms};

/// The bytes before an attribute's value: format, revision, lapse.
const HEADER: usize = 13;

/// How attributes are written.
const FORMAT: u8 = 1;

/// The longest time that is told to a script, so that a moment after now still fits into its 48 bits: 4,000 years.
const MAX_MILLIS: u64 = 1 << 47;

/// Returns a duration as a script is told it.
pub(crate) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(MAX_MILLIS).min(MAX_MILLIS)
}
