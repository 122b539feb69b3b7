//! The servers under measurement: the same routes and the same answers, behind different layers.

mod nothing;
mod session;

use std::process::ExitCode;

use axum::Router;
use axum::http::header::SET_COOKIE;
use axum::routing::{MethodRouter, get, post};
use axum::serve::ListenerExt as _;
use cloakroom::core::Ticket;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use self::nothing::NothingLayer;
pub(crate) use self::session::Stored;
use crate::Result;
use crate::case::{App, Case};

/// What the measured route answers.
pub(crate) const BODY: &str = "hello, world\n";
/// What the small attribute holds at first; its encoding stays of one length.
pub(crate) const START: u64 = 1_000_000;
pub(crate) const COOKIE: &str = "__Host-id";

/// Serves a case until standard input ends. Prints the address first.
pub(crate) async fn serve(case: &Case) -> Result<ExitCode> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|connection| {
        // A delayed answer would be a slow one, not a wrong one.
        let _ = connection.set_nodelay(true);
    });
    let mut input = tokio::io::stdin();
    tokio::select! {
        served = axum::serve(listener, app(case.app)) => served?,
        ended = input.read_u8() => drop(ended),
    }
    Ok(ExitCode::SUCCESS)
}

fn app(app: App) -> Router {
    match app {
        App::Bare => without_sessions(),
        App::Nothing => without_sessions().layer(NothingLayer),
        App::Unused => session::app(get(hello)),
        App::ReadOne => session::app(get(session::read_one)),
        App::ChangeOne => session::app(get(session::change_one)),
    }
}

/// The same number of routes in every case, so that finding one costs the same.
fn routes(measured: MethodRouter, fill: MethodRouter, stored: MethodRouter) -> Router {
    Router::new().route("/", measured).route("/fill/{attributes}/{bytes}", fill).route("/stored", stored)
}

/// Hands out a cookie that opens nothing, so that the requests are as long as those with a session.
fn without_sessions() -> Router {
    let cookie = async || {
        let ticket = Ticket::generate().map_err(|error| error.to_string())?;
        Ok::<_, String>([(SET_COOKIE, format!("{COOKIE}={}; Path=/", ticket.expose()))])
    };
    routes(get(hello), post(cookie), get(hello))
}

async fn hello() -> &'static str {
    BODY
}
