use bytes::Bytes;
use cloakroom_core::Error;
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnection, PgRow};

use super::PostgresStore;
use super::answer::bytes;
use super::argument::{Argument, bound, write_literals};
use super::error::refused;
use super::function::Function;

impl PostgresStore {
    /// Calls a function by one statement, and returns its answer.
    pub(super) async fn call(
        &self,
        during: &'static str,
        function: &Function,
        arguments: &[Argument<'_>],
    ) -> Result<Bytes, Error> {
        self.ready(during).await?;
        let mut lease = self.connections.lease(during).await?;
        let row = self.row(lease.connection(), function, arguments).await;
        lease.settle(row).and_then(bytes).map_err(|error| refused(during, error))
    }

    /// Calls a function that answers with rows.
    pub(super) async fn call_for_rows(
        &self,
        during: &'static str,
        function: &Function,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<Bytes>, Error> {
        self.ready(during).await?;
        let mut lease = self.connections.lease(during).await?;
        let rows = self.rows(lease.connection(), function, arguments).await;
        let rows = lease.settle(rows).map_err(|error| refused(during, error))?;
        rows.into_iter().map(|row| bytes(row).map_err(|error| refused(during, error))).collect()
    }

    async fn row(
        &self,
        connection: &mut PgConnection,
        function: &Function,
        arguments: &[Argument<'_>],
    ) -> Result<PgRow, sqlx::Error> {
        if self.is_behind_pooler {
            return sqlx::raw_sql(AssertSqlSafe(text(function, arguments))).fetch_one(connection).await;
        }
        sqlx::query_with(function.prepared.clone(), bound(arguments)?).fetch_one(connection).await
    }

    async fn rows(
        &self,
        connection: &mut PgConnection,
        function: &Function,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        if self.is_behind_pooler {
            return sqlx::raw_sql(AssertSqlSafe(text(function, arguments))).fetch_all(connection).await;
        }
        sqlx::query_with(function.prepared.clone(), bound(arguments)?).fetch_all(connection).await
    }
}

/// Writes the statement with its arguments as text.
fn text(function: &Function, arguments: &[Argument<'_>]) -> String {
    let mut sql = String::from(&*function.begins);
    write_literals(&mut sql, arguments);
    let mut first = String::new();
    write_literals(&mut first, arguments.get(..1).unwrap_or_default());
    sql.push_str(&function.ends.replace("$1", &first));
    sql
}
