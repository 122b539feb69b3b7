//! What a commit carries: what has changed, or everything.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use cloakroom::core::{AttributeChange, Commit, Edit, ErrorKind, Wanted};
use cloakroom::{Contents, Encryption, EncryptionKey, Error, LoadPolicy, Name, Session, SessionLayer};
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::{Call, Fault, Operation};
use http::StatusCode;
use tower::ServiceExt as _;

use super::rig::{Rig, request};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn everything(layer: SessionLayer) -> SessionLayer {
    layer.contents(Contents::Everything)
}

/// Makes a session with the attributes `a`, `b` and `c`, all 1.
async fn with_three(rig: &Rig) -> String {
    let ticket = rig.run(None, sets(&["a", "b", "c"], 1)).await.is(200).ticket();
    rig.faults.forget_calls();
    ticket
}

fn sets(
    names: &'static [&'static str],
    value: u32,
) -> impl Fn(Session) -> std::future::Ready<Result<StatusCode, Error>> {
    move |session| {
        let set = names.iter().try_for_each(|name| session.set_named(*name, &value));
        std::future::ready(set.map(|()| StatusCode::OK))
    }
}

fn commits(rig: &Rig) -> Vec<Commit> {
    let calls = rig.faults.calls().into_iter();
    let commits = calls.filter_map(|call| match call {
        Call::Commit(commit) => Some(*commit),
        _ => None,
    });
    commits.collect()
}

/// Returns the names that the one commit carries, sorted.
#[track_caller]
fn carried(rig: &Rig) -> Vec<String> {
    let commits = commits(rig);
    let [commit] = commits.as_slice() else { panic!("{commits:?}") };
    names(&commit.changes.attributes)
}

fn names(changes: &[AttributeChange]) -> Vec<String> {
    let mut names: Vec<_> = changes.iter().map(|change| change.name.to_string()).collect();
    names.sort_unstable();
    names
}

async fn number(rig: &Rig, ticket: &str, name: &str) -> u8 {
    rig.stored(ticket).await.unwrap()[name][0]
}

#[tokio::test]
async fn a_commit_carries_what_has_changed_unless_it_is_told_to_carry_everything() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    rig.run(Some(&ticket), sets(&["b"], 2)).await.is(200);
    assert_eq!(carried(&rig), ["b"]);

    let rig = rig.node_with(everything);
    rig.run(Some(&ticket), sets(&["b"], 3)).await.is(200);
    assert_eq!(carried(&rig), ["a", "b", "c"]);
    assert_eq!((number(&rig, &ticket, "a").await, number(&rig, &ticket, "b").await), (1, 3));
    let stored = rig.opened(&ticket).await.unwrap();
    assert!(stored.attributes.iter().all(|attribute| attribute.revision == stored.meta.version));
}

#[tokio::test]
async fn everything_is_loaded_whatever_the_route_says() {
    let rig = Rig::with(|layer| everything(layer.load(LoadPolicy::OnDemand)));
    let ticket = with_three(&rig).await;
    let handler = async |session: Session| session.set_named("b", &2);
    let narrow = LoadPolicy::Named([Name::from_static("b")].into());
    let app = Router::new().route("/", post(handler).layer(narrow)).layer(rig.layer.clone());
    let mut request = request(Some(&ticket)).map(|()| axum::body::Body::empty());
    *request.method_mut() = http::Method::POST;
    let Ok(answer) = app.oneshot(request).await;
    assert_eq!(answer.status(), 200);
    let calls = rig.faults.calls();
    let [Call::Load(load), Call::Commit(commit)] = &calls[..] else { panic!("{calls:?}") };
    assert!(matches!(load.select.values, Wanted::Everything), "{load:?}");
    assert_eq!(names(&commit.changes.attributes), ["a", "b", "c"]);
}

#[tokio::test]
async fn what_changes_nothing_writes_nothing_and_a_renewal_carries_no_attribute() {
    let rig = Rig::with(everything);
    let ticket = with_three(&rig).await;
    let rewrites = async |session: Session| {
        session.set_named("a", &1)?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), rewrites).await.is(200);
    assert!(commits(&rig).is_empty());
    let rotates = async |session: Session| {
        session.rotate();
        Ok(StatusCode::OK)
    };
    let ticket = rig.run(Some(&ticket), rotates).await.is(200).ticket();
    assert!(carried(&rig).is_empty());
    rig.faults.forget_calls();
    let signs_in = async |session: Session| {
        session.sign_in("ada")?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), signs_in).await.is(200).ticket();
    assert_eq!(carried(&rig), ["a", "b", "c"]);
}

