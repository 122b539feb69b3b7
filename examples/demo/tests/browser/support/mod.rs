mod browser;
mod driver;
mod log;
mod shop;

pub(crate) use self::browser::{Browser, PATIENCE, PHONE};
pub(crate) use self::shop::Shop;
