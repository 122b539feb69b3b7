use std::fmt;
use std::io;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Row as _};
use tokio::time::{sleep, timeout};

use super::first::first_success;
use super::url::{InvalidUrl, Parsed};

/// How long the preferred host has before the next one is tried beside it, and so on.
const HEAD_START: Duration = Duration::from_millis(250);

/// The hosts of a cluster, of which one takes writes.
#[derive(Clone)]
pub(in crate::postgres) struct Hosts {
    each: Arc<[PgConnectOptions]>,
    /// Which one took writes the last time.
    preferred: Arc<AtomicUsize>,
    connect_timeout: Duration,
}

impl Hosts {
    /// Reads a URL that may name several hosts.
    pub(in crate::postgres) fn parse(url: &str) -> Result<Self, sqlx::Error> {
        let invalid = |error: InvalidUrl| sqlx::Error::Configuration(Box::new(error));
        let parsed = Parsed::read(url).map_err(invalid)?;
        let each = parsed.urls.iter().map(|url| PgConnectOptions::from_str(url).map(settings));
        Ok(Self {
            each: each.collect::<Result<_, _>>()?,
            preferred: Arc::default(),
            connect_timeout: parsed.connect_timeout,
        })
    }

    /// Connects to the host that takes writes. The one that did so the last time is tried first; if it does not answer at once,
    /// the others are tried beside it.
    pub(super) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let preferred = self.preferred.load(Ordering::Relaxed);
        let attempts = (0..self.each.len()).map(|place| {
            let index = (preferred + place) % self.each.len();
            let delay = HEAD_START.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX));
            Box::pin(self.connect_to(index, delay)) as _
        });
        let connected = first_success(attempts.collect()).await;
        let (index, connection) = connected.unwrap_or_else(|| Err(unusable(NotWritable)))?;
        self.preferred.store(index, Ordering::Relaxed);
        Ok(connection)
    }

    /// Returns how to connect to the host that took writes the last time.
    pub(super) fn preferred(&self) -> PgConnectOptions {
        self.each[self.preferred.load(Ordering::Relaxed)].clone()
    }

    async fn connect_to(&self, index: usize, delay: Duration) -> Result<(usize, PgConnection), sqlx::Error> {
        sleep(delay).await;
        let connected = timeout(self.connect_timeout, writable(&self.each[index])).await;
        match connected {
            Ok(connected) => connected.map(|connection| (index, connection)),
            Err(elapsed) => Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, elapsed))),
        }
    }
}

/// Sets what the store needs. Everything else is left as the URL says.
fn settings(options: PgConnectOptions) -> PgConnectOptions {
    // A parameter that PgBouncer does not know, and that matters for floating-point numbers alone.
    let options = options.extra_float_digits(None).disable_statement_logging();
    if options.get_application_name().is_some() { options } else { options.application_name("cloakroom") }
}

/// Connects to a host, if it takes writes: a standby does not.
async fn writable(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    let row = sqlx::raw_sql("SHOW transaction_read_only").fetch_one(&mut connection).await?;
    if row.try_get::<&str, _>(0)? == "off" { Ok(connection) } else { Err(unusable(NotWritable)) }
}

fn unusable(why: NotWritable) -> sqlx::Error {
    sqlx::Error::Io(io::Error::other(why))
}

#[derive(Debug)]
struct NotWritable;

impl fmt::Display for NotWritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no host takes writes: all that answer are standbys, or were told to take none")
    }
}

impl std::error::Error for NotWritable {}

/// Shows where, and no password.
impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.each.iter().map(|host| format!("{}:{}", host.get_host(), host.get_port()));
        f.debug_list().entries(places).finish()
    }
}
