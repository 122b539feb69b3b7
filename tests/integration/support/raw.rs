use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Answer, Server};

/// A client that sends whatever bytes it is told to.
#[derive(Debug)]
pub(crate) struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// Connects.
    pub(crate) async fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Sends a request with these `Cookie` lines, on a connection that ends with it, and returns the answer.
    pub(crate) async fn get(server: &Server, path: &str, cookies: &[&[u8]]) -> Answer {
        let mut raw = Self::connect(server).await;
        raw.send(&request("GET", path, cookies)).await;
        raw.answer().await.unwrap()
    }

    /// Sends a request without a body, and does not wait for the answer.
    pub(crate) async fn begin(server: &Server, method: &str, path: &str, cookies: &[&[u8]]) -> Self {
        let mut raw = Self::connect(server).await;
        raw.send(&request(method, path, cookies)).await;
        raw
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Reads until the server closes the connection; `None` if no whole answer came.
    pub(crate) async fn answer(mut self) -> Option<Answer> {
        let mut bytes = Vec::new();
        // A connection that was reset has still sent what it has.
        let _ = self.stream.read_to_end(&mut bytes).await;
        parse(&bytes)
    }

    /// Reads until this text has come.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.windows(end.len()).any(|window| window == end.as_bytes()) {
            let read = self.stream.read_buf(&mut bytes).await.unwrap();
            assert_ne!(read, 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
        }
        String::from_utf8(bytes).unwrap()
    }
}

fn request(method: &str, path: &str, cookies: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n").into_bytes();
    bytes.extend_from_slice(b"Content-Length: 0\r\n");
    for cookie in cookies {
        bytes.extend_from_slice(b"Cookie: ");
        bytes.extend_from_slice(cookie);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .fold(http::HeaderMap::new(), |mut headers, (name, value): (http::HeaderName, _)| {
            headers.append(name, value);
            headers
        });
    let body = bytes::Bytes::copy_from_slice(&bytes[end + 4..]);
    let answer = Answer { status, headers, body };
    answer.check();
    Some(answer)
}
