use cloakroom_core::Ticket;
use sqlx::{AssertSqlSafe, MySqlPool};

/// Runs a statement on the tables; `?` is the handle of the ticket's session.
pub(crate) async fn tamper(tables: &MySqlPool, sql: &str, ticket: &Ticket) {
    let handle = ticket.handle();
    let query = sqlx::query(AssertSqlSafe(sql)).bind(handle.as_bytes().as_slice());
    let done = query.execute(tables).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{sql}");
}

/// Counts the rows of a table.
pub(crate) async fn count(tables: &MySqlPool, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(tables).await.unwrap()
}

/// Waits until the server says so.
pub(crate) async fn wait_until(tables: &MySqlPool, sql: &str) {
    for _ in 0..1000 {
        if sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_one(tables).await.unwrap() > 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the server never said so: {sql}");
}
