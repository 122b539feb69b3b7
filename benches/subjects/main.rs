//! The subjects that have no workspace of their own: the same routes and the same answers, behind different layers. See
//! `benches/subjects.md`.

mod cloakroom;
mod floor;
mod nothing;
mod ours;
mod plain;

use std::process::ExitCode;

use axum::Router;
use axum::routing::MethodRouter;
use axum::serve::ListenerExt as _;
use benches::Result;
use benches::protocol::{BODY, Workload};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// The session cookie of all of them, so that their requests are equally long.
const COOKIE: &str = "__Host-id";

const USAGE: &str = "usage: subjects list | subjects serve SUBJECT WORKLOAD STORE_URL";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(&arguments).unwrap_or_else(|error| {
        eprintln!("subjects: {error}");
        ExitCode::FAILURE
    })
}

fn run(arguments: &[&str]) -> Result<ExitCode> {
    match arguments {
        ["list"] => {
            println!("{}", serde_json::to_string_pretty(&ours::ours())?);
            Ok(ExitCode::SUCCESS)
        }
        ["serve", subject, workload, url] => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(serve(subject, workload.parse()?, url))
        }
        _ => Err(USAGE.into()),
    }
}

/// Serves a subject until standard input ends. Prints the address first.
async fn serve(subject: &str, workload: Workload, url: &str) -> Result<ExitCode> {
    let app = app(subject, workload, url).await?;
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
    Ok(ExitCode::SUCCESS)
}

async fn app(subject: &str, workload: Workload, url: &str) -> Result<Router> {
    match subject {
        "bare" => Ok(plain::bare()),
        "nothing" => Ok(plain::nothing()),
        "cloakroom" => cloakroom::app(workload, url).await,
        "floor" => floor::app(workload, url, false).await,
        "floor-throttled" => floor::app(workload, url, true).await,
        _ => Err(format!("no subject is called {subject:?}").into()),
    }
}

/// The same number of routes in every subject, so that finding one costs the same.
fn routes<S>(measured: MethodRouter<S>, fill: MethodRouter<S>, stored: MethodRouter<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new().route("/", measured).route("/fill/{attributes}/{bytes}", fill).route("/stored", stored)
}

async fn hello() -> &'static str {
    BODY
}
