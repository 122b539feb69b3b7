use http::Method;
use http::header::COOKIE as COOKIE_HEADER;
use serde_json::Value;

use super::answer::COOKIE;
use super::{Answer, Server};

/// A browser: keeps the ticket that it was given last, and sends it with each request to any server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visitor {
    http: reqwest::Client,
    pub(crate) ticket: Option<String>,
}

impl Visitor {
    /// Makes a visitor without a ticket.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Makes a visitor who holds this ticket.
    pub(crate) fn holding(ticket: impl Into<String>) -> Self {
        Self { ticket: Some(ticket.into()), ..Self::default() }
    }

    /// Makes a visitor with a session, and returns its ticket too.
    pub(crate) async fn with_session(server: &Server) -> (Self, String) {
        let mut visitor = Self::new();
        let ticket = visitor.put(server, "/attributes/first", "1").await.is(204).ticket();
        (visitor, ticket)
    }

    /// Makes a visitor who has signed in.
    pub(crate) async fn signed_in(server: &Server, principal: &str) -> Self {
        let mut visitor = Self::new();
        visitor.login(server, principal).await.is(204).ticket();
        visitor
    }

    pub(crate) async fn get(&mut self, server: &Server, path: &str) -> Answer {
        self.send(server, Method::GET, path, String::new()).await
    }

    pub(crate) async fn delete(&mut self, server: &Server, path: &str) -> Answer {
        self.send(server, Method::DELETE, path, String::new()).await
    }

    pub(crate) async fn post(&mut self, server: &Server, path: &str) -> Answer {
        self.send(server, Method::POST, path, String::new()).await
    }

    pub(crate) async fn put(&mut self, server: &Server, path: &str, body: impl ToString) -> Answer {
        self.send(server, Method::PUT, path, body.to_string()).await
    }

    pub(crate) async fn post_json(&mut self, server: &Server, path: &str, body: impl ToString) -> Answer {
        self.send(server, Method::POST, path, body.to_string()).await
    }

    pub(crate) async fn login(&mut self, server: &Server, principal: &str) -> Answer {
        let body = serde_json::json!({ "principal": principal });
        self.post_json(server, "/login", body).await
    }

    /// Sets an attribute; the cookie that may come of it is kept.
    pub(crate) async fn set(&mut self, server: &Server, name: &str, value: impl Into<Value>) {
        self.put(server, &format!("/attributes/{name}"), value.into()).await.is(204);
    }

    /// Returns an attribute, or `None` where it is absent.
    pub(crate) async fn attribute(&mut self, server: &Server, name: &str) -> Option<Value> {
        let answer = self.get(server, &format!("/attributes/{name}")).await;
        (answer.status != 404).then(|| answer.is(200).json())
    }

    /// Returns what `/session` tells.
    pub(crate) async fn session(&mut self, server: &Server) -> Value {
        self.get(server, "/session").await.is(200).json()
    }

    /// Returns the session's handle.
    pub(crate) async fn handle(&mut self, server: &Server) -> String {
        self.session(server).await["handle"].as_str().unwrap().to_owned()
    }

    /// Returns the names of the session's attributes.
    pub(crate) async fn names(&mut self, server: &Server) -> Vec<String> {
        serde_json::from_value(self.session(server).await["names"].take()).unwrap()
    }

    pub(crate) async fn send(&mut self, server: &Server, method: Method, path: &str, body: String) -> Answer {
        let answer = self.try_send(server, method, path, body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error:?}\n{}", server.log()))
    }

    /// Sends a request, and fails where the connection does.
    pub(crate) async fn try_send(
        &mut self,
        server: &Server,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Answer, reqwest::Error> {
        self.send_to(server.address(), method, path, body).await
    }

    /// Sends a request to whoever listens at this address, and fails where the connection does.
    pub(crate) async fn send_to(
        &mut self,
        address: &str,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Answer, reqwest::Error> {
        let url = format!("http://{address}{path}");
        let mut request = self.http.request(method, url).body(body);
        if let Some(ticket) = &self.ticket {
            request = request.header(COOKIE_HEADER, format!("{COOKIE}={ticket}"));
        }
        let response = request.send().await?;
        let answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?,
        };
        answer.check();
        answer.tells_nothing_of(self.ticket.as_deref().unwrap_or_default());
        self.keep(&answer);
        Ok(answer)
    }

    fn keep(&mut self, answer: &Answer) {
        if let Some(cookie) = answer.set_cookie() {
            self.ticket = (!cookie.value.is_empty()).then_some(cookie.value);
        }
    }
}
