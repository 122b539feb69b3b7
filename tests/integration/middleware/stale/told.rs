//! When the browser is told, and what the cookie is.

use std::sync::Mutex;

use cloakroom::core::{Freshness, Version};
use cloakroom::{Error, MemoryStore, SameSite, Session, SessionLayer};
use cloakroom_testkit::faulty::{Fault, Faulty, Operation};
use http::StatusCode;

use super::behind::Behind;
use super::browser::{Browser, SEEN};
use super::{Nodes, counts, looks, tracking};

const BOTH: [&str; 2] = ["__Host-id", SEEN];

#[tokio::test]
async fn no_second_cookie_and_no_claim_unless_versions_are_tracked() {
    let behind = Behind::new(&MemoryStore::new());
    let layer = SessionLayer::new(behind.clone());
    let mut browser = Browser::default();
    browser.visit(&layer, counts).await.is(200).sets(&["__Host-id"]);
    browser.visit(&layer, counts).await.is(200).sets(&[]);
    let claims_more = format!("{}9", &browser.ticket()[..22]);
    browser.jar.insert(SEEN.to_owned(), claims_more);
    behind.asked();
    browser.visit(&layer, looks).await.is(200).sets(&[]);
    assert_eq!(behind.asked(), [Freshness::Any]);
    let leaves = async |session: Session| {
        session.invalidate();
        Ok(StatusCode::OK)
    };
    browser.visit(&layer, leaves).await.is(200).sets(&["__Host-id"]);
}

#[tokio::test]
async fn the_browser_is_told_when_the_version_rose_and_at_no_other_time() {
    let nodes = Nodes::new();
    let mut browser = Browser::default();
    browser.visit(&nodes.a, looks).await.is(404).sets(&[]);
    browser.visit(&nodes.a, counts).await.is(200).sets(&BOTH);
    assert_eq!(browser.knows(), Some(1));
    let mut late = browser.clone();
    browser.visit(&nodes.b, looks).await.is(200).sets(&[]);
    let told = browser.visit(&nodes.b, counts).await.is(200).sets(&[SEEN]);
    assert_eq!(told.header("cache-control"), ["no-store"]);
    assert_eq!(told.header("vary"), ["Cookie"]);
    assert_eq!(browser.knows(), Some(2));

    let untold = browser.visit(&nodes.a, looks).await.is(200).sets(&[]);
    assert_eq!(untold.header("cache-control"), ["private, no-cache"]);
    assert_eq!(nodes.behind.asked(), [Freshness::AtLeast(Version(2))]);
    late.visit(&nodes.a, looks).await.is(200).sets(&[SEEN]);
    assert_eq!(late.knows(), Some(2), "a load that saw a newer one");
}

#[tokio::test]
async fn the_second_cookie_has_the_attributes_of_the_first() {
    let plain = |layer: SessionLayer| layer;
    let shared = |layer: SessionLayer| {
        let named = layer.cookie_name("__Secure-shop").cookie_domain("example.com").cookie_path("/shop");
        named.same_site(SameSite::None).partitioned().persistent()
    };
    let development = |layer: SessionLayer| layer.insecure_cookie();
    for configure in [plain as fn(SessionLayer) -> SessionLayer, shared, development] {
        let layer = configure(tracking(MemoryStore::new())).check().unwrap();
        let mut browser = Browser::default();
        let leaves = async |session: Session| {
            session.invalidate();
            Ok(StatusCode::OK)
        };
        for visit in [browser.visit(&layer, counts).await, browser.visit(&layer, leaves).await] {
            let lines = visit.is(200).lines();
            let [(one, attributes), (two, same)] = lines.as_slice() else { panic!("{lines:?}") };
            assert_eq!(attributes, same);
            let [one, two] = [one, two].map(|pair| pair.split_once('=').unwrap());
            assert_eq!(two.0, format!("{}-seen", one.0));
            assert_eq!(one.1.is_empty(), two.1.is_empty());
        }
        assert!(browser.jar.is_empty());
    }
}

