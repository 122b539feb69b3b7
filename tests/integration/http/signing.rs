//! `--key`: signed cookies.

use crate::support::{Backend, Server, Site, Visitor, for_each_site};

for_each_site!(
    a_signed_ticket_is_as_good_as_another,
    what_is_not_signed_or_not_by_this_key_opens_nothing,
    every_ticket_that_is_handed_out_is_signed,
);

pub(super) const KEY: &str = concat!(
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "202122232425262728292a2b2c2d2e2f303132333435363738393A3B3C3D3E3F",
);
const SIGNED: usize = 44 + 22;

async fn a_signed_ticket_is_as_good_as_another(backend: Backend) {
    let site = Site::start(backend, &["--key", KEY]).await;
    let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
    assert_eq!(ticket.len(), SIGNED);
    assert_eq!(visitor.names(site.b()).await, ["first"]);
    visitor.put(site.b(), "/attributes/second", "2").await.is(204).without_cookie();
    visitor.post(site.a(), "/logout").await.is(204).removes_cookie();
    assert_eq!(Visitor::holding(ticket).session(site.b()).await["new"], true);
}

async fn what_is_not_signed_or_not_by_this_key_opens_nothing(backend: Backend) {
    let site = Site::start(backend, &["--key", KEY]).await;
    let (mut owner, ticket) = Visitor::with_session(site.a()).await;
    let (_, other) = Visitor::with_session(site.a()).await;
    let (bare, signature) = ticket.split_at(44);
    let bad = [
        bare.to_owned(),
        format!("{bare}."),
        format!("{bare}{}", "A".repeat(22)),
        format!("{bare}{}", &other[44..]),
        format!("{}{signature}", &other[..44]),
        format!("{signature}{bare}"),
        format!("{ticket}A"),
        ticket[..65].to_owned(),
    ];
    for bad in bad {
        let mut visitor = Visitor::holding(&bad);
        assert_eq!(visitor.session(site.b()).await["new"], true, "{bad}");
        let own = visitor.put(site.b(), "/attributes/a", "1").await.is(204).ticket();
        assert_ne!(own[..22], bare[..22]);
    }
    assert_eq!(owner.names(site.b()).await, ["first"]);
}

async fn every_ticket_that_is_handed_out_is_signed(backend: Backend) {
    let site = Site::start(backend, &["--key", KEY, "--rotation-grace", "10m"]).await;
    let (mut visitor, created) = Visitor::with_session(site.a()).await;
    let rotated = visitor.clone().post(site.a(), "/rotate").await.is(204).ticket();
    let again = visitor.get(site.b(), "/session").await.is(200).ticket();
    assert_eq!(again, rotated, "the same one, signed by another server");
    let signed_in = visitor.login(site.b(), "ada").await.is(204).ticket();
    let anew = visitor.post(site.a(), "/logout-then-set/x").await.is(204).ticket();
    for ticket in [created, rotated, signed_in, anew] {
        assert_eq!(ticket.len(), SIGNED);
    }
    assert_eq!(visitor.names(site.b()).await, ["x"]);
}

/// Starts one more server on the files of a site.
async fn with_keys(site: &Site, keys: &[&str]) -> Server {
    let url = Backend::Sqlite.url(site.folder());
    let mut options = vec!["--store", &url];
    options.extend(keys.iter().flat_map(|key| ["--key", key]));
    Server::start(&options).await
}

#[tokio::test]
async fn keys_are_changed_without_ending_a_session() {
    let site = Site::start(Backend::Sqlite, &["--key", KEY]).await;
    let new = "5e".repeat(64);
    let both = with_keys(&site, &[&new, KEY]).await;
    let only_new = with_keys(&site, &[&new]).await;
    let (mut visitor, old) = Visitor::with_session(site.a()).await;
    visitor.get(&both, "/session").await.is(200).without_cookie();
    assert_eq!(Visitor::holding(&old).session(&only_new).await["new"], true);
    let signed_anew = visitor.post(&both, "/rotate").await.is(204).ticket();
    assert_eq!(visitor.names(&only_new).await, ["first"]);
    assert_eq!(
        Visitor::holding(signed_anew).session(site.a()).await["new"],
        true,
        "which knows the old key alone"
    );
}

#[tokio::test]
async fn no_log_tells_a_key() {
    let server = Server::start_logging(&["--key", KEY], "trace").await;
    Visitor::with_session(&server).await;
    let log = server.stop().await;
    assert!(log.contains("TRACE"));
    for telling in [&KEY[..32], "0, 1, 2, 3, 4, 5"] {
        assert!(!log.to_lowercase().contains(telling), "{log}");
    }
}
