use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use super::{Backend, Site};

/// A store that is away, until it is told to come back.
#[derive(Debug)]
pub(crate) struct Outage {
    database: SqliteConnection,
    ends_with: Vec<String>,
}

impl Outage {
    /// Hides the tables, so that every operation fails.
    pub(crate) async fn begin(site: &Site) -> Self {
        let mut database = connect(site).await;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        )
        .fetch_all(&mut database)
        .await
        .unwrap();
        assert!(!tables.is_empty());
        let rename = |from: &str, to: &str| format!("ALTER TABLE \"{from}\" RENAME TO \"{to}\"");
        let away = |table: &String| format!("{table}_away");
        let hide = tables.iter().map(|table| rename(table, &away(table))).collect();
        let show = tables.iter().map(|table| rename(&away(table), table)).collect();
        run(&mut database, hide).await;
        Self { database, ends_with: show }
    }

    /// Keeps the write lock, so that whoever wants to write waits for as long as it may.
    pub(crate) async fn lock(site: &Site) -> Self {
        let mut database = connect(site).await;
        run(&mut database, vec!["BEGIN EXCLUSIVE".to_owned()]).await;
        Self { database, ends_with: vec!["ROLLBACK".to_owned()] }
    }

    /// Lets the store come back.
    pub(crate) async fn end(mut self) {
        run(&mut self.database, self.ends_with).await;
        self.database.close().await.unwrap();
    }
}

async fn connect(site: &Site) -> SqliteConnection {
    assert_eq!(site.backend(), Backend::Sqlite);
    let options = SqliteConnectOptions::new().filename(site.folder().join("sessions.db"));
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn run(database: &mut SqliteConnection, statements: Vec<String>) {
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *database).await.unwrap();
    }
}
