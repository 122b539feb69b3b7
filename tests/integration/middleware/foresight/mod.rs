//! What the layer learns of its routes, and what a request loads and fetches because of that.

mod routes;
mod together;

use std::convert::Infallible;

use axum::body::Body;
use cloakroom::core::Wanted;
use cloakroom::{Encryption, EncryptionKey, Error, MemoryStore, Name, OnUndecodable, Session, SessionLayer};
use cloakroom_testkit::faulty::{Call, Operation};
use futures_util::FutureExt as _;
use http::{Method, Request, StatusCode};
use tower::{Layer as _, ServiceExt as _};

use crate::middleware::rig::{Rig, answer, request};
use crate::middleware::undecodable::plant;

/// Makes a session with the attributes `a` to `e` and `cart`, all 1.
async fn session(rig: &Rig) -> String {
    let sets = |session: Session| async move {
        for name in ["a", "b", "c", "d", "e", "cart"] {
            session.set_named(name, &1)?;
        }
        Ok(StatusCode::OK)
    };
    let ticket = rig.run(None, sets).await.is(200).ticket();
    rig.faults.forget_calls();
    ticket
}

/// Returns what each load and fetch has asked for since this was last called.
fn loads(rig: &Rig) -> Vec<String> {
    let calls = rig.faults.calls().into_iter();
    let loads = calls.filter_map(|call| match call {
        Call::Load(load) => Some(match load.select.values {
            Wanted::Nothing => "-".to_owned(),
            Wanted::Named(names) => names.iter().map(Name::as_str).collect::<Vec<_>>().join(" "),
            Wanted::Everything => "*".to_owned(),
        }),
        _ => None,
    });
    let loads = loads.collect();
    rig.faults.forget_calls();
    loads
}

async fn value(session: &Session, name: &str) -> i64 {
    session.get_named(name).await.unwrap().unwrap()
}

/// Asks for a path, and reads these attributes one after another.
async fn reads(rig: &Rig, ticket: &str, path: &str, names: &[&str]) -> Vec<String> {
    let mut request = request(Some(ticket));
    *request.uri_mut() = path.parse().unwrap();
    let handler = |session: Session| async move {
        for name in names {
            assert_eq!(value(&session, name).await, 1, "{name}");
        }
        Ok(StatusCode::OK)
    };
    rig.send(request, handler).await.is(200);
    loads(rig)
}

#[tokio::test]
async fn the_first_request_fetches_and_those_after_it_need_one_round_trip() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    assert_eq!(reads(&rig, &ticket, "/", &["b", "a"]).await, ["-", "b", "a"]);
    for _ in 0..20 {
        assert_eq!(reads(&rig, &ticket, "/", &["a", "b"]).await, ["a b"]);
    }
}

#[tokio::test]
async fn each_route_has_its_own() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    reads(&rig, &ticket, "/cart/17", &["a"]).await;
    reads(&rig, &ticket, "/profile", &["b"]).await;
    assert_eq!(reads(&rig, &ticket, "/cart/18?x=1", &["a"]).await, ["a"]);
    assert_eq!(reads(&rig, &ticket, "/profile", &["b"]).await, ["b"]);
    let mut posts = request(Some(&ticket));
    *posts.method_mut() = Method::POST;
    *posts.uri_mut() = "/profile".parse().unwrap();
    rig.send(posts, |_| async { Ok(StatusCode::OK) }).await.is(200);
    assert_eq!(loads(&rig), ["-"]);
}

#[tokio::test]
async fn what_changes_is_learned_and_unlearned() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    for _ in 0..50 {
        reads(&rig, &ticket, "/", &["a", "b"]).await;
    }
    let mut last = Vec::new();
    for _ in 0..30 {
        last = reads(&rig, &ticket, "/", &["a", "c"]).await;
    }
    assert_eq!(last, ["a c"]);
}

#[tokio::test]
async fn a_wrong_guess_changes_no_answer() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    reads(&rig, &ticket, "/", &["a", "b"]).await;
    let node = rig.node();
    let moves = |session: Session| async move {
        session.set_named("a", &2)?;
        session.remove_named("b");
        Ok(StatusCode::OK)
    };
    node.run(Some(&ticket), moves).await.is(200);
    let handler = |session: Session| async move {
        assert_eq!(session.get_named::<i64>("b").await?, None);
        assert_eq!((value(&session, "a").await, value(&session, "c").await), (2, 1));
        assert_eq!(session.get_named::<i64>("never-there").await?, None);
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), handler).await.is(200);
    assert_eq!(loads(&rig), ["a b", "c", "never-there"]);
}

