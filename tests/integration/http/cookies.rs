use serde_json::Value;

use crate::support::{Answer, Backend, Raw, Server, Site, Visitor, for_each_site};

for_each_site!(
    a_bad_cookie_is_never_an_error,
    a_bad_cookie_is_never_adopted,
    cookies_of_other_names_are_no_business_of_ours,
    each_of_several_cookies_is_tried_in_every_order,
    several_lines_of_cookies_are_one,
    the_first_cookie_that_opens_a_session_wins,
    a_cookie_is_set_when_it_must_be_and_at_no_other_time,
    a_ticket_counts_in_a_cookie_only,
);

const UNKNOWN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn session(server: &Server, cookies: &[&str]) -> Answer {
    let lines: Vec<&[u8]> = cookies.iter().map(|line| line.as_bytes()).collect();
    Raw::get(server, "/session", &lines).await.is(200).without_cookie()
}

#[track_caller]
fn is_new(answer: &Answer) {
    let session = answer.json();
    assert_eq!((&session["new"], &session["handle"]), (&Value::Bool(true), &Value::Null), "{session}");
}

async fn a_bad_cookie_is_never_an_error(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (_, ticket) = Visitor::with_session(site.a()).await;
    let swapped = format!("{}{}", &ticket[22..], &ticket[..22]);
    let forged = format!("{}{}", &ticket[..22], &UNKNOWN[22..]);
    let oversized = ticket.repeat(1000);
    let bad = [
        "",
        " ",
        "x",
        UNKNOWN,
        &ticket[1..],
        &ticket[..43],
        &swapped,
        &forged,
        &oversized,
        &format!("{ticket}="),
        &format!("\"{ticket}\""),
        &format!("{ticket}.sig"),
        "\u{e9}",
        "%41",
    ];
    for value in bad {
        is_new(&session(site.b(), &[&format!("__Host-id={value}")]).await);
    }
    for line in ["", ";", "=", "__Host-id", "__Host-id=", ";;;=;", "\t", "a=b; __Host-id; c"] {
        is_new(&session(site.b(), &[line]).await);
    }
}

async fn a_bad_cookie_is_never_adopted(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut owner, ticket) = Visitor::with_session(site.a()).await;
    let forged = format!("{}{}", &ticket[..22], &UNKNOWN[22..]);
    for planted in [UNKNOWN, forged.as_str()] {
        let mut visitor = Visitor::holding(planted);
        let given = visitor.put(site.a(), "/attributes/a", "1").await.is(204).ticket();
        assert_ne!(given[..22], planted[..22], "not even the session's name is taken over");
        is_new(&session(site.b(), &[&format!("__Host-id={planted}")]).await);
        assert_eq!(visitor.names(site.b()).await, ["a"]);
    }
    assert_eq!(owner.names(site.b()).await, ["first"]);
}

async fn cookies_of_other_names_are_no_business_of_ours(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (_, ticket) = Visitor::with_session(site.a()).await;
    for name in ["id", "__host-id", "__Host-id2", "x__Host-id", "__Secure-id", ""] {
        is_new(&session(site.b(), &[&format!("{name}={ticket}")]).await);
    }
}

async fn each_of_several_cookies_is_tried_in_every_order(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
    let handle = visitor.handle(site.a()).await;
    let good = format!("__Host-id={ticket}");
    let unknown = format!("__Host-id={UNKNOWN}");
    let others = [unknown.as_str(), "__Host-id=malformed", "theme=dark"];
    for place in 0..=others.len() {
        for turn in 0..others.len() {
            let mut pairs: Vec<&str> = others.to_vec();
            pairs.rotate_left(turn);
            pairs.insert(place, &good);
            let one_line = session(site.b(), &[&pairs.join("; ")]).await.json();
            assert_eq!(one_line["handle"], handle, "{pairs:?}");
            let many_lines = session(site.b(), &pairs).await.json();
            assert_eq!(many_lines["handle"], handle, "{pairs:?}");
        }
    }
}

