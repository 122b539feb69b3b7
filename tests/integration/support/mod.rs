//! What the tests are written with.

mod answer;
mod backend;
mod outage;
mod raw;
mod server;
mod site;
mod visitor;
mod wait;

pub(crate) use self::answer::{Answer, COOKIE};
pub(crate) use self::backend::Backend;
pub(crate) use self::outage::Outage;
pub(crate) use self::raw::Raw;
pub(crate) use self::server::Server;
pub(crate) use self::site::Site;
pub(crate) use self::visitor::Visitor;
pub(crate) use self::wait::eventually;

/// Makes each case a test for each store.
///
/// A case is an `async fn(Backend)`; the tests are called `memory::CASE` and `sqlite::CASE`.
macro_rules! for_each_store {
    ($($case:ident),+ $(,)?) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case($crate::support::Backend::Memory).await;
                }
            )+
        }

        mod sqlite {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case($crate::support::Backend::Sqlite).await;
                }
            )+
        }
    };
}

pub(crate) use for_each_store;
