use std::net::SocketAddr;

use crate::case::{Case, Size};
use crate::http::{Answer, Connection, head};
use benches::Result;
use benches::protocol::{BODY, FIRST, START, Stored, Workload};

/// One keep-alive connection that checks every answer.
#[derive(Debug)]
pub(crate) struct Client {
    case: Case,
    connection: Connection,
    /// Each as it is sent: `name=value`.
    cookies: Vec<String>,
    request: Vec<u8>,
    answered: u64,
}

impl Client {
    /// Connects, and has a session filled if the case wants one.
    pub(crate) async fn connect(case: &Case, address: SocketAddr) -> Result<Self> {
        let mut client = Self {
            case: case.clone(),
            connection: Connection::open(address).await?,
            cookies: Vec::new(),
            request: Vec::new(),
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
        head(method, path, &self.cookies)
    }

    async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        let answer = self.connection.ask(request).await;
        answer.map_err(|error| format!("{}: {error}", self.case).into())
    }

    fn body(&self, answer: &Answer) -> &[u8] {
        self.connection.body(answer)
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

#[cfg(test)]
mod tests {
    use super::*;

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
