use serde_json::json;
use servers::Port;
use tokio::net::TcpStream;

use crate::support::{Backend, Raw, Server, Site, Visitor, eventually, for_each_site};

for_each_site!(
    what_is_in_flight_is_finished,
    a_stream_is_finished,
    connections_without_a_request_do_not_hold_it_up,
);

async fn refuses(server: &Server) {
    let address = server.address().to_owned();
    eventually(|| async { TcpStream::connect(&address).await.is_err() }).await;
}

async fn what_is_in_flight_is_finished(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    // Nobody else may get its port when it has closed it.
    let port = Port::claim().unwrap();
    let server = site.another_with(&["--listen", &format!("127.0.0.1:{}", port.number())]).await;
    let (mut visitor, ticket) = Visitor::with_session(&server).await;
    let mut raw = Raw::connect(&server).await;
    let head = format!(
        "PUT /attributes/late HTTP/1.1\r\nHost: test\r\nCookie: __Host-id={ticket}\r\nExpect: 100-continue\r\n\
         Content-Length: 1\r\n\r\n"
    );
    raw.send(head.as_bytes()).await;
    raw.read_until("100 Continue\r\n\r\n").await;
    server.terminate();
    refuses(&server).await;
    raw.send(b"7").await;
    raw.answer().await.unwrap().is(204);
    let (status, log) = server.ended().await;
    assert_eq!(status.code(), Some(0), "{log}");
    if backend != Backend::Memory {
        assert_eq!(visitor.attribute(site.a(), "late").await, Some(json!(7)));
    }
}

async fn a_stream_is_finished(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let server = site.another().await;
    let mut raw = Raw::begin(&server, "GET", "/stream", &[]).await;
    raw.read_until("chunk 0\n").await;
    server.terminate();
    raw.read_until("chunk 9\n").await;
    assert_eq!(server.ended().await.0.code(), Some(0));
}

async fn connections_without_a_request_do_not_hold_it_up(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let server = site.another().await;
    let _fresh = Raw::connect(&server).await;
    let mut kept = Raw::connect(&server).await;
    kept.send(b"GET /plain HTTP/1.1\r\nHost: test\r\n\r\n").await;
    kept.read_until("ok").await;
    server.stop().await;
}