/// A foreseen attribute that has changed between the load and a fetch is of the fetch's state, as what was read is.
#[tokio::test]
async fn a_foreseen_attribute_is_of_one_state_with_what_is_fetched() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    reads(&rig, &ticket, "/", &["a"]).await;
    let handler = |session: Session| {
        let (node, ticket) = (rig.node(), ticket.clone());
        async move {
            let sets = |session: Session| async move {
                session.set_named("a", &2)?;
                session.set_named("b", &2)?;
                Ok(StatusCode::OK)
            };
            node.run(Some(&ticket), sets).await.is(200);
            assert_eq!((value(&session, "b").await, value(&session, "a").await), (2, 2));
            Ok(StatusCode::OK)
        }
    };
    rig.run(Some(&ticket), handler).await.is(200);
}

#[tokio::test]
async fn a_large_attribute_is_foreseen_only_where_nearly_every_request_reads_it() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    let sets = |session: Session| async move {
        session.set_named("large", &"x".repeat(9_000))?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), sets).await.is(200);
    loads(&rig);
    let one = async |path: &str, reads_it: bool| {
        let mut request = request(Some(&ticket));
        *request.uri_mut() = path.parse().unwrap();
        let handler = |session: Session| async move {
            if reads_it {
                assert_eq!(session.get_named::<String>("large").await?.unwrap().len(), 9_000);
            }
            value(&session, "a").await;
            Ok(StatusCode::OK)
        };
        rig.send(request, handler).await.is(200);
        loads(&rig)
    };
    for number in 0..16 {
        let expected = if number == 0 { vec!["-", "large", "a"] } else { vec!["a", "large"] };
        assert_eq!(one("/always", true).await, expected);
    }
    assert_eq!(one("/always", true).await, ["a large"]);
    for number in 0..60 {
        let reads_it = number % 4 != 0;
        let loaded = one("/mostly", reads_it).await;
        assert!(!loaded[0].contains("large"), "{loaded:?}");
    }
}

/// What a request sets is set without being read: loading it would cost more than writing an equal value.
#[tokio::test]
async fn setting_and_removing_are_no_reads() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    for _ in 0..3 {
        let handler = |session: Session| async move {
            value(&session, "a").await;
            session.set_named("b", &1)?;
            assert_eq!(value(&session, "b").await, 1, "its own");
            session.remove_named("c");
            assert_eq!(session.get_named::<i64>("c").await?, None);
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), handler).await.is(200);
    }
    assert_eq!(loads(&rig), ["-", "a", "a", "a"]);
}

/// What is read of a session that the request has made itself is in no store.
#[tokio::test]
async fn a_new_session_teaches_nothing() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    let handler = |session: Session| async move {
        value(&session, "a").await;
        session.invalidate();
        assert_eq!(session.get_named::<i64>("b").await?, None);
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), handler).await.is(200);
    let ticket = session(&rig).await;
    assert_eq!(reads(&rig, &ticket, "/", &["a"]).await, ["a"]);
}

#[tokio::test]
async fn whatever_needs_a_value_is_a_read() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    for _ in 0..2 {
        let handler = |session: Session| async move {
            assert!(session.contains_named("a").await?);
            session.update_named("b", |number: &mut i64| *number += 1).await?;
            session.take_named::<i64>("c").await?;
            session.take_once_named::<i64>("d").await?;
            drop(session.attr_named::<i64>("e").await?);
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), handler).await.is(200);
    }
    assert_eq!(loads(&rig), ["-", "a", "b", "c", "d", "e", "a b c d e"]);
}

#[tokio::test]
async fn what_an_extractor_names_is_loaded_beside_what_is_foreseen() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    let opens = async |wanted: &'static [&'static str]| {
        let handler = async |request: Request<()>| {
            let wanted: Vec<_> = wanted.iter().map(|name| Name::from_static(name)).collect();
            let session = Session::with_attributes(request.extensions(), &wanted).await?;
            for name in wanted {
                assert_eq!(value(&session, name.as_str()).await, 1);
            }
            value(&session, "a").await;
            Ok(StatusCode::OK)
        };
        rig.serve(Some(&ticket), handler).await.is(200);
        loads(&rig)
    };
    assert_eq!(opens(&["b"]).await, ["b", "a"]);
    assert_eq!(opens(&["c"]).await, ["a b c"]);
    assert_eq!(opens(&["a"]).await, ["a b c"], "half of two have read each");
}

