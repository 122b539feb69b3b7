use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use cloakroom::core::{DynStore, Opened};
use cloakroom::{Error, Session, SessionLayer};
use cloakroom_testkit::faulty::{Faults, Faulty, Gate, Moment, Operation};
use futures_util::future::join3;
use http::StatusCode;
use tower::ServiceExt as _;

use super::super::ear::Ear;
use super::super::rig;
use crate::support::{Answer, Backend, Site, open};

/// How long two commits may take to come: only broken code makes a test wait as long.
const PATIENCE: Duration = Duration::from_secs(90);

/// A store may take long on a busy machine.
const PATIENT: Duration = Duration::from_secs(20);

/// Two nodes that share a store and nothing else. Where the store is in memory, both are in the one process that has it.
pub(super) struct Pair {
    pub(super) a: Peer,
    pub(super) b: Peer,
    pub(super) site: Site,
}

/// One of them.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) store: Arc<dyn DynStore>,
    pub(super) faults: Faults,
    pub(super) layer: SessionLayer,
    pub(super) ear: Ear,
}

impl Pair {
    /// Starts two nodes with the default settings.
    pub(super) async fn of(backend: Backend) -> Self {
        Self::with(backend, |layer| layer).await
    }

    /// Starts two nodes whose layers are configured.
    pub(super) async fn with(backend: Backend, configure: impl Fn(SessionLayer) -> SessionLayer) -> Self {
        Self::on(Site::bare(backend), configure).await
    }

    /// Starts two nodes on the store of this site.
    pub(super) async fn on(site: Site, configure: impl Fn(SessionLayer) -> SessionLayer) -> Self {
        let first = open(&site, true).await;
        let second = match site.backend() {
            Backend::Memory | Backend::RedisHeldBack => Arc::clone(&first),
            _ => open(&site, false).await,
        };
        Self { a: Peer::new(first, &configure), b: Peer::new(second, &configure), site }
    }

    /// Returns both.
    pub(super) fn both(&self) -> [&Peer; 2] {
        [&self.a, &self.b]
    }

    /// Does two things, one on each node, of which neither commits before both have come to it.
    pub(super) async fn at_once<A, B>(
        &self,
        one: impl Future<Output = A>,
        other: impl Future<Output = B>,
    ) -> (A, B) {
        let gates = self.both().map(|node| node.faults.hold_next(Operation::Commit, Moment::Before));
        let opens = async {
            for gate in &gates {
                gate.arrived().await;
            }
            gates.into_iter().for_each(Gate::open);
        };
        let all = tokio::time::timeout(PATIENCE, join3(one, other, opens)).await;
        let (one, other, ()) = all.expect("both come to a commit");
        (one, other)
    }

    /// Returns one of them, each in turn.
    pub(super) fn node(&self, number: usize) -> &Peer {
        self.both()[number % 2]
    }
}

impl Peer {
    pub(super) fn new(store: Arc<dyn DynStore>, configure: impl Fn(SessionLayer) -> SessionLayer) -> Self {
        let faulty = Faulty::new(Arc::clone(&store));
        let (faults, ear) = (faulty.faults(), Ear::wanting(&["first"]));
        let layer = SessionLayer::new(faulty).store_timeout(PATIENT).listener(ear.clone());
        let layer = configure(layer).check().unwrap();
        Self { store, faults, layer, ear }
    }

    /// Returns this node as it is after a restart with other settings.
    pub(super) fn restarted(&self, configure: impl Fn(SessionLayer) -> SessionLayer) -> Self {
        Self::new(Arc::clone(&self.store), configure)
    }

    /// Handles one request that opens its session.
    pub(super) async fn run<F, Fut>(&self, ticket: Option<&str>, handler: F) -> Answer
    where
        F: FnOnce(Session) -> Fut,
        Fut: Future<Output = Result<StatusCode, Error>>,
    {
        let opens = async |request: http::Request<()>| {
            handler(Session::from_extensions(request.extensions()).await?).await
        };
        rig::answer(rig::respond(&self.layer, rig::request(ticket), opens).await).await
    }

    /// Sends a request to an application on this node.
    pub(super) async fn ask(&self, app: Router, path: &str, ticket: Option<&str>) -> Answer {
        let mut request = rig::request(ticket).map(|()| Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        let Ok(response) = app.layer(self.layer.clone()).oneshot(request).await;
        rig::answer(response).await
    }

    /// Makes a session with the attribute `first`, and returns its ticket.
    pub(super) async fn session(&self) -> String {
        let sets = async |session: Session| {
            session.set_named("first", &1)?;
            Ok(StatusCode::OK)
        };
        self.run(None, sets).await.is(200).ticket()
    }

    /// Makes a session whose visitor has signed in, and returns its ticket.
    pub(super) async fn signed_in(&self, principal: &str) -> String {
        self.sign_in(None, principal).await.is(200).ticket()
    }

    /// Signs in.
    pub(super) async fn sign_in(&self, ticket: Option<&str>, principal: &str) -> Answer {
        let signs_in = async |session: Session| {
            session.sign_in(principal)?;
            Ok(StatusCode::OK)
        };
        self.run(ticket, signs_in).await
    }

    /// Returns what the store holds for a ticket, as this node sees it. This is no access.
    pub(super) async fn opened(&self, ticket: &str) -> Option<Opened> {
        rig::opened(&self.store, ticket).await
    }

    pub(super) async fn opens(&self, ticket: &str) -> bool {
        self.opened(ticket).await.is_some()
    }

    /// Returns the names of a session's attributes.
    pub(super) async fn names(&self, ticket: &str) -> Vec<String> {
        let names = self.opened(ticket).await.unwrap().names.unwrap();
        names.iter().map(ToString::to_string).collect()
    }

    /// Returns what this node's listener was told so far.
    pub(super) async fn story(&self) -> Vec<String> {
        self.layer.settled().await;
        self.ear.story()
    }
}
