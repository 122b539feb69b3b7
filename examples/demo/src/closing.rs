use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::sync::oneshot;

/// How long requests under way may take once the shop closes.
const LAST_CALL: Duration = Duration::from_secs(5);

/// Returns two futures: one ends when the shop is asked to close, by SIGINT (Ctrl-C) or SIGTERM; the other some time after.
pub(crate) fn closing() -> (impl Future<Output = ()> + Send + 'static, impl Future<Output = ()>) {
    let (closed, is_closed) = oneshot::channel();
    let asked = async move {
        let asked = tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            terminated = terminated() => terminated,
        };
        if let Err(error) = asked {
            tracing::warn!(%error, "cannot wait for signals");
            std::future::pending::<()>().await;
        }
        // Nobody listens any more only where everything is over already.
        let _ = closed.send(());
    };
    let overdue = async move {
        match is_closed.await {
            Ok(()) => tokio::time::sleep(LAST_CALL).await,
            Err(_) => std::future::pending().await,
        }
    };
    (asked, overdue)
}

#[cfg(unix)]
async fn terminated() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

#[cfg(not(unix))]
async fn terminated() -> io::Result<()> {
    std::future::pending().await
}
