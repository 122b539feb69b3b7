//! What a commit carries: the attributes that changed, or the whole session, to compare.
//!
//! ```sh
//! cargo run -p example-contents               # what changed, the default
//! cargo run -p example-contents everything
//! ```
//!
//! Each visit changes a small number beside 100 kB that stay as they are; the answer says by how much SQLite's log of writes
//! has grown for it: `curl -b jar -c jar localhost:8080`. (The log begins anew now and then, and SQLite leaves out pages that
//! would stay the same; a store on the network is sent all of it.)

use std::env;
use std::error::Error;
use std::fs::metadata;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::{Router, routing::get};
use cloakroom::{Attr, Attribute, Contents, SessionLayer, SqliteStore};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;

#[derive(Default, Serialize, Deserialize)]
struct Visits(u32);

impl Attribute for Visits {
    const NAME: &'static str = "visits";
}

#[derive(Default, Serialize, Deserialize)]
struct Trunk(String);

impl Attribute for Trunk {
    const NAME: &'static str = "trunk";
}

async fn count(
    State(logged): State<Arc<AtomicU64>>,
    mut visits: Attr<Visits>,
    mut trunk: Attr<Trunk>,
) -> String {
    if visits.0 == 0 {
        trunk.0 = "x".repeat(100_000);
    }
    visits.0 += 1;
    let now = metadata("sessions.db-wal").map_or(0, |file| file.len());
    let before = logged.swap(now, Ordering::Relaxed);
    format!("Visit number {}; the one before wrote {} bytes\n", visits.0, now.saturating_sub(before))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let contents = match env::args().nth(1).as_deref() {
        None => Contents::Changed,
        Some("everything") => Contents::Everything,
        Some(other) => return Err(format!("`everything` or nothing, and not `{other}`").into()),
    };

    let store = SqliteStore::open("sessions.db").await?;
    let layer = SessionLayer::new(store).contents(contents).insecure_cookie(); // for plain HTTP; leave it out behind TLS
    let sweeper = tokio::spawn(layer.sweeper().run());
    let app = Router::new().route("/", get(count)).layer(layer).with_state(Arc::default());

    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(async { drop(ctrl_c().await) }).await?;
    sweeper.abort();
    Ok(())
}
