//! Sessions in the memory of NATS servers, shared by as many servers as you start.
//!
//! Needs a server with JetStream, such as `nats-server -js`:
//!
//! ```sh
//! NATS_URL=nats://127.0.0.1:4222 PORT=8080 cargo run -p example-nats
//! ```
//!
//! Start it again with another `PORT`: both servers know every visitor. With the addresses of three servers of a cluster,
//! separated by commas, and `REPLICAS=3`, all three keep every session, and any one may fail. With `MIRRORED=true` each of your
//! servers has a copy of every session in its own memory, and reads sessions from there.

use std::env;
use std::error::Error;

use axum::{Router, routing::get};
use cloakroom::{Attr, Attribute, NatsStore, SessionLayer};
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
    let url = env::var("NATS_URL").unwrap_or_else(|_| "nats://127.0.0.1:4222".to_owned());
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let replicas = env::var("REPLICAS").map_or(Ok(1), |count| count.parse())?;
    let is_mirrored = env::var("MIRRORED").is_ok_and(|answer| answer == "true");

    let store = NatsStore::builder().replicas(replicas).mirrored(is_mirrored).connect(&url).await?;
    let layer = SessionLayer::new(store).insecure_cookie(); // for plain HTTP; leave it out behind TLS
    let sweeper = tokio::spawn(layer.sweeper().run());
    let app = Router::new().route("/", get(count)).layer(layer);

    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(async { drop(ctrl_c().await) }).await?;
    sweeper.abort();
    Ok(())
}
