use std::future::Future;
use std::time::Duration;

/// How long a condition may take that is certain to come: only a broken server makes a test wait as long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until the answer is yes.
#[track_caller]
pub(crate) fn eventually<F: Future<Output = bool>>(
    mut condition: impl FnMut() -> F,
) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let asking = async {
            while !condition().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, asking).await;
        assert!(came.is_ok(), "the condition at {place} never came");
    }
}

/// Does what blocks on a thread of its own, while others go on.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}
