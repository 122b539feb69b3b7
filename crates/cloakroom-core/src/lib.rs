//! The contract between Cloakroom and its session stores.
//!
//! A *session* is a [`Record`] (its metadata) and a set of *attributes*: named values of opaque bytes. A
//! [`Store`] keeps sessions where every server can reach them. This crate says what a store must do, down to what
//! an absent, an expired and a malformed thing give; it knows no HTTP, no async runtime and no codec.
//!
//! # Where to look
//!
//! - [`Store`]: the trait, and the rules that hold for each method.
//! - [`Record`]: the rules themselves as plain functions (who is let in, when a session ends, what a commit does).
//!   A store that can run Rust between reading and writing uses them as they are, and has little left to decide.
//! - [`Ticket`], [`Guard`], [`Handle`]: what the browser holds, what the store is shown, what may be logged.
//! - [`Commit`] and [`Changes`]: what one request did to one session.
//!
//! The conformance cases in `cloakroom-testkit` hold a store to all of this.

mod commit;
mod depot;
mod ended;
mod erased;
mod error;
mod feed;
mod limits;
mod load;
mod packed;
mod recent;
mod record;
mod store;
mod text;
mod ticket;
mod time;

pub use commit::{
    AtLimit, AttributeChange, Bind, Changes, Commit, CommitId, Committed, Conflict, Creation, Edit, Expect,
    Gone, Intent, MaxSessions, Outcome, TicketChange, TicketFate,
};
pub use depot::Depot;
pub use ended::{EndReason, Ended, Invalidate, Invalidated, SessionInfo, Sweep};
pub use erased::{Answer, BoxFuture, DynStore};
pub use error::{Error, ErrorKind};
pub use feed::{Feed, Notice};
pub use limits::{Limit, Limits, OverLimit};
pub use load::{
    Freshness, Load, Loaded, Meta, Names, Opened, Select, Standing, StoredAttribute, Touch, Wanted,
};
pub use packed::InvalidRecord;
pub use recent::RecentCommits;
pub use record::{Admission, Previous, Record, Replacement, Size, Verdict};
pub use store::{About, Store};
pub use text::{InvalidText, Label, Name, Principal};
pub use ticket::{Guard, Handle, InvalidHandle, MalformedTicket, Proof, Secret, Seed, Ticket};
pub use time::{Clock, MAX_INTERVAL, MIN_INTERVAL, SystemClock, Timestamp, Version, interval_millis};
