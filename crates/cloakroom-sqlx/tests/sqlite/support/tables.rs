use cloakroom_core::Ticket;
use sqlx::{AssertSqlSafe, SqlitePool};

/// Runs a statement on the tables; `?` is the handle of the ticket's session.
pub(crate) async fn tamper(tables: &SqlitePool, sql: &str, ticket: &Ticket) {
    let handle = ticket.handle();
    let query = sqlx::query(AssertSqlSafe(sql)).bind(handle.as_bytes().as_slice());
    let done = query.execute(tables).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{sql}");
}

/// Counts the rows of a table.
pub(crate) async fn count(tables: &SqlitePool, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(tables).await.unwrap()
}
