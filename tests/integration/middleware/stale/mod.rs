//! What a visitor has seen travels with them, so that an older state is noticed.

mod behind;
mod browser;
mod failover;
mod forged;
mod header;
mod latest;
mod told;

use cloakroom::{Error, MemoryStore, Session, SessionLayer};
use http::StatusCode;

use self::behind::Behind;
use self::browser::Browser;

/// Makes a layer that tracks versions.
fn tracking(store: impl cloakroom::Store) -> SessionLayer {
    SessionLayer::new(store).track_versions(true)
}

/// Two nodes on one store, the first of which can be behind.
struct Nodes {
    memory: MemoryStore,
    behind: Behind,
    a: SessionLayer,
    b: SessionLayer,
}

impl Nodes {
    fn new() -> Self {
        Self::with(|layer| layer)
    }

    fn with(configure: impl Fn(SessionLayer) -> SessionLayer) -> Self {
        let memory = MemoryStore::new();
        let behind = Behind::new(&memory);
        let [a, b] = [tracking(behind.clone()), tracking(memory.clone())].map(configure);
        Self { memory, behind, a, b }
    }

    /// Makes a session with the attribute `count`, and two commits to it that only the first node has. It is of version 1
    /// in the store, and its visitor has seen version 3.
    async fn losing(&self) -> Browser {
        let mut browser = Browser::default();
        browser.visit(&self.a, counts).await.is(200);
        self.behind.hold_back();
        for _ in 0..2 {
            browser.visit(&self.a, counts).await.is(200);
        }
        browser
    }
}

async fn counts(session: Session) -> Result<StatusCode, Error> {
    let count: u32 = session.get_named("count").await?.unwrap_or_default();
    session.set_named("count", &(count + 1))?;
    Ok(StatusCode::OK)
}

/// Answers 410 for a state that is known to be stale, 200 for another, and 404 for a new session.
async fn looks(session: Session) -> Result<StatusCode, Error> {
    Ok(match (session.is_new(), session.is_stale()) {
        (true, false) => StatusCode::NOT_FOUND,
        (false, false) => StatusCode::OK,
        (false, true) => StatusCode::GONE,
        (true, true) => StatusCode::IM_A_TEAPOT,
    })
}
