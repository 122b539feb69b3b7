//! Several cookies of one name, in every order (RFC 6265bis, 5.8.3: servers should not rely on it).

use crate::support::{Backend, Raw, Server, Site, Visitor, eventually, for_each_site};

for_each_site!(valid_expired_and_bad_in_every_order, valid_expired_and_bad_in_every_order_when_signed);

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// Makes a session that has expired, and returns its ticket.
async fn expired(server: &Server) -> String {
    let (mut visitor, ticket) = Visitor::with_session(server).await;
    visitor.post(server, "/interval?ms=1").await.is(204);
    eventually(|| async { Visitor::holding(&ticket).session(server).await["new"] == true }).await;
    ticket
}

/// Makes a session whose ticket a sign-in has replaced, and returns that.
async fn superseded(server: &Server) -> String {
    let (mut visitor, ticket) = Visitor::with_session(server).await;
    visitor.login(server, "ada").await.is(204);
    ticket
}

/// Writes the cookies as one line, as a line each, and as two lines.
fn lines(values: [&str; 3]) -> [Vec<String>; 3] {
    let [one, two, three] = values.map(|value| format!("__Host-id={value}"));
    [
        vec![format!("{one}; {two}; {three}")],
        vec![one.clone(), two.clone(), three.clone()],
        vec![format!("theme=dark; {one}"), format!("{two}; {three}; a=b")],
    ]
}

async fn check(site: &Site, bad: &[String]) {
    let (mut owner, valid) = Visitor::with_session(site.a()).await;
    let handle = owner.handle(site.a()).await;
    let expired = expired(site.a()).await;
    for bad in bad {
        for order in ORDERS {
            for lines in lines(order.map(|index| [&valid, &expired, bad][index].as_str())) {
                let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
                let shown = Raw::get(site.b(), "/session", &lines).await.is(200).without_cookie().json();
                assert_eq!(shown["handle"], handle, "{order:?} {bad}");
                let rotates = Raw::begin(site.b(), "POST", "/increment/first", &lines).await;
                rotates.answer().await.unwrap().is(200).without_cookie();
            }
        }
        for values in [[&expired, bad, bad], [bad, &expired, bad], [bad, bad, &expired]] {
            for lines in lines(values.map(String::as_str)) {
                let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
                let shown = Raw::get(site.a(), "/session", &lines).await.is(200).without_cookie().json();
                assert_eq!(shown["new"], true, "{bad}");
            }
        }
    }
    assert_eq!(owner.names(site.a()).await, ["first"]);
}

async fn valid_expired_and_bad_in_every_order(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (_, other) = Visitor::with_session(site.a()).await;
    let forged = format!("{}{}", &other[..22], "A".repeat(22));
    let bad = ["A".repeat(44), "malformed".to_owned(), String::new(), forged, superseded(site.a()).await];
    check(&site, &bad).await;
}

async fn valid_expired_and_bad_in_every_order_when_signed(backend: Backend) {
    let site = Site::start(backend, &["--key", super::signing::KEY]).await;
    let (_, other) = Visitor::with_session(site.a()).await;
    let bad = [
        other[..44].to_owned(),
        format!("{}{}", &other[..44], "A".repeat(22)),
        "malformed".to_owned(),
        superseded(site.a()).await,
    ];
    check(&site, &bad).await;
}