/// Where extractors name everything, nothing is remembered.
#[tokio::test]
async fn a_route_that_fetches_nothing_has_nothing_to_learn() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    for name in ["a", "b", "c", "a"] {
        let handler = async |request: Request<()>| {
            let name = Name::new(name).unwrap();
            let session = Session::with_attributes(request.extensions(), std::slice::from_ref(&name)).await?;
            value(&session, name.as_str()).await;
            Ok(StatusCode::OK)
        };
        rig.serve(Some(&ticket), handler).await.is(200);
    }
    assert_eq!(loads(&rig), ["a", "b", "c", "a"]);
}

/// A request that is cut off might have read more: what it has read counts, and what it has not does not count against it.
#[tokio::test]
async fn requests_that_fail_teach_and_unlearn_nothing() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    reads(&rig, &ticket, "/", &["a", "b"]).await;
    for _ in 0..50 {
        let fails = |session: Session| async move {
            value(&session, "a").await;
            Ok(StatusCode::INTERNAL_SERVER_ERROR)
        };
        rig.run(Some(&ticket), fails).await.is(500);
        let handler = async |request: Request<()>| {
            let session = Session::from_extensions(request.extensions()).await?;
            value(&session, "a").await;
            std::future::pending().await
        };
        assert!(
            rig.response(Some(&ticket), handler).now_or_never().is_none(),
            "dropped before it has an answer"
        );
    }
    rig.faults.forget_calls();
    assert_eq!(reads(&rig, &ticket, "/", &["a", "b"]).await, ["a b"]);
}

#[tokio::test]
async fn a_store_that_answers_at_once_is_asked_for_what_is_read() {
    let layer = SessionLayer::new(MemoryStore::new());
    let sets = tower::service_fn(async |request: Request<()>| {
        let session = Session::from_extensions(request.extensions()).await.unwrap();
        session.set_named("a", &1).unwrap();
        Ok::<_, Infallible>(http::Response::new(Body::empty()))
    });
    let Ok(response) = layer.layer(sets).oneshot(request(None)).await;
    let ticket = answer(response).await.is(200).ticket();
    for _ in 0..3 {
        let reads = tower::service_fn(async |request: Request<()>| {
            let session = Session::from_extensions(request.extensions()).await.unwrap();
            assert_eq!(value(&session, "a").await, 1);
            Ok::<_, Infallible>(http::Response::new(Body::empty()))
        });
        let Ok(response) = layer.layer(reads).oneshot(request(Some(&ticket))).await;
        answer(response).await.is(200);
    }
    assert!(format!("{layer:?}").contains("SessionLayer"));
}

/// Neither decrypted nor decoded, so that what is damaged harms nobody who does not read it.
#[tokio::test]
async fn what_is_foreseen_and_not_read_is_left_alone() {
    let encryption = Encryption::with(EncryptionKey::new([1; 32]));
    let rig = Rig::with(|layer| layer.encrypt(encryption).on_undecodable(OnUndecodable::DropAttribute));
    let ticket = session(&rig).await;
    reads(&rig, &ticket, "/", &["a", "b"]).await;
    plant(&rig, &ticket, "b", "damaged").await;
    for _ in 0..3 {
        assert_eq!(reads(&rig, &ticket, "/", &["a"]).await, ["a b"]);
    }
    assert!(rig.names(&ticket).await.unwrap().contains(&"b".to_owned()));
    let handler = |session: Session| async move {
        assert_eq!(session.get_named::<i64>("b").await?, None);
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), handler).await.is(200);
    assert!(!rig.names(&ticket).await.unwrap().contains(&"b".to_owned()));
}

/// An equal value that was foreseen is not written, as one that was read.
#[tokio::test]
async fn an_equal_value_is_not_written_though_it_was_only_foreseen() {
    let encryption = Encryption::with(EncryptionKey::new([1; 32]));
    let rig = Rig::with(|layer| layer.encrypt(encryption));
    let ticket = session(&rig).await;
    reads(&rig, &ticket, "/", &["a"]).await;
    let sets = |session: Session| async move {
        session.set_named("a", &1)?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), sets).await.is(200);
    assert_eq!((rig.faults.count(Operation::Commit), loads(&rig)), (0, vec!["a".to_owned()]));
}

/// Names made of what a visitor has typed: what was learned of other names stays.
#[tokio::test]
async fn names_that_come_once_push_out_nothing_that_is_read() {
    let rig = Rig::new();
    let ticket = session(&rig).await;
    for number in 0..100 {
        let handler = |session: Session| async move {
            value(&session, "a").await;
            session.get_named::<i64>(format!("search-{number}")).await?;
            Ok::<_, Error>(StatusCode::OK)
        };
        rig.run(Some(&ticket), handler).await.is(200);
    }
    rig.faults.forget_calls();
    assert_eq!(reads(&rig, &ticket, "/", &["a"]).await, ["a"]);
}
