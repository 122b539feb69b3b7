//! A socket that a one-time ticket opens, and that ends with the session (OWASP ASVS 5.0, 4.4.2 to 4.4.4).
//!
//! Browsers send the cookie along with a socket that a page of *another* site opens. So the `Origin` is checked, and a
//! ticket is asked for that only a page of this site can have fetched.

use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Response, Result};
use axum::routing::{get, post};
use cloakroom::{Activity, Attribute, ErrorKind, Session, SessionLayer};
use serde::{Deserialize, Serialize};

use crate::random::random;

pub(crate) fn app(layer: &SessionLayer) -> Router {
    Router::new()
        .route("/socket-ticket", post(give_ticket))
        // An open socket is no sign that somebody is there.
        .route("/socket", get(open).layer(Activity::Never))
        .route("/sign-out", post(async |session: Session| session.sign_out()))
        .layer(layer.clone())
}

/// Opens one socket, soon.
#[derive(Serialize, Deserialize)]
struct SocketTicket(String);

impl Attribute for SocketTicket {
    const NAME: &'static str = "socket-ticket";
    const TTL: Option<Duration> = Some(Duration::from_secs(30));
}

/// Gives the page a ticket. It goes into the socket's address, where others may read it: so it is not the session's.
async fn give_ticket(session: Session) -> Result<String> {
    let ticket = random()?;
    session.set(&SocketTicket(ticket.clone()))?;
    Ok(ticket)
}

#[derive(Deserialize)]
struct Shown {
    ticket: String,
}

async fn open(
    session: Session,
    headers: HeaderMap,
    Query(shown): Query<Shown>,
    upgrade: WebSocketUpgrade,
) -> Result<Response> {
    if !is_from_here(&headers) {
        return Err(StatusCode::FORBIDDEN.into());
    }
    match session.take_once::<SocketTicket>().await? {
        Some(SocketTicket(ticket)) if ticket == shown.ticket => {
            Ok(upgrade.on_upgrade(|socket| talk(socket, session)))
        }
        _ => Err(StatusCode::FORBIDDEN.into()),
    }
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = value(ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.is_some() && origin == value(HOST)
}

/// How long a socket may outlive its session. Whichever server ends that, the store knows.
const LATEST: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });

/// Says back what it hears, as long as the session lives.
async fn talk(mut socket: WebSocket, session: Session) {
    let mut looks = tokio::time::interval(LATEST);
    loop {
        let goes_on = tokio::select! {
            heard = socket.recv() => match heard {
                Some(Ok(Message::Text(text))) => socket.send(Message::Text(text)).await.is_ok(),
                Some(Ok(_)) => true,
                Some(Err(_)) | None => false,
            },
            _ = looks.tick() => is_live(&session).await,
        };
        if !goes_on {
            let _ = socket.send(Message::Close(None)).await;
            return;
        }
    }
}

/// A store that fails for a moment closes no socket. For more than a chat it should.
async fn is_live(session: &Session) -> bool {
    session.reload().await.map_or_else(|error| error.kind() != ErrorKind::Gone, |()| true)
}

#[cfg(test)]
mod tests {
    use cloakroom::MemoryStore;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::visitor::Visitor;

    /// Serves, and returns where, and a visitor who has a session.
    async fn served() -> (String, Visitor) {
        let app = app(&SessionLayer::new(MemoryStore::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = app.clone();
        tokio::spawn(async move { axum::serve(listener, serving).await });
        (address, Visitor::of(app))
    }

    /// Asks for a socket, and returns the status and the connection.
    async fn open(address: &str, visitor: &Visitor, ticket: &str, origin: &str) -> (String, TcpStream) {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /socket?ticket={ticket} HTTP/1.1\r\nHost: {address}\r\nOrigin: {origin}\r\nCookie: {}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            visitor.cookie
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), connection)
    }

    #[tokio::test]
    async fn a_ticket_opens_one_socket_from_here() {
        let (address, mut visitor) = served().await;
        let here = format!("http://{address}");
        let ticket = visitor.post("/socket-ticket", "").await.is(200).text;
        for elsewhere in ["http://example.com", "null", ""] {
            assert_eq!(open(&address, &visitor, &ticket, elsewhere).await.0, "403", "{elsewhere}");
        }
        assert_eq!(open(&address, &visitor, &ticket, &here).await.0, "101");
        assert_eq!(open(&address, &visitor, &ticket, &here).await.0, "403", "once");
        let ticket = visitor.post("/socket-ticket", "").await.is(200).text;
        assert_eq!(open(&address, &visitor, "guessed", &here).await.0, "403");
        assert_eq!(open(&address, &visitor, &ticket, &here).await.0, "403", "one guess");
        let (_, stranger) = served().await;
        let ticket = visitor.post("/socket-ticket", "").await.is(200).text;
        assert_eq!(open(&address, &stranger, &ticket, &here).await.0, "403", "without the session");
    }

    #[tokio::test]
    async fn a_socket_ends_with_its_session() {
        let (address, mut visitor) = served().await;
        let ticket = visitor.post("/socket-ticket", "").await.is(200).text;
        let (status, mut socket) = open(&address, &visitor, &ticket, &format!("http://{address}")).await;
        assert_eq!(status, "101");
        // A text of two bytes, masked with zeros as a browser masks it with more.
        socket.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
        let mut heard = [0; 4];
        socket.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, *b"\x81\x02hi");
        visitor.post("/sign-out", "").await.is(200);
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"\x88\x00", "it is closed");
    }
}
