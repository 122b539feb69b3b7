use std::error::Error;
use std::future::Future;
use std::io::Write as _;

use cloakroom::SessionLayer;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::history::History;
use crate::options::Options;
use crate::routes::{self, Health};

/// Serves until SIGTERM, then finishes what is in flight.
///
/// # Errors
///
/// When the address cannot be bound, or standard output is closed.
pub(crate) async fn serve(
    options: &Options,
    layer: SessionLayer,
    health: Health,
    history: History,
) -> Result<(), Box<dyn Error>> {
    let terminated = signal(SignalKind::terminate())?;
    let sweeping = tokio::spawn(sweep(options, &layer));
    let listener = TcpListener::bind(&options.listen).await?;
    announce(&listener)?;
    let node = options.node.clone();
    let prometheus = PrometheusBuilder::new().install_recorder()?;
    cloakroom::describe_metrics();
    axum::serve(listener, routes::router(&layer, health, history, node, prometheus))
        .with_graceful_shutdown(received(terminated))
        .await?;
    sweeping.abort();
    layer.settled().await;
    Ok(())
}

fn sweep(options: &Options, layer: &SessionLayer) -> impl Future<Output = ()> + Send + use<> {
    let sweeper = layer.sweeper();
    match options.sweep_every {
        Some(interval) => sweeper.every(interval),
        None => sweeper,
    }
    .run()
}

fn announce(listener: &TcpListener) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "listening on http://{address}")?;
    stdout.flush()
}

async fn received(mut terminated: Signal) {
    terminated.recv().await;
    tracing::info!("SIGTERM: finishing what is in flight");
}
