use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::case::{Case, Size};
use benches::Result;
use benches::protocol::{BODY, FIRST, START, Stored, Workload};

/// What any client sends. The host is none of the local ones, which some software treats as a special case.
const USUAL: &str = "host: www.example.com\r\nuser-agent: benches/0.1.0\r\naccept: */*\r\n";

/// One keep-alive connection that checks every answer.
#[derive(Debug)]
pub(crate) struct Client {
    case: Case,
    stream: TcpStream,
    /// Each as it is sent: `name=value`.
    cookies: Vec<String>,
    request: Vec<u8>,
    incoming: Vec<u8>,
    answered: u64,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    /// The beginnings of the `Set-Cookie` lines: `name=value`.
    set_cookies: Vec<String>,
    body: std::ops::Range<usize>,
}

impl Client {
    /// Connects, and has a session filled if the case wants one.
    pub(crate) async fn connect(case: &Case, address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            case: case.clone(),
            stream,
            cookies: Vec::new(),
            request: Vec::new(),
            incoming: Vec::new(),
            answered: 0,
        };
        if case.size != Size::NONE {
            client.fill(case.size).await?;
        }
        client.request = client.head("GET", "/").into_bytes();
        Ok(client)
    }

    async fn fill(&mut self, Size { attributes, bytes }: Size) -> Result<()> {
        let request = self.head("POST", &format!("/fill/{attributes}/{bytes}"));
        let answer = self.ask(request.as_bytes()).await?;
        if answer.status != 200 || answer.set_cookies.is_empty() {
            return Err(self.unexpected("filling a session", &answer));
        }
        self.keep(answer.set_cookies);
        Ok(())
    }

    /// Takes over cookies as a browser does.
    fn keep(&mut self, cookies: Vec<String>) {
        for cookie in cookies {
            let name = |cookie: &str| cookie.split('=').next().map(str::to_owned);
            match self.cookies.iter_mut().find(|kept| name(kept) == name(&cookie)) {
                Some(kept) => *kept = cookie,
                None => self.cookies.push(cookie),
            }
        }
    }

    /// Sends the measured request and checks the answer.
    pub(crate) async fn exchange(&mut self) -> Result<()> {
        let request = std::mem::take(&mut self.request);
        let answer = self.ask(&request).await?;
        let is_new = self.case.workload == Workload::NewSession;
        if answer.status != 200
            || self.body(&answer) != BODY.as_bytes()
            || is_new && answer.set_cookies.is_empty()
        {
            return Err(self.unexpected("the measured request", &answer));
        }
        self.request = request;
        self.answered += 1;
        if !answer.set_cookies.is_empty() {
            self.keep(answer.set_cookies);
            if !is_new {
                self.request = self.head("GET", "/").into_bytes();
            }
        }
        Ok(())
    }

    /// Checks that the store holds what the answered requests must have left there, and nothing else was lost.
    pub(crate) async fn verify(mut self) -> Result<()> {
        if !self.case.has_sessions() || self.cookies.is_empty() {
            return Ok(());
        }
        let request = self.head("GET", "/stored");
        let answer = self.ask(request.as_bytes()).await?;
        let stored: Stored = serde_json::from_slice(self.body(&answer))
            .map_err(|_| self.unexpected("asking the store", &answer))?;
        let expected = expected(&self.case, self.answered);
        if stored == expected {
            return Ok(());
        }
        let (case, answered) = (&self.case, self.answered);
        Err(format!("{case}: after {answered} requests the store holds {stored:?}, not {expected:?}").into())
    }

    fn head(&self, method: &str, path: &str) -> String {
        let cookie = match &self.cookies[..] {
            [] => String::new(),
            cookies => format!("cookie: {}\r\n", cookies.join("; ")),
        };
        format!("{method} {path} HTTP/1.1\r\n{USUAL}{cookie}\r\n")
    }

    async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        self.incoming.clear();
        loop {
            if let Some(answer) = parse(&self.incoming)? {
                return Ok(answer);
            }
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Err(format!("{}: the server closed the connection", self.case).into());
            }
        }
    }

    fn body(&self, answer: &Answer) -> &[u8] {
        &self.incoming[answer.body.clone()]
    }

    fn unexpected(&self, during: &str, answer: &Answer) -> Box<dyn std::error::Error + Send + Sync> {
        let Answer { status, set_cookies, .. } = answer;
        let body = String::from_utf8_lossy(self.body(answer));
        let case = &self.case;
        format!("{case}: unexpected answer during {during}: {status}, set-cookie {set_cookies:?}, {body:?}")
            .into()
    }
}

/// Returns what the store must hold after so many requests.
fn expected(case: &Case, answered: u64) -> Stored {
    let Size { attributes, bytes } = case.size;
    let [counter, sum] = match case.workload {
        Workload::Unused | Workload::ReadOne | Workload::NewSession => [0, 0],
        Workload::ChangeOne => [1, 0],
        Workload::ReadFiveChangeTwo => [1, 1],
        Workload::ChangeLarge => [0, 1],
        Workload::TouchAll => [0, attributes],
    };
    Stored {
        counter: START + counter * answered,
        attributes: attributes + 1,
        bytes: attributes * bytes,
        sum: attributes * FIRST + sum * answered,
    }
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

    #[test]
    fn what_is_expected_grows_with_the_requests() {
        let stored = |case: &str| expected(&case.parse().unwrap(), 7);
        let touched = stored("redis/floor/touch-all/3k");
        assert_eq!((touched.counter, touched.sum), (START, 10 * FIRST + 70));
        assert_eq!((touched.attributes, touched.bytes), (11, 3_000));
        let changed = stored("redis/floor/read-five-change-two/3k");
        assert_eq!((changed.counter, changed.sum), (START + 7, 10 * FIRST + 7));
        assert_eq!(stored("redis/floor/new-session/none").attributes, 1);
    }
}
