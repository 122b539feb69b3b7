use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use cloakroom::core::{Freshness, Load, Loaded, Opened, Select, Ticket, Touch, Wanted};
use cloakroom::{Error, MemoryStore, Session, SessionLayer, Store};
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::{Faults, Faulty};
use http::header::COOKIE as COOKIE_HEADER;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Answer, COOKIE};

/// A layer over a store that does what it is told, and a way to look into that store behind the layer's back.
#[derive(Clone, Debug)]
pub(super) struct Rig {
    pub(super) faults: Faults,
    pub(super) memory: MemoryStore,
    pub(super) layer: SessionLayer,
}

impl Rig {
    /// Makes a rig whose layer has the default settings.
    pub(super) fn new() -> Self {
        Self::with(|layer| layer)
    }

    /// Makes a rig whose layer is configured.
    pub(super) fn with(configure: impl FnOnce(SessionLayer) -> SessionLayer) -> Self {
        Self::over(MemoryStore::new(), configure)
    }

    /// Makes a rig whose store has this clock.
    pub(super) fn on_clock(
        clock: &ManualClock,
        configure: impl FnOnce(SessionLayer) -> SessionLayer,
    ) -> Self {
        Self::over(MemoryStore::builder().clock(Arc::new(clock.clone())).build(), configure)
    }

    /// Makes one more node on the same sessions, with faults of its own.
    pub(super) fn node(&self) -> Self {
        self.node_with(|layer| layer)
    }

    /// Makes one more node on the same sessions, whose layer is configured.
    pub(super) fn node_with(&self, configure: impl FnOnce(SessionLayer) -> SessionLayer) -> Self {
        Self::over(self.memory.clone(), configure)
    }

    fn over(memory: MemoryStore, configure: impl FnOnce(SessionLayer) -> SessionLayer) -> Self {
        let store = Faulty::new(memory.clone());
        let faults = store.faults();
        let layer = configure(SessionLayer::new(store));
        Self { faults, memory, layer }
    }

    /// Makes a session with the attribute `first`, and returns its ticket. Counting the calls starts after that.
    pub(super) async fn session(&self) -> String {
        let set = |session: Session| async move {
            session.set_named("first", &1)?;
            Ok(StatusCode::OK)
        };
        let ticket = self.run(None, set).await.is(200).ticket();
        self.faults.forget_calls();
        ticket
    }

    /// Handles one request that opens its session.
    pub(super) async fn run<F, Fut>(&self, ticket: Option<&str>, handler: F) -> Answer
    where
        F: FnOnce(Session) -> Fut,
        Fut: Future<Output = Result<StatusCode, Error>>,
    {
        self.serve(ticket, async |request| {
            let session = Session::from_extensions(request.extensions()).await?;
            handler(session).await
        })
        .await
    }

    /// Handles a request that opens its session.
    pub(super) async fn send<F, Fut>(&self, request: Request<()>, handler: F) -> Answer
    where
        F: FnOnce(Session) -> Fut,
        Fut: Future<Output = Result<StatusCode, Error>>,
    {
        let opens = async |request: Request<()>| {
            let session = Session::from_extensions(request.extensions()).await?;
            handler(session).await
        };
        answer(self.respond(request, opens).await).await
    }

    /// Handles one request.
    pub(super) async fn serve<F>(&self, ticket: Option<&str>, handler: F) -> Answer
    where
        F: AsyncFnOnce(Request<()>) -> Result<StatusCode, Error>,
    {
        answer(self.response(ticket, handler).await).await
    }

    /// Handles one request, and returns the response as it leaves the layer.
    pub(super) async fn response<F>(&self, ticket: Option<&str>, handler: F) -> Response
    where
        F: AsyncFnOnce(Request<()>) -> Result<StatusCode, Error>,
    {
        self.respond(request(ticket), handler).await
    }

    async fn respond<F>(&self, request: Request<()>, handler: F) -> Response
    where
        F: AsyncFnOnce(Request<()>) -> Result<StatusCode, Error>,
    {
        respond(&self.layer, request, handler).await
    }

    /// Returns what the store holds for a ticket, signed or not; `None` where it opens nothing.
    pub(super) async fn opened(&self, ticket: &str) -> Option<Opened> {
        opened(&self.memory, ticket).await
    }

    /// Returns the encoded attributes that the store holds for a ticket; `None` where it opens nothing.
    pub(super) async fn stored(&self, ticket: &str) -> Option<BTreeMap<String, Bytes>> {
        let attributes = self.opened(ticket).await?.attributes.into_iter();
        Some(attributes.map(|attribute| (attribute.name.to_string(), attribute.value)).collect())
    }

    /// Returns the names of the attributes that the store holds for a ticket.
    pub(super) async fn names(&self, ticket: &str) -> Option<Vec<String>> {
        Some(self.stored(ticket).await?.into_keys().collect())
    }

    /// Returns whether a ticket opens a session.
    pub(super) async fn opens(&self, ticket: &str) -> bool {
        self.opened(ticket).await.is_some()
    }
}

/// Handles one request with a handler within a layer.
pub(super) async fn respond<F>(layer: &SessionLayer, request: Request<()>, handler: F) -> Response
where
    F: AsyncFnOnce(Request<()>) -> Result<StatusCode, Error>,
{
    let mut handler = Some(handler);
    let inner = tower::service_fn(|request: Request<()>| {
        let handler = handler.take().unwrap();
        async move { Ok::<_, Infallible>(handler(request).await.into_response()) }
    });
    let Ok(response) = layer.layer(inner).oneshot(request).await;
    response.map(Body::new)
}

/// Returns what a store holds for a ticket, signed or not; `None` where it opens nothing.
pub(super) async fn opened(store: &impl Store, ticket: &str) -> Option<Opened> {
    let load = Load {
        guard: Ticket::parse(&ticket.as_bytes()[..Ticket::LEN]).unwrap().guard(),
        select: Select { values: Wanted::Everything, names: true },
        touch: Touch::Never,
        freshness: Freshness::Any,
    };
    match store.load(&load).await.unwrap() {
        Loaded::Open(opened) => Some(*opened),
        Loaded::Absent | Loaded::Superseded => None,
    }
}

/// Makes a request that carries this ticket.
pub(super) fn request(ticket: Option<&str>) -> Request<()> {
    let mut request = Request::new(());
    if let Some(ticket) = ticket {
        let cookie = format!("{COOKIE}={ticket}").parse().unwrap();
        request.headers_mut().insert(COOKIE_HEADER, cookie);
    }
    request
}

/// Takes a whole response apart.
pub(super) async fn answer<B: http_body::Body>(response: http::Response<B>) -> Answer
where
    B::Error: std::fmt::Debug,
{
    let (parts, body) = response.into_parts();
    let answer = Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes(),
    };
    answer.check();
    answer
}
