//! tower-sessions, as a subject of the benchmarks: see `benches/subjects.md`.

#[path = "../../shared/http.rs"]
mod http;
#[path = "../../shared/protocol.rs"]
mod protocol;

/// The newest, with its own memory store.
#[path = "."]
mod newest {
    use tower_sessions as library;

    #[path = "app.rs"]
    pub(crate) mod app;
}

/// The newest that the store crates work with.
#[path = "."]
mod stores {
    use tower_sessions_0_14 as library;

    #[path = "app.rs"]
    pub(crate) mod app;
}

use std::str::FromStr as _;

use axum::Router;
use fred::prelude::{Builder, Client, ClientLike as _, Config};
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tower_sessions::MemoryStore;
use tower_sessions_redis_store::RedisStore;
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

use self::protocol::{Command, Result, Workload, listed};

const CONNECTIONS: u32 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Command::read()? {
        Command::List => println!("{:#}", list()),
        Command::Serve { subject, workload, url } => {
            let always_save = match subject.as_str() {
                "tower-sessions" => false,
                "tower-sessions-always-save" => true,
                _ => return Err(format!("no subject is called {subject:?}").into()),
            };
            http::serve(app(always_save, workload, &url).await?).await?;
        }
    }
    Ok(())
}

fn list() -> Value {
    let stores = [
        ("memory", "tower-sessions 0.15.0"),
        ("redis", "tower-sessions 0.14.0, tower-sessions-redis-store 0.16.0, fred 10.1.0"),
        ("postgres", "tower-sessions 0.14.0, tower-sessions-sqlx-store 0.15.0, sqlx 0.8.6"),
        ("sqlite", "tower-sessions 0.14.0, tower-sessions-sqlx-store 0.15.0, sqlx 0.8.6"),
    ];
    let listed = stores.map(|(store, version)| {
        let plain = "as it comes; reading does not extend the session";
        let always = "with_always_save(true): each request writes the whole session";
        [
            listed("tower-sessions", version, store, false, plain),
            listed("tower-sessions-always-save", version, store, true, always),
        ]
    });
    listed.into_iter().flatten().collect()
}

async fn app(always_save: bool, workload: Workload, url: &str) -> Result<Router> {
    let scheme = url.split(':').next().unwrap_or_default();
    Ok(match scheme {
        "memory" => newest::app::router(MemoryStore::default(), always_save, workload),
        "redis" => stores::app::router(RedisStore::new(redis(url).await?), always_save, workload),
        "postgres" => {
            let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await?;
            let store = PostgresStore::new(pool);
            store.migrate().await?;
            stores::app::router(store, always_save, workload)
        }
        "sqlite" => {
            let options = SqliteConnectOptions::from_str(url)?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full);
            let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?;
            let store = SqliteStore::new(pool);
            store.migrate().await?;
            stores::app::router(store, always_save, workload)
        }
        _ => return Err(format!("no store has the URL {url:?}").into()),
    })
}

async fn redis(url: &str) -> Result<Client> {
    let mut builder = Builder::from_config(Config::from_url(url)?);
    builder.with_connection_config(|config| config.tcp.nodelay = Some(true));
    let client = builder.build()?;
    client.init().await?;
    Ok(client)
}
