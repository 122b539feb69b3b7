use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::{Client, ConnectOptions, Event};
use cloakroom_core::ErrorKind;
use futures_util::future::{Either, select};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::error::{Disconnected, Failure};

/// How long an answer is waited for where nobody gives up earlier.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How often a connection is asked for a sign of life. After two without one it is given up.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// The longest pause between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(500);

/// What a connection is opened with.
#[derive(Debug)]
pub(crate) struct Options(ConnectOptions);

/// How long a request waits for a connection that was lost: one attempt to connect again, where the server is there.
const MOMENT: Duration = Duration::from_millis(250);

/// What has happened to a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Life {
    /// How often it was opened.
    opened: u64,
    /// How often it was lost.
    lost: u64,
}

/// A connection that is opened again by itself.
#[derive(Clone)]
pub(crate) struct Link {
    client: Client,
    /// `None` where we are not told.
    life: Option<watch::Receiver<Life>>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Options {
    pub(crate) fn new(options: ConnectOptions) -> Self {
        Self(options)
    }

    /// Connects to one of these servers.
    pub(crate) async fn connect(self, servers: Vec<String>) -> Result<Link, Failure> {
        let (tell, life) = watch::channel(Life::default());
        let client = self
            .0
            .name("cloakroom")
            .connection_timeout(CONNECT)
            .ping_interval(SIGN_OF_LIFE)
            .reconnect_delay_callback(pause)
            .event_callback(move |event| {
                match event {
                    Event::Connected => tell.send_modify(|life| life.opened += 1),
                    Event::Disconnected => tell.send_modify(|life| life.lost += 1),
                    _ => {}
                }
                tracing::debug!(%event, "the connection to NATS");
                std::future::ready(())
            })
            .connect(servers)
            .await
            .map_err(|error| Failure::new(ErrorKind::Unavailable, error))?;
        Ok(Link { client, life: Some(life) })
    }
}

/// Doubles with every attempt.
fn pause(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(8);
    if attempts == 0 { Duration::ZERO } else { (Duration::from_millis(4) * 2_u32.pow(doublings)).min(PAUSE) }
}

impl Link {
    /// Takes a connection of somebody's own.
    pub(crate) fn of_client(client: Client) -> Self {
        Self { client, life: None }
    }

    pub(crate) fn context(&self) -> Context {
        ContextBuilder::new()
            .timeout(PATIENCE)
            .ack_timeout(PATIENCE)
            .max_ack_inflight(64 << 10)
            .backpressure_on_inflight(true)
            .build(self.client.clone())
    }

    /// Returns a subject that nobody else listens to.
    pub(crate) fn inbox(&self) -> String {
        self.client.new_inbox()
    }

    pub(crate) fn max_payload(&self) -> usize {
        self.client.max_payload()
    }

    /// Waits for an answer, unless there is no connection within a moment, or it is lost meanwhile: what the client would keep
    /// until there is one again must not be done long after it was asked for.
    pub(crate) async fn ask<T, E: Into<Failure>>(
        &self,
        request: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        self.connected().await?;
        let lost = pin!(self.lost());
        match select(pin!(request), lost).await {
            Either::Left((answer, _)) => answer.map_err(Into::into),
            Either::Right(((), _)) => Err(Failure::new(ErrorKind::Unavailable, Disconnected)),
        }
    }

    async fn connected(&self) -> Result<(), Failure> {
        let is_connected = || self.client.connection_state() == State::Connected;
        if is_connected() {
            return Ok(());
        }
        if let Some(mut life) = self.life.clone() {
            let _ = timeout(MOMENT, life.wait_for(|_| is_connected())).await;
        }
        if is_connected() { Ok(()) } else { Err(Failure::new(ErrorKind::Unavailable, Disconnected)) }
    }

    /// Waits until the connection is lost.
    pub(crate) async fn lost(&self) {
        if let Some(mut life) = self.life.clone() {
            let before = life.borrow().lost;
            if life.wait_for(|life| life.lost > before).await.is_ok() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}
