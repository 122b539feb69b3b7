//! What the pages are made with: who visits, how a page and an error become responses, and what is checked on the way.

mod address;
mod age;
mod assets;
mod device;
mod headers;
mod page;
mod problem;
mod same_origin;
mod visitor;

pub(crate) use self::address::local;
pub(crate) use self::age::ago;
pub(crate) use self::assets::assets;
pub(crate) use self::device::device;
pub(crate) use self::headers::guard_pages;
pub(crate) use self::page::{Page, Shell};
pub(crate) use self::problem::explain;
pub(crate) use self::same_origin::same_origin;
pub(crate) use self::visitor::Visitor;
