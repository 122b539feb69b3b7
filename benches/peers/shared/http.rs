//! What the programs with axum do alike.

use axum::Router;
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::serve::ListenerExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::protocol::{BODY, Result};

pub(crate) type Answer<T = &'static str> = Result<T, StatusCode>;

/// Serves until standard input ends. Prints the address first.
pub(crate) async fn serve(app: Router) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|connection| {
        // A delayed answer would be a slow one, not a wrong one.
        let _ = connection.set_nodelay(true);
    });
    let mut input = tokio::io::stdin();
    tokio::select! {
        served = axum::serve(listener, app) => served?,
        ended = input.read_u8() => drop(ended),
    }
    Ok(())
}

pub(crate) async fn hello() -> &'static str {
    BODY
}

/// Returns the value of a request's cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let line = headers.get(COOKIE)?.to_str().ok()?;
    let cookies = line.split("; ").filter_map(|cookie| cookie.split_once('='));
    cookies.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// Returns the status of a request that failed.
pub(crate) fn failed<E>(_: E) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

/// Returns an attribute that has to be there.
pub(crate) fn required<T>(attribute: Option<T>) -> Answer<T> {
    attribute.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
}
