//! The version seen beside a ticket in a header.

use cloakroom::core::{Freshness, Version};
use cloakroom::{Session, SessionLayer};
use http::{HeaderName, Request, StatusCode};

use super::super::rig::respond;
use super::browser::{Browser, SEEN, Visit};
use super::{Nodes, counts, looks};

const TICKET: HeaderName = HeaderName::from_static("x-session");
const HEADER: HeaderName = HeaderName::from_static("x-session-seen");

fn by_header(layer: SessionLayer) -> SessionLayer {
    layer.header(TICKET)
}

/// A client without cookies, and what it keeps of both headers.
#[derive(Clone, Debug, Default)]
struct Client {
    ticket: String,
    seen: Option<String>,
}

impl Client {
    async fn ask<Fut>(&mut self, layer: &SessionLayer, handler: impl FnOnce(Session) -> Fut) -> Visit
    where
        Fut: Future<Output = Result<StatusCode, cloakroom::Error>>,
    {
        let mut request = Request::new(());
        request.headers_mut().insert(TICKET, self.ticket.parse().unwrap());
        if let Some(seen) = &self.seen {
            request.headers_mut().insert(HEADER, seen.parse().unwrap());
        }
        let opens =
            async |request: Request<()>| handler(Session::from_extensions(request.extensions()).await?).await;
        let (parts, _) = respond(layer, request, opens).await.into_parts();
        let visit = Visit { status: parts.status, headers: parts.headers }.sets(&[]);
        assert_eq!(visit.header("vary"), ["Cookie", "x-session", "x-session-seen"]);
        if let [ticket] = visit.header("x-session")[..] {
            self.ticket = ticket.to_owned();
        }
        if let [seen] = visit.header("x-session-seen")[..] {
            self.seen = Some(seen.to_owned());
            assert_eq!(visit.header("cache-control"), ["no-store"]);
        }
        visit
    }
}

#[tokio::test]
async fn a_client_without_cookies_has_it_in_a_header() {
    let nodes = Nodes::with(by_header);
    let mut client = Client::default();
    client.ask(&nodes.a, looks).await.is(404);
    client.ask(&nodes.a, counts).await.is(200);
    assert_eq!(client.seen, Some(format!("{}1", &client.ticket[..22])));
    let unchanged = client.ask(&nodes.a, looks).await.is(200);
    assert!(unchanged.header("x-session-seen").is_empty());
    assert_eq!(nodes.behind.asked().last(), Some(&Freshness::AtLeast(Version(1))));
    nodes.behind.hold_back();
    client.ask(&nodes.a, counts).await.is(200);
    client.ask(&nodes.b, looks).await.is(410);
    let leaves = async |session: Session| {
        session.invalidate();
        Ok(StatusCode::OK)
    };
    client.ask(&nodes.b, leaves).await.is(200);
    assert_eq!((client.ticket.as_str(), client.seen.as_deref()), ("", Some("")));
}

/// Where the ticket comes in the header, so does what was seen: cookies do not count. And the other way round.
#[tokio::test]
async fn what_comes_by_the_other_way_says_nothing() {
    let nodes = Nodes::with(by_header);
    let mut browser = nodes.losing().await;
    let mut client = Client { ticket: browser.ticket().to_owned(), seen: None };
    assert!(browser.jar.contains_key(SEEN));
    client.clone().ask(&nodes.b, looks).await.is(200);
    client.seen = Some(browser.jar[SEEN].clone());
    client.clone().ask(&nodes.b, looks).await.is(410);

    let seen = browser.jar.remove(SEEN).unwrap();
    let mut request = browser.request();
    request.headers_mut().insert(HEADER, seen.parse().unwrap());
    let opens =
        async |request: Request<()>| looks(Session::from_extensions(request.extensions()).await?).await;
    assert_eq!(respond(&nodes.b, request, opens).await.status(), 200);
    let mut other = Browser::default();
    other.visit(&nodes.b, counts).await.is(200);
}

#[tokio::test]
async fn without_tracking_there_is_no_such_header() {
    let nodes = Nodes::with(|layer| by_header(layer).track_versions(false));
    let mut request = Request::new(());
    request.headers_mut().insert(TICKET, "".parse().unwrap());
    let opens =
        async |request: Request<()>| counts(Session::from_extensions(request.extensions()).await?).await;
    let answer = respond(&nodes.a, request, opens).await;
    assert!(!answer.headers().contains_key(HEADER));
    assert_eq!(answer.headers().get_all("vary").iter().count(), 2);
}
