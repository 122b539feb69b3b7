//! The floor: what one would write by hand against the driver, with the guarantees that matter.
//!
//! The store knows the SHA-256 of a ticket's secret, compares it, and checks both deadlines by its own clock, in the step
//! that reads or writes. One round trip reads the metadata and the wanted attributes, and records the access; one writes what
//! was changed, if the session is still there. Nothing else is done for a request.

mod connections;
mod handlers;
mod postgres;
mod redis;
mod sqlite;
mod ticket;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;

use self::ticket::Ticket;
use super::{hello, routes};
use benches::Result;
use benches::protocol::Workload;

const MAX_INACTIVE: Duration = Duration::from_secs(30 * 60);
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Sessions in one store.
trait Store: Clone + Send + Sync + 'static {
    /// Reads a session and records the access. `None`: the ticket opens none.
    fn load(&self, ticket: &Ticket, names: &[&str]) -> impl Future<Output = Result<Option<Opened>>> + Send;

    /// Writes attributes of a session. `false`: the ticket opens none.
    fn save(&self, ticket: &Ticket, changes: &[Change<'_>]) -> impl Future<Output = Result<bool>> + Send;

    /// Makes a session.
    fn create(&self, ticket: &Ticket, changes: &[Change<'_>]) -> impl Future<Output = Result<()>> + Send;

    /// Reads all names and values, for the check.
    fn all(&self, ticket: &Ticket) -> impl Future<Output = Result<Vec<(String, Bytes)>>> + Send;
}

/// A name and a value.
type Change<'a> = (&'a str, Vec<u8>);

/// What a ticket has opened.
#[derive(Debug)]
struct Opened {
    meta: Meta,
    /// In the order of the names.
    values: Vec<Option<Bytes>>,
}

/// Milliseconds since 1970.
#[derive(Debug)]
#[expect(dead_code, reason = "an application would show some of it")]
struct Meta {
    created_at: u64,
    accessed_at: u64,
    max_inactive: u64,
    ends_at: u64,
}

#[derive(Clone, Debug)]
struct App<S> {
    store: S,
    /// How many fillings a session has.
    fillings: Arc<AtomicU64>,
}

/// `is_throttled`: Redis records an access once a minute, as SQL always does, instead of with every load.
pub(super) async fn app(workload: Workload, url: &str, is_throttled: bool) -> Result<Router> {
    let touch_every = if is_throttled { TOUCH_EVERY } else { Duration::ZERO };
    let scheme = url.split(':').next().unwrap_or_default();
    Ok(match scheme {
        "redis" => on(redis::Redis::connect(url, touch_every).await?, workload),
        "postgres" => on(postgres::Postgres::connect(url).await?, workload),
        "sqlite" => on(sqlite::Sqlite::open(&url["sqlite:".len()..]).await?, workload),
        _ => return Err(format!("there is no floor for the URL {url:?}").into()),
    })
}

fn on<S: Store>(store: S, workload: Workload) -> Router {
    let measured = match workload {
        Workload::Unused => get(hello),
        Workload::ReadOne => get(handlers::read_one::<S>),
        Workload::ChangeOne => get(handlers::change_one::<S>),
        Workload::ReadFiveChangeTwo => get(handlers::read_five_change_two::<S>),
        Workload::ChangeLarge => get(handlers::change_large::<S>),
        Workload::TouchAll => get(handlers::touch_all::<S>),
        Workload::NewSession => get(handlers::new_session::<S>),
    };
    let app = App { store, fillings: Arc::default() };
    routes(measured, post(handlers::fill::<S>), get(handlers::stored::<S>)).with_state(app)
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
