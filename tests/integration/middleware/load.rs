//! What a request reads, when, and in how many round trips.

use std::sync::Arc;

use cloakroom::core::{Touch, Wanted};
use cloakroom::{LoadPolicy, Name, Session};
use cloakroom_testkit::faulty::{Call, Operation};
use http::StatusCode;

use super::rig::Rig;

fn name(name: &'static str) -> Name {
    Name::new(name).unwrap()
}

/// Makes a session with the attributes `a`, `b` and `c`, all 1.
async fn with_three(rig: &Rig) -> String {
    let sets = |session: Session| async move {
        for name in ["a", "b", "c"] {
            session.set_named(name, &1)?;
        }
        Ok(StatusCode::OK)
    };
    let ticket = rig.run(None, sets).await.is(200).ticket();
    rig.faults.forget_calls();
    ticket
}

async fn number(session: &Session, name: &'static str) -> i64 {
    session.get_named(name).await.unwrap().unwrap()
}

/// Sets attributes on another node.
async fn set_elsewhere(rig: &Rig, ticket: &str, values: &'static [(&'static str, i64)]) {
    let sets = |session: Session| async move {
        for (name, value) in values {
            session.set_named(*name, value)?;
        }
        Ok(StatusCode::OK)
    };
    rig.node().run(Some(ticket), sets).await.is(200);
}

/// Returns what the loads asked for, and whether each was an access.
fn loads(rig: &Rig) -> Vec<(Vec<String>, bool)> {
    let wanted = |wanted: &Wanted| match wanted {
        Wanted::Nothing => Vec::new(),
        Wanted::Named(names) => names.iter().map(Name::to_string).collect(),
        Wanted::Everything => vec!["*".to_owned()],
    };
    let calls = rig.faults.calls().into_iter();
    let loads = calls.filter_map(|call| match call {
        Call::Load(load) => Some((wanted(&load.select.values), load.touch != Touch::Never)),
        _ => None,
    });
    loads.collect()
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

async fn reads_a_and_b(session: Session) -> Result<StatusCode, cloakroom::Error> {
    assert_eq!((number(&session, "a").await, number(&session, "b").await), (1, 1));
    assert_eq!((number(&session, "a").await, number(&session, "b").await), (1, 1), "known by now");
    Ok(StatusCode::OK)
}

#[tokio::test]
async fn on_demand_each_is_fetched_when_it_is_first_read() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    rig.run(Some(&ticket), reads_a_and_b).await.is(200);
    let expected = [(texts(&[]), true), (texts(&["a"]), false), (texts(&["b"]), false)];
    assert_eq!(loads(&rig), expected);
    assert_eq!(rig.faults.calls().len(), 3);
}

#[tokio::test]
async fn what_the_layer_names_is_loaded_at_once() {
    let names: Arc<[Name]> = [name("a"), name("b")].into();
    let rig = Rig::with(|layer| layer.load(LoadPolicy::Named(names)));
    let ticket = with_three(&rig).await;
    rig.run(Some(&ticket), reads_a_and_b).await.is(200);
    assert_eq!(loads(&rig), [(texts(&["a", "b"]), true)]);
}

#[tokio::test]
async fn everything_is_loaded_at_once_if_asked_for() {
    let rig = Rig::with(|layer| layer.load(LoadPolicy::Everything));
    let ticket = with_three(&rig).await;
    let reads = |session: Session| async move {
        assert_eq!(number(&session, "c").await, 1);
        assert_eq!(session.get_named::<i64>("absent").await?, None);
        assert_eq!(session.attribute_names().await?.len(), 3);
        reads_a_and_b(session).await
    };
    rig.run(Some(&ticket), reads).await.is(200);
    assert_eq!(loads(&rig), [(texts(&["*"]), true)]);
}

#[tokio::test]
async fn what_the_caller_names_is_loaded_with_the_session() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    let reads = async |request: http::Request<()>| {
        let wanted = [name("a"), name("b"), name("absent")];
        let session = Session::with_attributes(request.extensions(), &wanted).await?;
        assert_eq!(session.get_named::<i64>("absent").await?, None);
        reads_a_and_b(session).await
    };
    rig.serve(Some(&ticket), reads).await.is(200);
    assert_eq!(loads(&rig), [(texts(&["a", "b", "absent"]), true)]);
}

#[tokio::test]
async fn the_second_opening_loads_only_what_is_missing() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    let opens = async |request: http::Request<()>| {
        for wanted in [&[name("a")][..], &[], &[name("a"), name("b")]] {
            Session::with_attributes(request.extensions(), wanted).await?;
        }
        Session::from_extensions(request.extensions()).await?;
        Ok(StatusCode::OK)
    };
    rig.serve(Some(&ticket), opens).await.is(200);
    assert_eq!(loads(&rig), [(texts(&["a"]), true), (texts(&["b"]), false)]);
}

#[tokio::test]
async fn a_fetch_that_finds_a_newer_state_reads_again_what_was_read() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    let reads = |session: Session| {
        let (rig, ticket) = (rig.clone(), ticket.clone());
        async move {
            assert_eq!(number(&session, "a").await, 1);
            session.set_named("c", &7)?;
            set_elsewhere(&rig, &ticket, &[("a", 2), ("b", 2), ("c", 2)]).await;
            assert_eq!(number(&session, "a").await, 1, "the state that it has read");
            assert_eq!(number(&session, "b").await, 2);
            assert_eq!(number(&session, "a").await, 2, "of the same state as b");
            assert_eq!(number(&session, "c").await, 7, "its own change");
            Ok(StatusCode::OK)
        }
    };
    rig.run(Some(&ticket), reads).await.is(200);
    assert_eq!(rig.stored(&ticket).await.unwrap()["c"], [7][..], "the last commit wins");
}

