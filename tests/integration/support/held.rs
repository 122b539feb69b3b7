use super::{Answer, COOKIE, Raw, Server};

/// A request that has loaded its session, and sets an attribute when it goes on.
///
/// The server asks for the body only when the handler reads it, and the handler loads the session before.
#[derive(Debug)]
pub(crate) struct Held(Raw);

impl Held {
    /// Begins a request with this ticket, and waits until it has loaded.
    pub(crate) async fn begin(server: &Server, ticket: &str, name: &str) -> Self {
        let head = format!(
            "PUT /attributes/{name} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nCookie: {COOKIE}={ticket}\r\n\
             Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"
        );
        let mut raw = Raw::connect(server).await;
        raw.send(head.as_bytes()).await;
        raw.read_until("100 Continue\r\n\r\n").await;
        Self(raw)
    }

    /// Lets it go on: the attribute becomes 1.
    pub(crate) async fn finish(mut self) -> Answer {
        self.0.send(b"1").await;
        self.0.answer().await.unwrap()
    }
}
