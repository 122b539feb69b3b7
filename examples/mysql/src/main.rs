//! Sessions in MySQL or MariaDB, beside your own tables.
//!
//! ```sh
//! DATABASE_URL=mysql://user:password@127.0.0.1/app cargo run -p example-mysql
//! ```
//!
//! Start it again with `PORT=8081`: both servers know every visitor.

use std::env;
use std::error::Error;

use axum::{Router, routing::get};
use cloakroom::{Attr, Attribute, MySqlStore, SessionLayer};
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
    let url = env::var("DATABASE_URL")
        .map_err(|_| "set DATABASE_URL, such as mysql://user:password@127.0.0.1/app")?;
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());

    let store = MySqlStore::connect(&url).await?;
    let layer = SessionLayer::new(store).insecure_cookie(); // for plain HTTP; leave it out behind TLS
    let sweeper = tokio::spawn(layer.sweeper().run());
    let app = Router::new().route("/", get(count)).layer(layer);

    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(async { drop(ctrl_c().await) }).await?;
    sweeper.abort();
    Ok(())
}
