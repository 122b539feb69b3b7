use std::collections::BTreeMap;

use cloakroom::{Error, Session, SessionLayer};
use http::header::{COOKIE, HeaderMap, SET_COOKIE};
use http::{Request, StatusCode};

use super::super::rig::respond;

/// The name of the second cookie.
pub(super) const SEEN: &str = "__Host-id-seen";

/// A browser that keeps every cookie.
#[derive(Clone, Debug, Default)]
pub(super) struct Browser {
    pub(super) jar: BTreeMap<String, String>,
}

/// An answer as a browser takes it.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

impl Browser {
    /// Handles one request of this browser's, which opens its session.
    pub(super) async fn visit<F, Fut>(&mut self, layer: &SessionLayer, handler: F) -> Visit
    where
        F: FnOnce(Session) -> Fut,
        Fut: Future<Output = Result<StatusCode, Error>>,
    {
        let opens =
            async |request: Request<()>| handler(Session::from_extensions(request.extensions()).await?).await;
        let response = respond(layer, self.request(), opens).await;
        let (parts, _) = response.into_parts();
        self.take(Visit { status: parts.status, headers: parts.headers })
    }

    pub(super) fn request(&self) -> Request<()> {
        let mut request = Request::new(());
        let pairs: Vec<_> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !pairs.is_empty() {
            request.headers_mut().insert(COOKIE, pairs.join("; ").parse().unwrap());
        }
        request
    }

    /// Takes the cookies of an answer.
    pub(super) fn take(&mut self, visit: Visit) -> Visit {
        for (name, value) in visit.cookies() {
            if value.is_empty() {
                self.jar.remove(&name)
            } else {
                self.jar.insert(name, value)
            };
        }
        visit
    }

    /// Returns the ticket.
    pub(super) fn ticket(&self) -> &str {
        &self.jar["__Host-id"]
    }

    /// Returns the version that the browser knows of, as an unsigned cookie says it.
    pub(super) fn knows(&self) -> Option<u64> {
        let value = self.jar.get(SEEN)?;
        assert_eq!(value[..22], self.ticket()[..22], "of this session");
        Some(value[22..].parse().unwrap())
    }
}

impl Visit {
    #[track_caller]
    pub(super) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Checks which cookies the answer sets or removes.
    #[track_caller]
    pub(super) fn sets(self, names: &[&str]) -> Self {
        let set: Vec<_> = self.cookies().into_iter().map(|(name, _)| name).collect();
        assert_eq!(set, names, "{self:?}");
        self
    }

    /// Returns the names and values of the cookies that the answer sets.
    pub(super) fn cookies(&self) -> Vec<(String, String)> {
        let pairs = self.lines().into_iter().map(|(pair, _)| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        pairs.collect()
    }

    /// Returns the cookies that the answer sets, each with its attributes.
    pub(super) fn lines(&self) -> Vec<(String, String)> {
        let lines = self.headers.get_all(SET_COOKIE).iter().map(|line| line.to_str().unwrap());
        lines.map(|line| line.split_once("; ").unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    pub(super) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }
}
