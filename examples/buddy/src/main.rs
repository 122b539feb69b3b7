//! Every change is in the memory, or on the disk, of two servers before the visitor is answered: the primary and its buddy, which
//! takes over when the primary is lost.
//!
//! ```sh
//! examples/buddy/run redis       # or: examples/buddy/run postgres
//! ```
//!
//! starts the servers, and kills the primary. With servers of your own:
//!
//! ```sh
//! STORE_URL=redis+sentinel://one:26379,two:26379,three:26379/primary cargo run -p example-buddy
//! STORE_URL=postgres://user:password@one:5432,two:5432/app cargo run -p example-buddy
//! ```

use std::env;
use std::error::Error;
use std::time::Duration;

use axum::{Router, routing::get};
use cloakroom::{Attr, Attribute, PostgresStore, RedisStore, Session, SessionLayer};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;

/// Longer than a replica may take. A visitor would rather wait for a buddy that is busy than be turned away.
const STORE_TIMEOUT: Duration = Duration::from_secs(8);

#[derive(Default, Serialize, Deserialize)]
struct Visits(u32);

impl Attribute for Visits {
    const NAME: &'static str = "visits";
}

async fn count(mut visits: Attr<Visits>) -> String {
    visits.0 += 1;
    format!("Visit number {}\n", visits.0)
}

async fn look(session: Session) -> Result<String, cloakroom::Error> {
    let Visits(visits) = session.get().await?.unwrap_or_default();
    Ok(format!("{visits} visits so far\n"))
}

async fn leave(session: Session) -> &'static str {
    session.invalidate();
    "Goodbye\n"
}

/// Redis asks for the replica by the commit. A visitor whose change no replica has in time is answered 503.
async fn on_redis(url: &str) -> Result<SessionLayer, Box<dyn Error>> {
    const IN_TIME: Duration = Duration::from_secs(4);
    let store = RedisStore::connect(url).await?;
    let store = store.commits_acknowledged_by(1, IN_TIME)?.invalidations_acknowledged_by(1, IN_TIME)?;
    Ok(SessionLayer::new(store))
}

/// PostgreSQL is told by its own settings: `synchronous_standby_names` on the primary. The URL names both servers.
async fn on_postgres(url: &str) -> Result<SessionLayer, Box<dyn Error>> {
    Ok(SessionLayer::new(PostgresStore::connect(url).await?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("STORE_URL").map_err(|_| "set STORE_URL, or run examples/buddy/run")?;
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());

    let layer = if url.starts_with("postgres") { on_postgres(&url).await? } else { on_redis(&url).await? };
    // The cookie is for plain HTTP; leave that out behind TLS.
    let layer = layer.store_timeout(STORE_TIMEOUT).insecure_cookie();
    let sweeper = tokio::spawn(layer.sweeper().run());
    let routes = Router::new().route("/", get(count)).route("/look", get(look)).route("/leave", get(leave));

    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, routes.layer(layer)).with_graceful_shutdown(async { drop(ctrl_c().await) }).await?;
    sweeper.abort();
    Ok(())
}
