use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use super::super::{Backend, Site};

/// The tables of a SQLite file that nobody can use, until they are told to come back.
#[derive(Debug)]
pub(super) struct Tables {
    database: SqliteConnection,
    ends_with: Vec<String>,
}

impl Tables {
    /// Hides the tables, so that every operation fails.
    pub(super) async fn hide(site: &Site) -> Self {
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
    pub(super) async fn lock(site: &Site) -> Self {
        let mut database = connect(site).await;
        run(&mut database, vec!["BEGIN EXCLUSIVE".to_owned()]).await;
        Self { database, ends_with: vec!["ROLLBACK".to_owned()] }
    }

    /// Lets them come back.
    pub(super) async fn restore(mut self) {
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
