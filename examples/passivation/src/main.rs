//! Sessions in the memory of one server, up to a limit; beyond it the least recently used are on its disk.
//!
//! ```sh
//! cargo run -p example-passivation
//! ```
//!
//! Each visit without a cookie makes a session of 30 KB, and the page says where all of them are:
//!
//! ```sh
//! curl -c jar http://127.0.0.1:8080; for i in $(seq 100); do curl -s http://127.0.0.1:8080 >/dev/null; done
//! curl -b jar http://127.0.0.1:8080   # the first session: on disk until this request
//! ```
//!
//! Stop it with Ctrl-C and start it again: the sessions are found.

use std::env;
use std::error::Error;

use axum::{Router, extract::State, routing::get};
use cloakroom::{ActivationListener, Attr, Attribute, MemoryStore, PassivatingStore};
use cloakroom::{SessionDetails, SessionLayer, SqliteDepot};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;

#[derive(Default, Serialize, Deserialize)]
struct Visits {
    count: u32,
    ballast: String,
}

impl Attribute for Visits {
    const NAME: &'static str = "visits";
}

struct Log;

impl ActivationListener for Log {
    async fn activated(&self, session: &SessionDetails) {
        println!("{} came back from disk", session.handle());
    }
}

async fn count(State(store): State<PassivatingStore>, mut visits: Attr<Visits>) -> String {
    visits.count += 1;
    visits.ballast = "x".repeat(30_000);
    let (all, on_disk, bytes) = (store.len(), store.passivated(), store.bytes());
    format!(
        "Visit number {}. {all} sessions, {on_disk} of them on disk; {bytes} bytes of memory\n",
        visits.count
    )
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());

    let depot = SqliteDepot::open("passivated.db").await?;
    let memory = MemoryStore::builder().max_bytes(1 << 20);
    let store = memory.passivate_to(depot).listener(Log).open().await?;
    println!("{} sessions from before", store.len());
    let layer = SessionLayer::new(store.clone()).insecure_cookie(); // for plain HTTP; leave it out behind TLS
    let sweeper = tokio::spawn(layer.sweeper().run());
    let app = Router::new().route("/", get(count)).layer(layer).with_state(store.clone());

    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(async { drop(ctrl_c().await) }).await?;
    sweeper.abort();
    println!("{} sessions are on disk", store.stop().await?);
    Ok(())
}
