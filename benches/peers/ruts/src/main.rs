//! ruts, as a subject of the benchmarks: see `benches/subjects.md`.

mod app;
#[path = "../../shared/http.rs"]
mod http;
#[path = "../../shared/protocol.rs"]
mod protocol;

use std::sync::Arc;

use axum::Router;
use fred::cmd;
use fred::prelude::{Builder, Client, ClientLike as _, Config, Value as Answer};
use ruts::store::moka::MokaStoreBuilder;
use ruts::store::postgres::PostgresStoreBuilder;
use ruts::store::redis::RedisStore;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;

use self::protocol::{Command, Result, Workload, listed};

const CONNECTIONS: u32 = 10;
/// More sessions than any run makes: beyond its capacity the store drops some.
const SESSIONS: u64 = 100_000_000;
/// What a Redis server must know.
const NEEDED: &str = "HEXPIRE";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Command::read()? {
        Command::List => println!("{:#}", list()),
        Command::Serve { subject, workload, url } if subject == "ruts" => {
            http::serve(app(workload, &url).await?).await?;
        }
        Command::Serve { subject, .. } => return Err(format!("no subject is called {subject:?}").into()),
    }
    Ok(())
}

fn list() -> Value {
    let stores = [
        ("memory", "ruts 0.13.0, moka 0.12"),
        ("redis", "ruts 0.13.0, fred 10.1.0"),
        ("postgres", "ruts 0.13.0, sqlx 0.8.6"),
    ];
    let note = "each attribute ends by itself, 30 minutes after it was written; nothing extends a session";
    let listed = stores.map(|(store, version)| listed("ruts", version, store, false, note));
    let [memory, mut redis, postgres] = listed;
    redis["needs"] = json!(NEEDED);
    redis["note"] = json!(format!("{note}; needs {NEEDED}, so Redis 7.4 or Valkey 9"));
    json!([memory, redis, postgres])
}

async fn app(workload: Workload, url: &str) -> Result<Router> {
    let scheme = url.split(':').next().unwrap_or_default();
    Ok(match scheme {
        "memory" => app::router(MokaStoreBuilder::new().max_capacity(SESSIONS).build(), workload),
        "redis" => app::router(RedisStore::new(Arc::new(redis(url).await?)).await?, workload),
        "postgres" => {
            let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await?;
            app::router(PostgresStoreBuilder::new(pool).create_table(true).build().await?, workload)
        }
        _ => return Err(format!("no store has the URL {url:?}").into()),
    })
}

async fn redis(url: &str) -> Result<Client> {
    let mut builder = Builder::from_config(Config::from_url(url)?);
    builder.with_connection_config(|config| config.tcp.nodelay = Some(true));
    let client = builder.build()?;
    client.init().await?;
    let known: Answer = client.custom(cmd!("COMMAND"), vec!["INFO", NEEDED]).await?;
    if known.into_array().iter().all(Answer::is_null) {
        return Err(format!("the server does not know {NEEDED}: ruts needs Redis 7.4 or Valkey 9").into());
    }
    Ok(client)
}
