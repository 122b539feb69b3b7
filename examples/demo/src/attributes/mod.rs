//! What the shop keeps of its visitors. Each is an attribute of its own: a request loads those that it reads, and
//! writes back those that it changed.

mod cart;
mod questionnaire;
mod recent;
mod theme;
mod trunk;
mod voucher;

pub(crate) use self::cart::Cart;
pub(crate) use self::questionnaire::Questionnaire;
pub(crate) use self::recent::Recent;
pub(crate) use self::theme::Theme;
pub(crate) use self::trunk::Trunk;
pub(crate) use self::voucher::Voucher;
