//! What an application does around the sign-in, one idea a file.
//!
//! ```sh
//! cargo run -p example-identity -- step-up     # or openid, operator, websocket
//! curl -c jar -d name=ada localhost:8080/sign-in
//! curl -b jar -c jar -d '' localhost:8080/password
//! ```
//!
//! There are no pages. The tests in each file show its other ways.
//!
//! - [`step_up`]: a fresh sign-in, and a second factor, before what is sensitive.
//! - [`operator`]: people who end the sessions of others.
//! - [`openid`]: sign-in through a provider, and its logout behind the browser's back.
//! - [`websocket`]: a socket that a one-time ticket opens, and that ends with the session.

mod openid;
mod operator;
mod random;
mod step_up;
#[cfg(test)]
mod visitor;
mod websocket;

use std::env;
use std::error::Error;

use cloakroom::{MemoryStore, SessionLayer};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // For plain HTTP; leave `insecure_cookie` out behind TLS.
    let layer = SessionLayer::new(MemoryStore::new()).insecure_cookie();
    let app = match env::args().nth(1).as_deref() {
        Some("openid") => openid::app(&layer),
        Some("operator") => {
            let operators = SessionLayer::new(MemoryStore::new()).insecure_cookie().cookie_name("operator");
            operator::app(&layer, &operators)
        }
        Some("step-up") => step_up::app(&layer),
        Some("websocket") => websocket::app(&layer),
        _ => return Err("give one of: openid, operator, step-up, websocket".into()),
    };
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
