use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Result;
use crate::case::{App, Case, Filling};
use crate::server::{BODY, COOKIE, START, Stored};

/// What any client sends. The host is none of the local ones, which some software treats as a special case.
const USUAL: &str = "host: www.example.com\r\nuser-agent: benches/0.1.0\r\naccept: */*\r\n";

/// One keep-alive connection that checks every answer.
#[derive(Debug)]
pub(crate) struct Client {
    case: &'static Case,
    stream: TcpStream,
    cookie: Option<String>,
    request: Vec<u8>,
    incoming: Vec<u8>,
    answered: u64,
}

#[derive(Debug)]
struct Answer<'a> {
    status: u16,
    set_cookie: Option<&'a str>,
    body: &'a [u8],
}

impl Client {
    /// Connects, and has a session filled if the case asks for a cookie.
    pub(crate) async fn connect(case: &'static Case, address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut client =
            Self { case, stream, cookie: None, request: Vec::new(), incoming: Vec::new(), answered: 0 };
        if let Some(Filling { attributes, bytes }) = case.session {
            client.fill(attributes, bytes).await?;
        }
        client.request = client.head("GET", "/").into_bytes();
        Ok(client)
    }

    async fn fill(&mut self, attributes: u64, bytes: u64) -> Result<()> {
        let request = self.head("POST", &format!("/fill/{attributes}/{bytes}"));
        let answer = self.ask(request.as_bytes()).await?;
        let pair = answer.set_cookie.and_then(|cookie| cookie.split(';').next());
        match (answer.status, pair) {
            (200, Some(pair)) if pair.starts_with(COOKIE) => {
                self.cookie = Some(pair.to_owned());
                Ok(())
            }
            _ => Err(unexpected("filling a session", &answer)),
        }
    }

    /// Sends the measured request and checks the answer.
    pub(crate) async fn exchange(&mut self) -> Result<()> {
        let case = self.case;
        let request = std::mem::take(&mut self.request);
        let answer = self.ask(&request).await?;
        if answer.status != 200 || answer.set_cookie.is_some() || answer.body != BODY.as_bytes() {
            return Err(unexpected(case.name, &answer));
        }
        self.request = request;
        self.answered += 1;
        Ok(())
    }

    /// Checks that the store holds what the answered requests must have left there, and nothing else was lost.
    pub(crate) async fn verify(mut self) -> Result<()> {
        let (Some(filling), true) = (self.case.session, self.case.app.has_sessions()) else {
            return Ok(());
        };
        let changes = if self.case.app == App::ChangeOne { self.answered } else { 0 };
        let request = self.head("GET", "/stored");
        let answer = self.ask(request.as_bytes()).await?;
        let stored: Stored =
            serde_json::from_slice(answer.body).map_err(|_| unexpected("asking the store", &answer))?;
        let whole = stored.attributes == filling.attributes + 1
            && stored.bytes >= filling.attributes * filling.bytes
            && stored.counter == START + changes;
        if whole { Ok(()) } else { Err(format!("after {changes} changes the store holds {stored:?}").into()) }
    }

    fn head(&self, method: &str, path: &str) -> String {
        let cookie = match &self.cookie {
            Some(pair) => format!("cookie: {pair}\r\n"),
            None => String::new(),
        };
        format!("{method} {path} HTTP/1.1\r\n{USUAL}{cookie}\r\n")
    }

    async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.incoming.clear();
        while parse(&self.incoming)?.is_none() {
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
        parse(&self.incoming)?.ok_or_else(|| "no answer".into())
    }
}

/// Reads an answer; `None` while it is not complete.
fn parse(bytes: &[u8]) -> Result<Option<Answer<'_>>> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body_at) = head.parse(bytes)? else {
        return Ok(None);
    };
    let status = head.code.unwrap_or_default();
    let header = |name: &str| {
        let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| std::str::from_utf8(header.value)).transpose()
    };
    let length: usize = header("content-length")?.unwrap_or("0").parse()?;
    let set_cookie = header("set-cookie")?;
    let body = bytes.get(body_at..body_at + length);
    Ok(body.map(|body| Answer { status, set_cookie, body }))
}

fn unexpected(during: &str, answer: &Answer<'_>) -> Box<dyn std::error::Error + Send + Sync> {
    let Answer { status, set_cookie, body } = answer;
    let body = String::from_utf8_lossy(body);
    format!("unexpected answer during {during}: {status}, set-cookie {set_cookie:?}, {body:?}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nset-cookie: __Host-id=x; Path=/\r\n\r\nhi";

    #[test]
    fn an_answer_is_whole_with_its_last_byte() {
        for end in 0..WHOLE.len() {
            assert!(parse(&WHOLE.as_bytes()[..end]).unwrap().is_none(), "{end}");
        }
        let answer = parse(WHOLE.as_bytes()).unwrap().unwrap();
        assert_eq!(
            (answer.status, answer.set_cookie, answer.body),
            (200, Some("__Host-id=x; Path=/"), b"hi".as_slice())
        );
    }

    #[test]
    fn what_is_no_http_is_an_error() {
        assert!(parse(b"hello\r\n\r\n").is_err());
    }
}
