//! Values that nobody was told, and signed ones.

use cloakroom::core::{Freshness, Version};
use cloakroom::{SessionLayer, SigningKey};

use super::browser::{Browser, SEEN};
use super::{Nodes, counts, looks};

fn signed(keys: &'static [u8]) -> impl Fn(SessionLayer) -> SessionLayer {
    |layer| layer.keys(keys.iter().map(|byte| SigningKey::from_bytes([*byte; 64])))
}

/// Shows a value, and returns how new an answer the node then asks for.
async fn shown(nodes: &Nodes, browser: &Browser, value: &str) -> Freshness {
    let mut browser = browser.clone();
    browser.jar.insert(SEEN.to_owned(), value.to_owned());
    nodes.behind.asked();
    browser.visit(&nodes.a, looks).await.is(200);
    nodes.behind.asked()[0]
}

#[tokio::test]
async fn what_is_malformed_or_of_another_session_says_nothing() {
    let nodes = Nodes::new();
    let [mut browser, mut other] = [(); 2].map(|()| Browser::default());
    browser.visit(&nodes.a, counts).await.is(200);
    for _ in 0..3 {
        other.visit(&nodes.b, counts).await.is(200);
    }
    let handle = browser.ticket()[..22].to_owned();
    let long = format!("{handle}{}", "9".repeat(3000));
    for wrong in
        ["", "x", "1", &handle, &format!("{handle}-1"), &format!("{handle}1x"), &long, &other.jar[SEEN]]
    {
        assert_eq!(shown(&nodes, &browser, wrong).await, Freshness::Any, "{wrong}");
    }
    let own = browser.jar[SEEN].clone();
    assert_eq!(shown(&nodes, &browser, &own).await, Freshness::AtLeast(Version(1)));
}

/// Whoever claims to have seen what never was harms themselves alone, and until their next commit.
#[tokio::test]
async fn an_unsigned_claim_makes_its_own_visitor_stale_until_the_next_commit() {
    let nodes = Nodes::new();
    let [mut browser, mut other] = [(); 2].map(|()| Browser::default());
    for browser in [&mut browser, &mut other] {
        browser.visit(&nodes.a, counts).await.is(200);
    }
    let claim = format!("{}{}", &browser.ticket()[..22], u64::MAX);
    browser.jar.insert(SEEN.to_owned(), claim);
    browser.visit(&nodes.b, looks).await.is(410).sets(&[]);
    other.visit(&nodes.b, looks).await.is(200).sets(&[]);
    browser.visit(&nodes.b, counts).await.is(200).sets(&[SEEN]);
    assert_eq!(browser.knows(), Some(2));
    browser.visit(&nodes.b, looks).await.is(200).sets(&[]);
}

#[tokio::test]
async fn where_tickets_are_signed_a_version_counts_only_with_its_signature() {
    let nodes = Nodes::with(signed(&[1]));
    let mut browser = nodes.losing().await;
    browser.visit(&nodes.b, looks).await.is(410).sets(&[]);
    let genuine = browser.jar[SEEN].clone();
    assert_eq!(genuine.len(), 22 + 1 + 22);
    assert_eq!(shown_stale(&nodes, &browser, &genuine).await, Freshness::AtLeast(Version(3)));
    let ticket = browser.ticket();
    let wrong = [
        genuine[..23].to_owned(),
        genuine[..44].to_owned(),
        format!("{}4{}", &genuine[..22], &genuine[23..]),
        format!("{}33{}", &genuine[..22], &genuine[23..]),
        format!("{}{}{}", &genuine[..23], "A", &genuine[24..]),
        format!("{}3{}", &genuine[..22], &ticket[44..]),
        ticket.to_owned(),
        by_another(&nodes, &browser, &[2]).await,
    ];
    for wrong in wrong {
        assert_eq!(shown(&nodes, &browser, &wrong).await, Freshness::Any, "{wrong}");
    }
}

#[tokio::test]
async fn a_version_that_an_old_key_has_signed_counts() {
    let nodes = Nodes::with(signed(&[2, 1]));
    let mut old = Browser::default();
    let node = super::tracking(nodes.memory.clone()).keys([SigningKey::from_bytes([1; 64])]);
    old.visit(&node, counts).await.is(200);
    let value = old.jar[SEEN].clone();
    assert_eq!(shown(&nodes, &old, &value).await, Freshness::AtLeast(Version(1)));
}

/// Returns what a node with another key would tell this browser.
async fn by_another(nodes: &Nodes, browser: &Browser, keys: &'static [u8]) -> String {
    let both: Vec<SigningKey> = [keys[0], 1].map(|byte| SigningKey::from_bytes([byte; 64])).into();
    let node = super::tracking(nodes.memory.clone()).keys(both);
    let mut browser = browser.clone();
    browser.visit(&node, counts).await.is(200).sets(&[SEEN]);
    browser.jar[SEEN].clone()
}

async fn shown_stale(nodes: &Nodes, browser: &Browser, value: &str) -> Freshness {
    let mut browser = browser.clone();
    browser.jar.insert(SEEN.to_owned(), value.to_owned());
    nodes.behind.asked();
    browser.visit(&nodes.a, looks).await.is(410);
    nodes.behind.asked()[0]
}