#[tokio::test]
async fn what_was_read_as_absent_is_read_again_too() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    let reads = |session: Session| {
        let (rig, ticket) = (rig.clone(), ticket.clone());
        async move {
            assert_eq!(session.get_named::<i64>("new").await?, None);
            set_elsewhere(&rig, &ticket, &[("new", 3), ("a", 3)]).await;
            assert_eq!(number(&session, "a").await, 3);
            assert_eq!(session.get_named::<i64>("new").await?, Some(3));
            Ok(StatusCode::OK)
        }
    };
    rig.run(Some(&ticket), reads).await.is(200);
}

#[tokio::test]
async fn a_commit_of_ones_own_does_not_hide_what_others_did() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    let reads = |session: Session| {
        let (rig, ticket) = (rig.clone(), ticket.clone());
        async move {
            assert_eq!(number(&session, "a").await, 1);
            set_elsewhere(&rig, &ticket, &[("a", 2), ("b", 2)]).await;
            session.set_named("c", &9)?;
            session.commit().await?;
            assert_eq!(number(&session, "b").await, 2);
            assert_eq!(number(&session, "a").await, 2);
            Ok(StatusCode::OK)
        }
    };
    rig.run(Some(&ticket), reads).await.is(200);
}

#[tokio::test]
async fn an_update_that_was_overtaken_leaves_no_mixed_state() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    let reads = |session: Session| {
        let (rig, ticket) = (rig.clone(), ticket.clone());
        async move {
            assert_eq!((number(&session, "a").await, number(&session, "b").await), (1, 1));
            set_elsewhere(&rig, &ticket, &[("a", 5), ("b", 5)]).await;
            session.update_named("a", |number: &mut i64| *number += 1).await?;
            assert_eq!((number(&session, "a").await, number(&session, "b").await), (6, 5));
            Ok(StatusCode::OK)
        }
    };
    rig.run(Some(&ticket), reads).await.is(200);
}

#[tokio::test]
async fn reload_shows_what_others_did_and_keeps_ones_own_changes() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    let reads = |session: Session| {
        let (rig, ticket) = (rig.clone(), ticket.clone());
        async move {
            assert_eq!(number(&session, "a").await, 1);
            session.set_named("b", &7)?;
            set_elsewhere(&rig, &ticket, &[("a", 2), ("b", 2)]).await;
            session.reload().await?;
            assert_eq!((number(&session, "a").await, number(&session, "b").await), (2, 7));
            Ok(StatusCode::OK)
        }
    };
    rig.run(Some(&ticket), reads).await.is(200);
}

#[tokio::test]
async fn names_tell_what_the_request_sees() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    let lists = |session: Session| async move {
        session.set_named("z", &1)?;
        session.remove_named("b");
        let names = session.attribute_names().await?;
        assert_eq!(names, ["a", "c", "z"].map(name));
        assert!(session.contains_named("a").await? && !session.contains_named("b").await?);
        session.clear();
        session.set_named("y", &1)?;
        assert_eq!(session.attribute_names().await?, [name("y")]);
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), lists).await.is(200);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["y"]);
}

/// Another request moves what is in `a` to `d`: whoever reads sees it in one of them, never in both or none.
#[tokio::test]
async fn names_and_values_are_of_one_state() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    let moves = |session: Session| async move {
        let moved: Option<i64> = session.take_named("a").await?;
        session.set_named("d", &moved)?;
        Ok(StatusCode::OK)
    };
    let reads = |session: Session| {
        let (rig, ticket) = (rig.node(), ticket.clone());
        async move {
            assert_eq!((number(&session, "a").await, number(&session, "b").await), (1, 1));
            rig.run(Some(&ticket), moves).await.is(200);
            assert_eq!(session.attribute_names().await?, ["b", "c", "d"].map(name));
            assert_eq!(session.get_named::<i64>("a").await?, None);
            Ok(StatusCode::OK)
        }
    };
    rig.run(Some(&ticket), reads).await.is(200);
}

#[tokio::test]
async fn a_commit_carries_what_changed_and_nothing_else() {
    let rig = Rig::new();
    let ticket = with_three(&rig).await;
    let changes = |session: Session| async move {
        session.set_named("a", &2)?;
        number(&session, "b").await;
        session.set_named("b", &1)?;
        assert_eq!(session.take_named::<i64>("c").await?, Some(1));
        session.remove_named("absent");
        assert_eq!(session.get_named::<i64>("absent").await?, None);
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), changes).await.is(200);
    let calls = rig.faults.calls();
    let Some(Call::Commit(commit)) = calls.last() else { panic!("{calls:?}") };
    let names: Vec<_> = commit.changes.attributes.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(names, ["a", "absent", "c"], "`absent` was not known to be so when it was removed");
    assert!(!commit.changes.clear);
    assert_eq!(rig.faults.count(Operation::Commit), 1);
}
