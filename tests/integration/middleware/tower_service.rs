//! Around a plain tower service, without axum.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use cloakroom::core::DynStore;
use cloakroom::{Error, MemoryStore, Session, SessionLayer};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tower::{Layer as _, Service, ServiceExt as _};

use super::rig::{Rig, request};

/// A body that is neither `Default` nor `Clone`, and of a type that the layer cannot make.
#[derive(Debug)]
struct OneFrame(Option<Bytes>);

impl Body for OneFrame {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// A service that is no more than a service: not `Clone`, with a request body of its own.
#[derive(Debug)]
struct Plain {
    calls: u32,
}

impl Service<Request<&'static str>> for Plain {
    type Response = Response<OneFrame>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<&'static str>) -> Self::Future {
        self.calls += 1;
        ready(Ok(Response::new(OneFrame(Some(request.into_body().into())))))
    }
}

#[tokio::test]
async fn it_asks_no_more_of_a_service_than_tower_does() {
    let mut service = SessionLayer::new(MemoryStore::new()).layer(Plain { calls: 0 });
    for body in ["one", "two"] {
        let response = service.ready().await.unwrap().call(Request::new(body)).await.unwrap();
        assert_eq!(response.body().size_hint().exact(), Some(3));
        assert!(!response.body().is_end_stream());
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), body);
    }
}

#[tokio::test]
async fn an_answer_of_the_layers_own_needs_no_body_of_the_services_kind() {
    let rig = Rig::new();
    rig.faults.inject(
        cloakroom_testkit::faulty::Operation::Commit,
        cloakroom_testkit::faulty::Fault::Fail(cloakroom::core::ErrorKind::Other),
    );
    let inner = tower::service_fn(|request: Request<()>| async move {
        let session = Session::from_extensions(request.extensions()).await?;
        session.set_named("a", &1)?;
        Ok::<_, Error>(Response::new(OneFrame(Some("an answer".into()))))
    });
    let response = rig.layer.layer(inner).oneshot(request(None)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.body().size_hint().exact(), Some(0));
    assert!(response.body().is_end_stream());
    assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn a_store_may_be_chosen_at_run_time() {
    let store: Arc<dyn DynStore> = Arc::new(MemoryStore::new());
    let layer = SessionLayer::new(store);
    let inner = tower::service_fn(|request: Request<()>| async move {
        let session = Session::from_extensions(request.extensions()).await?;
        session.update_named("visits", |number: &mut i64| *number += 1).await?;
        Ok::<_, Error>(Response::new(OneFrame(None)))
    });
    let response = layer.layer(inner).oneshot(request(None)).await.unwrap();
    assert!(response.headers().contains_key("set-cookie"));
}

#[tokio::test]
async fn without_the_layer_the_error_names_the_fix() {
    let error = Session::from_extensions(Request::new(()).extensions()).await.unwrap_err();
    assert_eq!(error.kind(), cloakroom::ErrorKind::MissingLayer);
    assert!(error.to_string().contains(".layer(SessionLayer::new("), "{error}");
}

#[tokio::test]
async fn what_the_application_says_about_caching_stands() {
    let rig = Rig::new();
    let inner = tower::service_fn(|request: Request<()>| async move {
        let session = Session::from_extensions(request.extensions()).await?;
        session.set_named("a", &1)?;
        let response =
            Response::builder().header("cache-control", "max-age=60").header("vary", "Accept, Cookie");
        Ok::<_, Error>(response.body(OneFrame(None)).unwrap())
    });
    let response = rig.layer.layer(inner).oneshot(request(None)).await.unwrap();
    assert_eq!(response.headers()["cache-control"], "max-age=60");
    assert_eq!(response.headers().get_all("vary").iter().count(), 1);
}
