use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::backend::Backend;
use crate::case::Case;
use crate::client::Client;
use crate::processes::{cpu_nanos, resident_kib};
use crate::program::Programs;
use crate::server::Server;
use benches::Result;

/// How many keep-alive connections ask at a time.
pub(crate) const CONNECTIONS: usize = 32;
const WARM_UP: Duration = Duration::from_millis(300);

/// What one round gave. Processor time is user and system, for one request.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) requests_per_second: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    pub(crate) cpu_micros: f64,
    /// That of the store's processes, where it has its own.
    pub(crate) store_cpu_micros: Option<f64>,
    /// The server's memory at the end.
    pub(crate) resident_kib: f64,
}

/// When a round counts answers.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: Instant,
    to: Instant,
}

/// The processor time that was taken so far.
#[derive(Clone, Copy, Debug)]
struct Cpu {
    server: u64,
    store: Option<u64>,
}

/// Has a server answer as fast as it can, for so long.
pub(crate) async fn round(
    case: &Case,
    programs: &Programs,
    backend: &mut Backend,
    duration: Duration,
) -> Result<Round> {
    let server = Server::start(programs.of(case)?, case, &backend.fresh()?)?;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect(case, server.address).await?);
    }
    let from = Instant::now() + WARM_UP;
    let window = Window { from, to: from + duration };
    let mut asking: JoinSet<Result<Vec<u64>>> =
        clients.into_iter().map(|client| ask(client, window)).collect();
    sleep_until(window.from).await;
    let (began, before) = (Instant::now(), cpu(&server, backend)?);
    sleep_until(window.to).await;
    let (ended, after) = (Instant::now(), cpu(&server, backend)?);
    let mut nanos = Vec::new();
    while let Some(asked) = asking.join_next().await {
        nanos.extend(asked??);
    }
    let resident = resident_kib(server.pid())?;
    server.end()?;
    let span = (ended - began).as_secs_f64() / duration.as_secs_f64();
    Ok(summary(nanos, duration, [before, after], span, resident))
}

fn cpu(server: &Server, backend: &Backend) -> Result<Cpu> {
    Ok(Cpu { server: cpu_nanos(server.pid())?, store: backend.pid().map(cpu_nanos).transpose()? })
}

/// Asks until the window ends, and returns how many nanoseconds each answer within it took.
async fn ask(mut client: Client, window: Window) -> Result<Vec<u64>> {
    let mut taken = Vec::new();
    let mut began = Instant::now();
    loop {
        client.exchange().await?;
        let now = Instant::now();
        if now >= window.to {
            break;
        }
        if now >= window.from {
            taken.push((now - began).as_nanos() as u64);
        }
        began = now;
    }
    client.verify().await?;
    Ok(taken)
}

/// `span`: how much longer processor time was looked at than answers were counted.
fn summary(mut nanos: Vec<u64>, duration: Duration, cpu: [Cpu; 2], span: f64, resident: u64) -> Round {
    nanos.sort_unstable();
    let at = |share: f64| {
        let index = (nanos.len() as f64 * share) as usize;
        nanos.get(index).map_or(f64::NAN, |nanos| *nanos as f64 / 1_000.0)
    };
    let [before, after] = cpu;
    let each = |nanos: u64, count: usize| nanos as f64 / span / 1_000.0 / count as f64;
    let store = before.store.zip(after.store).map(|(before, after)| each(after - before, nanos.len()));
    Round {
        requests_per_second: nanos.len() as f64 / duration.as_secs_f64(),
        p50_micros: at(0.5),
        p99_micros: at(0.99),
        cpu_micros: each(after.server - before.server, nanos.len()),
        store_cpu_micros: store,
        resident_kib: resident as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_summed_up() {
        let nanos = (1..=100).rev().map(|micros| micros * 1_000).collect();
        let cpu = [Cpu { server: 0, store: None }, Cpu { server: 200_000, store: None }];
        let round = summary(nanos, Duration::from_millis(500), cpu, 2.0, 7);
        assert_eq!((round.requests_per_second, round.cpu_micros), (200.0, 1.0));
        assert_eq!((round.p50_micros, round.p99_micros), (51.0, 100.0));
        assert!(round.store_cpu_micros.is_none());
    }
}
