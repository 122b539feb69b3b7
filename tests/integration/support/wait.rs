use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use super::{Answer, Server, Visitor};

/// How long a condition may take that is certain to come: only a broken server makes a test wait as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

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

/// Asks a server until its answer is something else than that the store is away.
pub(crate) async fn served(visitor: &Visitor, server: &Server, path: &str) -> Answer {
    let answer = Mutex::new(None);
    eventually(async || {
        let it = visitor.clone().get(server, path).await;
        let is_served = it.status != 503;
        *answer.lock().unwrap() = Some(it);
        is_served
    })
    .await;
    answer.into_inner().unwrap().unwrap()
}

/// Does what blocks on a thread of its own, while others go on.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}