#[tokio::test]
async fn a_sign_in_and_a_rotation_are_told_and_a_sign_out_removes_both() {
    let nodes = Nodes::new();
    let mut browser = Browser::default();
    browser.visit(&nodes.a, counts).await.is(200);
    let signs_in = async |session: Session| {
        session.sign_in("ada")?;
        Ok(StatusCode::OK)
    };
    let rotates = async |session: Session| {
        session.rotate();
        Ok(StatusCode::OK)
    };
    let before = browser.clone();
    browser.visit(&nodes.b, signs_in).await.is(200).sets(&BOTH);
    assert_eq!(browser.knows(), Some(2));
    browser.visit(&nodes.b, rotates).await.is(200).sets(&BOTH);
    assert_eq!(browser.knows(), Some(3), "of the same session");
    before.clone().visit(&nodes.b, looks).await.is(404).sets(&[]);

    let starts_over = async |session: Session| {
        session.invalidate();
        counts(session).await
    };
    browser.visit(&nodes.a, starts_over).await.is(200).sets(&BOTH);
    assert_eq!(browser.knows(), Some(1), "a new session begins anew");
    let signs_out = async |session: Session| {
        session.sign_out();
        Ok(StatusCode::OK)
    };
    let left = browser.visit(&nodes.a, signs_out).await.is(200).sets(&BOTH);
    assert!(left.cookies().iter().all(|(_, value)| value.is_empty()), "{left:?}");
}

#[tokio::test]
async fn an_explicit_commit_and_an_update_are_told_too() {
    let nodes = Nodes::new();
    let mut browser = Browser::default();
    browser.visit(&nodes.a, counts).await.is(200);
    let commits = async |session: Session| {
        session.set_named("a", &1)?;
        session.commit().await?;
        session.update_named("votes", |votes: &mut u32| *votes += 1).await?;
        assert!(!session.is_stale());
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    browser.visit(&nodes.a, commits).await.is(500).sets(&[SEEN]);
    assert_eq!(browser.knows(), Some(3), "what was stored stands although the request failed");
}

#[tokio::test]
async fn a_failing_store_sets_no_cookie() {
    let store = Faulty::new(MemoryStore::new());
    let faults = store.faults();
    let layer = tracking(store);
    let mut browser = Browser::default();
    browser.visit(&layer, counts).await.is(200);
    let mut late = browser.clone();
    browser.visit(&layer, counts).await.is(200);
    let fail = Fault::Fail(cloakroom::core::ErrorKind::Other);
    faults.inject(Operation::Commit, fail);
    late.visit(&layer, counts).await.is(503).sets(&[]);
    faults.inject(Operation::Load, fail);
    late.visit(&layer, looks).await.is(503).sets(&[]);
}

#[tokio::test]
async fn what_a_request_fetches_is_no_older_than_what_it_has_loaded() {
    let nodes = Nodes::with(|layer| layer.track_versions(false));
    let mut browser = Browser::default();
    browser.visit(&nodes.b, counts).await.is(200);
    nodes.behind.copy(browser.ticket()).await;
    let fetches = async |session: Session| -> Result<StatusCode, Error> {
        let other = async |session: Session| {
            session.set_named("count", &40)?;
            session.set_named("other", &2)?;
            Ok(StatusCode::OK)
        };
        browser.clone().visit(&nodes.b, other).await.is(200);
        session.set_named("mine", &1)?;
        session.commit().await?;
        assert_eq!(session.get_named("other").await?, Some(2));
        assert_eq!(session.get_named("count").await?, Some(40));
        Ok(StatusCode::OK)
    };
    browser.clone().visit(&nodes.a, fetches).await.is(200);
    let expected = [Freshness::Any, Freshness::AtLeast(Version(3))];
    assert_eq!(nodes.behind.asked()[..2], expected, "its own commit was version 3");
}

#[tokio::test]
async fn what_was_committed_meanwhile_makes_nothing_stale_before_the_head_or_after() {
    let nodes = Nodes::new();
    let mut browser = Browser::default();
    browser.visit(&nodes.a, counts).await.is(200);
    let mut other = browser.clone();
    let kept = Mutex::new(None);
    let overtaken = async |session: Session| {
        other.visit(&nodes.b, counts).await.is(200);
        session.set_named("mine", &1)?;
        session.commit().await?;
        assert!(!session.is_stale());
        *kept.lock().unwrap() = Some(session);
        Ok(StatusCode::OK)
    };
    browser.visit(&nodes.a, overtaken).await.is(200);
    assert_eq!(browser.knows(), Some(3));
    assert!(!kept.into_inner().unwrap().unwrap().is_stale());
}

#[tokio::test]
async fn settings_that_agents_would_not_take_are_refused() {
    let named = |length: usize| tracking(MemoryStore::new()).cookie_name("x".repeat(length)).check();
    let longest = 4096 - 44 - 3;
    assert!(
        named(longest).is_ok() && named(longest + 1).is_err(),
        "the second is one byte longer than the first"
    );
}
