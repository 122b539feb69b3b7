//! Kloak & Co: a small shop on Cloakroom, to look at and to copy from.
//!
//! ```text
//! cargo run -p demo
//! ```
//!
//! The sessions are in a SQLite file, so a restart keeps every cart. `cargo run -p demo -- --help` tells the options.
//!
//! # Where to look
//!
//! - [`attributes`]: what is kept of a visitor, one small type each.
//! - [`pages`]: the handlers. `pages/cart.rs` changes an attribute that two tabs may change at once; `pages/theme.rs` is
//!   the shortest; `pages/account.rs` signs in and out; `pages/ending.rs` ends sessions elsewhere, and asks first.
//! - [`app`]: the layers, in their order.
//! - [`inspector`]: the panel beside each page, which tells what each request really moved.
//! - [`web`]: the rest of a web application, such as the check against forged requests.

mod app;
mod attributes;
mod closing;
mod fitting;
mod goods;
mod inspector;
mod options;
mod pages;
mod web;

use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use cloakroom::SqliteStore;
use cloakroom::core::DynStore;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::closing::closing;
use crate::options::{HELP, Listen, Options};

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) if options.help => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("demo: {wrong}; see --help");
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .init();
    match open_shop(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&*error);
            ExitCode::FAILURE
        }
    }
}

async fn open_shop(options: &Options) -> Result<(), Box<dyn Error>> {
    let store: Arc<dyn DynStore> = Arc::new(SqliteStore::open(&options.database).await?);
    let layer = app::sessions(Arc::clone(&store), options).check()?;
    let app = app::app(&layer, store, options)?;
    let listener = listen(options.listen).await?;
    announce(listener.local_addr()?, &options.database);
    let sweeper = tokio::spawn(layer.sweeper().run());
    let (asked_to_close, overdue) = closing();
    tokio::select! {
        served = axum::serve(listener, app).with_graceful_shutdown(asked_to_close) => served?,
        () = overdue => tracing::warn!("some requests were cut off"),
    }
    sweeper.abort();
    layer.settled().await;
    Ok(())
}

/// Says where the shop is. That nobody may be reading is no reason to close it.
fn announce(address: SocketAddr, database: &Path) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "Sessions are kept in {}", database.display());
    let _ = writeln!(out, "Kloak & Co is open at http://{address}");
}

/// Tells an error, and what it came from.
fn complain(error: &dyn Error) {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let told: Vec<_> = causes.map(ToString::to_string).collect();
    eprintln!("demo: {}", told.join(": "));
}

async fn listen(listen: Listen) -> io::Result<TcpListener> {
    match listen {
        Listen::At(address) => TcpListener::bind(address).await,
        Listen::Preferably(address) => match TcpListener::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                TcpListener::bind((address.ip(), 0)).await
            }
            bound => bound,
        },
    }
}
