use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::Result;
use crate::case::Case;
use crate::client::Client;
use crate::subject::Subject;

/// How many keep-alive connections ask at a time.
const CONNECTIONS: usize = 32;
const WARM_UP: Duration = Duration::from_millis(300);
const MICROS_PER_TICK: f64 = 10_000.0;

/// What one round gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) requests_per_second: f64,
    /// The server's processor time for one request, user and system, in microseconds.
    pub(crate) cpu_micros: f64,
}

/// When a round counts answers.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: Instant,
    to: Instant,
}

/// Has a server answer as fast as it can, for so long.
pub(crate) async fn round(case: &'static Case, duration: Duration) -> Result<Round> {
    let server = Subject::start(case)?;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect(case, server.address).await?);
    }
    let from = Instant::now() + WARM_UP;
    let window = Window { from, to: from + duration };
    let mut asking: JoinSet<Result<u64>> = clients.into_iter().map(|client| ask(client, window)).collect();
    sleep_until(window.from).await;
    let before = server.cpu_ticks()?;
    sleep_until(window.to).await;
    let ticks = server.cpu_ticks()? - before;
    let mut answered = 0;
    while let Some(asked) = asking.join_next().await {
        answered += asked??;
    }
    server.end()?;
    Ok(Round {
        requests_per_second: answered as f64 / duration.as_secs_f64(),
        cpu_micros: ticks as f64 * MICROS_PER_TICK / answered as f64,
    })
}

/// Asks until the window ends, and returns how many answers came within it.
async fn ask(mut client: Client, window: Window) -> Result<u64> {
    let mut answered = 0;
    loop {
        client.exchange().await?;
        let now = Instant::now();
        if now >= window.to {
            break;
        }
        answered += u64::from(now >= window.from);
    }
    client.verify().await?;
    Ok(answered)
}
