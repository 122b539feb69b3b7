//! `axum_session`, as a subject of the benchmarks: see `benches/subjects.md`.

mod app;
#[path = "../../shared/http.rs"]
mod http;
#[path = "../../shared/protocol.rs"]
mod protocol;

use std::str::FromStr as _;

use axum::Router;
use axum_session::{DatabasePool, SessionConfig, SessionLayer, SessionNullPool, SessionStore};
use axum_session_redispool::SessionRedisPool;
use axum_session_sqlx::{SessionPgPool, SessionSqlitePool};
use redis_pool::RedisPool;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use time::Duration;

use self::protocol::{Command, MINUTES, Result, Workload, listed};

const CONNECTIONS: u32 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Command::read()? {
        Command::List => println!("{:#}", list()),
        Command::Serve { subject, workload, url } => {
            let config = match subject.as_str() {
                "axum_session" if url == "memory:" => config(true),
                "axum_session" => config(false),
                "axum_session-cache" => config(true),
                _ => return Err(format!("no subject is called {subject:?}").into()),
            };
            http::serve(app(config, workload, &url).await?).await?;
        }
    }
    Ok(())
}

fn list() -> Value {
    let stores = [
        ("redis", "axum_session 0.22.1, axum_session_redispool 0.13.0, redis 1.8.1"),
        ("postgres", "axum_session 0.22.1, axum_session_sqlx 0.12.0, sqlx 0.9.0"),
        ("sqlite", "axum_session 0.22.1, axum_session_sqlx 0.12.0, sqlx 0.9.0"),
    ];
    let stored = stores.into_iter().flat_map(|(store, version)| {
        let off = "with_memory_lifetime(0): each request writes the whole session";
        let on =
            "its cache of 30 minutes: stale on another node, and a read is written at most every 10 seconds";
        [
            listed("axum_session", version, store, true, off),
            listed("axum_session-cache", version, store, false, on),
        ]
    });
    let memory = "without a database: its cache is the store";
    let all = stored.chain([listed("axum_session", "axum_session 0.22.1", "memory", true, memory)]);
    all.map(with_a_session).collect()
}

/// Leaves out the requests without one: it makes a session for every visitor.
fn with_a_session(mut listed: Value) -> Value {
    listed["workloads"] =
        json!(["read-one", "change-one", "read-five-change-two", "change-large", "touch-all", "new-session"]);
    listed
}

fn config(cache: bool) -> SessionConfig {
    let lifetime = Duration::minutes(MINUTES);
    SessionConfig::default()
        .with_lifetime(lifetime)
        .with_max_age(Some(lifetime))
        .with_memory_lifetime(if cache { lifetime } else { Duration::ZERO })
        .with_secure(true)
}

async fn app(config: SessionConfig, workload: Workload, url: &str) -> Result<Router> {
    let scheme = url.split(':').next().unwrap_or_default();
    match scheme {
        "memory" => {
            let store = SessionStore::<SessionNullPool>::new(None, config).await?;
            Ok(app::in_memory(SessionLayer::new(store), workload))
        }
        "redis" => {
            let pool = RedisPool::from(redis::Client::open(url)?);
            on(SessionRedisPool::from(pool), config, workload).await
        }
        "postgres" => {
            let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await?;
            on(SessionPgPool::from(pool), config, workload).await
        }
        "sqlite" => {
            let options = SqliteConnectOptions::from_str(url)?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full);
            let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?;
            on(SessionSqlitePool::from(pool), config, workload).await
        }
        _ => Err(format!("no store has the URL {url:?}").into()),
    }
}

async fn on<T>(pool: T, config: SessionConfig, workload: Workload) -> Result<Router>
where
    T: DatabasePool + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    let store = SessionStore::new(Some(pool.clone()), config).await?;
    Ok(app::stored(pool, SessionLayer::new(store), workload))
}
