//! `testbed`: the server that every integration test talks to. Its HTTP contract is fixed in TESTBED.md.
//!
//! It uses the public API of `cloakroom` only, and adds no behaviour that the library does not have.

mod failure;
mod history;
mod layer;
mod options;
mod routes;
mod serve;
mod store;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use cloakroom::NoFeed;
use tracing_subscriber::EnvFilter;

use crate::history::History;
use crate::options::Options;
use crate::routes::Health;
use crate::store::HeldBack;

/// The exit code for options that are unknown, malformed, out of range or not implemented yet.
const USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let options = match Options::parse(lexopt::Parser::from_env()) {
        Ok(options) => options,
        Err(error) => return refuse(&error, USAGE),
    };
    let patience = options.store_timeout.unwrap_or_default();
    let store = match options.store.open(options.near_cache, patience).await {
        Ok(store) => store,
        Err(error) if error.is::<NoFeed>() => {
            return refuse(Box::<dyn Error>::from(format!("--near-cache: {error}")).as_ref(), USAGE);
        }
        Err(error) => return refuse(error.as_ref(), 1),
    };
    let (store, held_back) = HeldBack::around(store, options.write_every);
    let layer = match layer::layer(Arc::clone(&store), &options) {
        Ok(layer) => layer,
        Err(error) => return refuse(&error, USAGE),
    };
    let history = History::default();
    let layer = layer.listener(history.clone());
    let health = Health::new(store, options.store_timeout);
    if let Err(error) = serve::serve(&options, layer, health, history).await {
        return refuse(error.as_ref(), 1);
    }
    match held_back.flush().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error, 1),
    }
}

/// Says on standard error why the testbed ends, with all that led to it.
fn refuse(error: &dyn Error, code: u8) -> ExitCode {
    eprint!("testbed: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprint!(": {cause}");
        source = cause.source();
    }
    eprintln!();
    ExitCode::from(code)
}
