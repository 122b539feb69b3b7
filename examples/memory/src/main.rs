//! Sessions in the memory of one server, bounded in bytes.
//!
//! ```sh
//! cargo run -p example-memory
//! ```

use std::env;
use std::error::Error;

use axum::{Router, routing::get};
use cloakroom::{Attr, Attribute, MemoryStore, SessionLayer};
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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());

    let store = MemoryStore::builder().max_bytes(64 << 20).build();
    let layer = SessionLayer::new(store).insecure_cookie(); // for plain HTTP; leave it out behind TLS
    let sweeper = tokio::spawn(layer.sweeper().run());
    let app = Router::new().route("/", get(count)).layer(layer);

    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(async { drop(ctrl_c().await) }).await?;
    sweeper.abort();
    Ok(())
}
