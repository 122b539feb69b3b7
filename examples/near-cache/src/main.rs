//! Sessions in Redis or Valkey, of which each server keeps in its memory what it serves.
//!
//! ```sh
//! REDIS_URL=redis://127.0.0.1:6379 PORT=8080 cargo run -p example-near-cache
//! ```
//!
//! `/` reads and writes, `/read` only reads: from the second time on without a word to Redis. Start it again with another `PORT`,
//! and what one writes the other shows a moment later.

use std::env;
use std::error::Error;

use axum::{Router, routing::get};
use cloakroom::{Attr, Attribute, NearCache, RedisStore, SessionLayer};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;

#[derive(Default, Serialize, Deserialize)]
struct Visits(u32);

impl Attribute for Visits {
    const NAME: &'static str = "visits";
}

async fn count(mut visits: Attr<Visits>) -> String {
    visits.0 += 1;
    format!("Visit number {}\n", visits.0)
}

async fn read(visits: Attr<Visits>) -> String {
    format!("{} visits so far\n", visits.0)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());

    let store = RedisStore::connect(&url).await?.tell_changes(); // on every server
    let cache = NearCache::builder().max_bytes(64 << 20).build(store)?;
    let layer = SessionLayer::new(cache.clone()).insecure_cookie(); // for plain HTTP; leave it out behind TLS
    let sweeper = tokio::spawn(layer.sweeper().run());
    let app = Router::new().route("/", get(count)).route("/read", get(read)).layer(layer);

    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(async { drop(ctrl_c().await) }).await?;
    cache.settled().await;
    sweeper.abort();
    Ok(())
}
