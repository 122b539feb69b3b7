//! Where connections come from, and where they go back to.

mod first;
mod hosts;
mod own;
mod url;

use std::sync::Arc;

use cloakroom_core::Error;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};

pub(super) use self::hosts::Hosts;
use self::own::Lent;
pub(super) use self::own::Own;
use super::error::is_fatal;
use crate::error::failed;

/// The user's pool, or connections of the store's own.
#[derive(Clone, Debug)]
pub(super) enum Connections {
    Pool(PgPool),
    Own(Arc<Own>),
}

impl Connections {
    /// Returns how to connect to the server that takes writes, with a connection that nobody else uses.
    pub(super) async fn listening_options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        match self {
            Self::Pool(pool) => Ok((*pool.connect_options()).clone()),
            Self::Own(own) => own.listening_options().await,
        }
    }

    /// Takes a connection for one operation.
    pub(super) async fn lease(&self, during: &'static str) -> Result<Lease<'_>, Error> {
        let lent = match self {
            // In a box, so that no operation on connections of the store's own has room for it.
            Self::Pool(pool) => {
                Box::pin(pool.acquire()).await.map(|connection| Lease::Pooled(Some(connection)))
            }
            Self::Own(own) => own.lend().await.map(Lease::Own),
        };
        lent.map_err(|error| failed(during, error))
    }
}

/// A connection for one operation. Unless the operation is [settled](Self::settle), it is closed: its future was dropped, and
/// nobody knows what the connection still has to say. What the server was told to do it does, whole or not at all.
pub(super) enum Lease<'a> {
    /// There until it is settled.
    Pooled(Option<PoolConnection<Postgres>>),
    Own(Lent<'a>),
}

impl Lease<'_> {
    #[expect(clippy::expect_used, reason = "settling consumes the lease")]
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        match self {
            Self::Pooled(pooled) => pooled.as_deref_mut(),
            Self::Own(lent) => lent.connection(),
        }
        .expect("a connection until it is settled")
    }

    /// Gives the connection back, or closes it if the error says that it is of no more use.
    pub(super) fn settle<T>(mut self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        let is_usable = !result.as_ref().is_err_and(is_fatal);
        match &mut self {
            Self::Pooled(pooled) if is_usable => drop(pooled.take()),
            Self::Pooled(_) => {}
            Self::Own(lent) => lent.settle(is_usable),
        }
        result
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Self::Pooled(Some(pooled)) = self {
            pooled.close_on_drop();
        }
    }
}
