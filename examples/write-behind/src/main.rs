//! Timed writes: a visitor's commits are kept in this server's memory and written together, every few seconds.
//!
//! ```sh
//! cargo run -p example-write-behind
//! ```
//!
//! It keeps its sessions in the SQLite file `sessions.db`. Send many requests with one cookie, and see how few writes that
//! makes; start it again with `PORT=8081`, and see how late the other server knows of them. Kill it with `kill -9`, and up to
//! five seconds of counting are lost, and `/` says so to whoever had seen them; stop it with Ctrl-C, and nothing is.
//! `/pay` is refused until the visitor has seen what is left: `curl -b jar -c jar localhost:8080/pay`.

use std::env;
use std::error::Error;
use std::time::Duration;

use axum::extract::State;
use axum::{Router, routing::get};
use cloakroom::{Attr, Attribute, Session, SessionLayer, SqliteStore, UpToDate, WriteBehind};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;

type Store = WriteBehind<SqliteStore>;

#[derive(Default, Serialize, Deserialize)]
struct Visits(u32);

impl Attribute for Visits {
    const NAME: &'static str = "visits";
}

async fn count(State(store): State<Store>, session: Session, mut visits: Attr<Visits>) -> String {
    let lost = if session.is_stale() { " (some were lost with the server that died)" } else { "" };
    session.accept_stale(); // the visitor is told
    visits.0 += 1;
    format!("Visit number {}{lost}; {} sessions are to be written\n", visits.0, store.held_sessions())
}

/// Must not go by an older state than the visitor has seen.
async fn pay(_: UpToDate, visits: Attr<Visits>) -> String {
    format!("Paid for {} visits\n", visits.0)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());

    let store = SqliteStore::open("sessions.db").await?;
    let store = WriteBehind::builder(store).every(Duration::from_secs(5)).build();
    let layer = SessionLayer::new(store.clone()).track_versions(true);
    let layer = layer.insecure_cookie(); // for plain HTTP; leave it out behind TLS
    let sweeper = tokio::spawn(layer.sweeper().run());
    let app = Router::new().route("/", get(count)).route("/pay", get(pay));
    let app = app.layer(layer.clone()).with_state(store.clone());

    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(async { drop(ctrl_c().await) }).await?;
    sweeper.abort();
    layer.settled().await;
    store.flush().await?;
    Ok(())
}
