//! What happens to sessions, and who is told of it.

mod details;
mod event;
mod listener;
mod order;
mod queue;
mod seat;

pub use self::details::SessionDetails;
pub use self::event::{AskedBy, SessionEvent};
pub use self::listener::SessionListener;
pub(crate) use self::listener::{DynListener, heard_by};
pub use self::order::Order;
pub(crate) use self::queue::Events;