async fn several_lines_of_cookies_are_one(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
    let handle = visitor.handle(site.a()).await;
    let last = format!("b=2; __Host-id={ticket}");
    let answer = session(site.b(), &["a=1", "__Host-id=bad; c=3", &last]).await;
    assert_eq!(answer.json()["handle"], handle);
}

async fn the_first_cookie_that_opens_a_session_wins(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut one, first) = Visitor::with_session(site.a()).await;
    let (mut two, second) = Visitor::with_session(site.a()).await;
    let handles = [one.handle(site.a()).await, two.handle(site.a()).await];
    let line = format!("__Host-id={UNKNOWN}; __Host-id={first}; __Host-id={second}");
    assert_eq!(session(site.b(), &[&line]).await.json()["handle"], handles[0]);
    one.post(site.a(), "/logout").await.is(204);
    assert_eq!(session(site.b(), &[&line]).await.json()["handle"], handles[1]);
    two.post(site.a(), "/logout").await.is(204);
    is_new(&session(site.b(), &[&line]).await);
}

/// To browsers two ports of a host are one: each is sent the cookies of the other (RFC 6265bis, 8.5).
#[tokio::test]
async fn a_ticket_of_another_port_opens_nothing_and_is_not_adopted() {
    let (here, there) = (Site::start(Backend::Memory, &[]).await, Site::start(Backend::Memory, &[]).await);
    let (mut visitor, ticket) = Visitor::with_session(there.a()).await;
    is_new(&visitor.get(here.a(), "/session").await.is(200).without_cookie());
    let mut astray = visitor.clone();
    let given = astray.put(here.a(), "/attributes/a", "1").await.is(204).ticket();
    assert_ne!(given[..22], ticket[..22]);
    assert_eq!(
        visitor.names(there.a()).await,
        ["first"],
        "only the cookie is lost, where both have one name"
    );
    is_new(&astray.get(there.a(), "/session").await.is(200));
}

async fn a_cookie_is_set_when_it_must_be_and_at_no_other_time(backend: Backend) {
    let site = Site::start(backend, &["--touch-every", "0s"]).await;
    let mut visitor = Visitor::new();
    for path in ["/plain", "/session", "/attributes/a", "/healthz"] {
        visitor.get(site.a(), path).await.without_cookie();
    }
    for path in ["/rotate", "/logout", "/interval?ms=1000"] {
        visitor.post(site.a(), path).await.is(204).without_cookie();
    }
    visitor.delete(site.a(), "/attributes/a").await.is(204).without_cookie();
    assert_eq!(visitor.ticket, None);
    let created = visitor.put(site.a(), "/attributes/a", "1").await.is(204).ticket();
    for path in ["/plain", "/session", "/attributes/a"] {
        visitor.get(site.b(), path).await.is(200).without_cookie();
    }
    visitor.put(site.b(), "/attributes/b", "1").await.is(204).without_cookie();
    visitor.post(site.b(), "/interval?ms=60000").await.is(204).without_cookie();
    visitor.delete(site.b(), "/attributes/b").await.is(204).without_cookie();
    let rotated = visitor.post(site.b(), "/rotate").await.is(204).ticket();
    let signed_in = visitor.login(site.a(), "ada").await.is(204).ticket();
    assert!(created != rotated && rotated != signed_in);
    visitor.get(site.b(), "/principal/sessions").await.is(200).without_cookie();
    visitor.post(site.b(), "/logout").await.is(204).removes_cookie();
    visitor.post(site.b(), "/logout").await.is(204).without_cookie();
}

async fn a_ticket_counts_in_a_cookie_only(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (_, ticket) = Visitor::with_session(site.a()).await;
    let path = format!("/session?__Host-id={ticket}&id={ticket}");
    is_new(&Visitor::new().get(site.a(), &path).await);
    let mut raw = Raw::connect(site.a()).await;
    let head = format!(
        "GET /session HTTP/1.1\r\nHost: test\r\nConnection: close\r\n__Host-id: {ticket}\r\nX-Session-Id: {ticket}\r\n\
         Authorization: Bearer {ticket}\r\nSet-Cookie: __Host-id={ticket}\r\n\r\n"
    );
    raw.send(head.as_bytes()).await;
    is_new(&raw.answer().await.unwrap());
}
