//! The axum extractors.

mod attr;
mod attrs;
mod flash;
mod recent_sign_in;
mod session;
mod time_left;
mod up_to_date;

pub use self::attrs::{AttributeSet, Attrs};
pub use self::recent_sign_in::RecentSignIn;
pub use self::time_left::TimeLeft;
pub use self::up_to_date::UpToDate;
