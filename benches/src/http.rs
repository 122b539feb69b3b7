//! One keep-alive connection, and the answers that come back.

use std::net::SocketAddr;
use std::ops::Range;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use benches::Result;

/// What any client sends. The host is none of the local ones, which some software treats as a special case.
const USUAL: &str = "host: www.example.com\r\nuser-agent: benches/0.1.0\r\naccept: */*\r\n";

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    incoming: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The beginnings of the `Set-Cookie` lines: `name=value`.
    pub(crate) set_cookies: Vec<String>,
    body: Range<usize>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, incoming: Vec::new() })
    }

    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        self.incoming.clear();
        loop {
            if let Some(answer) = parse(&self.incoming)? {
                return Ok(answer);
            }
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
    }

    /// Returns the body of the last answer.
    pub(crate) fn body(&self, answer: &Answer) -> &[u8] {
        &self.incoming[answer.body.clone()]
    }
}

/// Writes a request without a body.
pub(crate) fn head(method: &str, path: &str, cookies: &[String]) -> String {
    format!("{}\r\n", lines(method, path, cookies))
}

/// Writes a request with a body in JSON.
pub(crate) fn with_body(method: &str, path: &str, cookies: &[String], body: &str) -> String {
    let lines = lines(method, path, cookies);
    format!("{lines}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn lines(method: &str, path: &str, cookies: &[String]) -> String {
    let cookie = match cookies {
        [] => String::new(),
        cookies => format!("cookie: {}\r\n", cookies.join("; ")),
    };
    format!("{method} {path} HTTP/1.1\r\n{USUAL}{cookie}")
}

/// Reads an answer; `None` while it is not complete.
fn parse(bytes: &[u8]) -> Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body_at) = head.parse(bytes)? else {
        return Ok(None);
    };
    let status = head.code.unwrap_or_default();
    let values = |name: &'static str| {
        let found = head.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| std::str::from_utf8(header.value))
    };
    let length: usize = values("content-length").next().transpose()?.unwrap_or("0").parse()?;
    if bytes.len() < body_at + length {
        return Ok(None);
    }
    let mut set_cookies = Vec::new();
    for line in values("set-cookie") {
        set_cookies.extend(line?.split(';').next().map(str::to_owned));
    }
    Ok(Some(Answer { status, set_cookies, body: body_at..body_at + length }))
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
        assert_eq!((answer.status, &WHOLE[answer.body]), (200, "hi"));
        assert_eq!(answer.set_cookies, ["__Host-id=x"]);
    }

    #[test]
    fn what_is_no_http_is_an_error() {
        assert!(parse(b"hello\r\n\r\n").is_err());
    }
}