/// The price, and what commits of what has changed are for.
#[tokio::test]
async fn two_requests_at_once_overwrite_each_others_attributes() {
    for (configure, survives) in [(everything as fn(_) -> _, 1), (|layer| layer, 2)] {
        let rig = Rig::with(configure);
        let ticket = with_three(&rig).await;
        let loses = async |session: Session| {
            rig.node_with(configure).run(Some(&ticket), sets(&["a"], 2)).await.is(200);
            session.set_named("b", &2)?;
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), loses).await.is(200);
        let seen = (number(&rig, &ticket, "a").await, number(&rig, &ticket, "b").await);
        assert_eq!(seen, (survives, 2));
    }
}

#[tokio::test]
async fn an_update_carries_its_attribute_alone() {
    let rig = Rig::with(everything);
    let ticket = with_three(&rig).await;
    let updates = async |session: Session| {
        session.update_named("a", |value: &mut u32| *value += 1).await?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), updates).await.is(200);
    assert_eq!(carried(&rig), ["a"]);
}

#[tokio::test]
async fn what_lapses_keeps_its_time_and_what_is_cleared_or_removed_stays_away() {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| everything(layer.max_inactive_interval(24 * HOUR)));
    let ticket = with_three(&rig).await;
    let sets_code = async |session: Session| {
        session.set_named_for("code", &7, HOUR)?;
        session.remove_named("c");
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), sets_code).await.is(200);
    clock.advance(HOUR / 2);
    rig.faults.forget_calls();
    rig.run(Some(&ticket), sets(&["a"], 2)).await.is(200);
    let commit = commits(&rig).remove(0);
    assert_eq!(names(&commit.changes.attributes), ["a", "b", "code"]);
    let ttl = |name: &str| {
        let change = commit.changes.attributes.iter().find(|change| change.name.as_str() == name).unwrap();
        let Edit::Set { ttl, .. } = change.edit else { panic!("{change:?}") };
        ttl
    };
    assert_eq!((ttl("a"), ttl("b")), (None, None));
    assert!(ttl("code").is_some_and(|left| left <= HOUR / 2), "{:?}", ttl("code"));
    clock.advance(HOUR / 2);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["a", "b"]);

    rig.faults.forget_calls();
    let clears = async |session: Session| {
        session.clear();
        session.set_named("d", &1)?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), clears).await.is(200);
    assert_eq!(carried(&rig), ["d"]);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["d"]);
}

#[tokio::test]
async fn after_a_commit_of_unknown_outcome_the_next_carries_everything_again() {
    let rig = Rig::with(everything);
    let ticket = with_three(&rig).await;
    let tries = async |session: Session| {
        session.set_named("a", &2)?;
        rig.faults.inject_times(Operation::Commit, 1, Fault::LoseAnswer(ErrorKind::Timeout));
        assert!(session.commit().await.is_err());
        rig.node().run(Some(&ticket), sets(&["c"], 5)).await.is(200);
        session.set_named("b", &3)?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), tries).await.is(200);
    let commits = commits(&rig);
    assert_eq!(names(&commits.last().unwrap().changes.attributes), ["a", "b", "c"]);
    let values = rig.stored(&ticket).await.unwrap();
    assert_eq!(["a", "b", "c"].map(|name| values[name][0]), [2, 3, 5], "read again before it was written");
}

#[tokio::test]
async fn what_cannot_be_decrypted_is_left_as_it_is() {
    let key = |byte: u8| EncryptionKey::new([byte; 32]);
    let encrypting = |encryption| move |layer: SessionLayer| everything(layer.encrypt(encryption));
    let lost = Rig::with(encrypting(Encryption::with(key(1))));
    let ticket = lost.run(None, sets(&["old"], 1)).await.is(200).ticket();
    let sealed = lost.stored(&ticket).await.unwrap()["old"].clone();
    let rig = lost.node_with(encrypting(Encryption::with(key(2))));
    rig.run(Some(&ticket), sets(&["new"], 1)).await.is(200);
    rig.faults.forget_calls();
    rig.run(Some(&ticket), sets(&["newer"], 1)).await.is(200);
    assert_eq!(carried(&rig), ["new", "newer"]);
    assert_eq!(lost.stored(&ticket).await.unwrap()["old"], sealed);
}
