//! The panel beside each page: what the requests of a session asked of the store, in bytes.
//!
//! [`Counting`] sits between the session layer and the store, and counts into the [`Meter`](meter::Meter) of the request
//! that it works for. [`watch()`] gives each request its meter, and when the request is over, session and all, keeps what
//! was counted in a [`Log`](log::Log) of this process. What the panel itself reads goes past `Counting` straight to the
//! store, so that it does not change what it shows.

mod bytes;
mod counting;
mod exchange;
mod log;
mod meter;
mod panel;
mod snapshot;
mod watch;

pub(crate) use self::counting::Counting;
pub(crate) use self::panel::Panel;
pub(crate) use self::watch::{Inspector, watch};
