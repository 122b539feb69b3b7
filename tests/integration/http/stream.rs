use serde_json::json;

use crate::support::{Backend, Raw, Site, Visitor, for_each_site};

for_each_site!(what_a_stream_sets_is_stored_before_its_head, a_stream_comes_in_pieces);

async fn what_a_stream_sets_is_stored_before_its_head(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
    let cookie = format!("__Host-id={ticket}");
    let mut stream = Raw::begin(site.a(), "GET", "/stream", &[cookie.as_bytes()]).await;
    let head = stream.read_until("\r\n\r\n").await;
    assert!(!head.contains("chunk 9"));
    assert_eq!(visitor.attribute(site.b(), "streamed").await, Some(json!(true)));
    stream.read_until("chunk 9\n").await;
}

async fn a_stream_comes_in_pieces(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    let answer = visitor.get(site.a(), "/stream").await.is(200);
    answer.ticket();
    let expected: String = (0..10).map(|number| format!("chunk {number}\n")).collect();
    assert_eq!(answer.body, expected);
}
