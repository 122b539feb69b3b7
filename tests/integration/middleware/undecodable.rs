//! Stored values that cannot be decoded, and what the layer does about them.

use axum::body::Bytes;
use cloakroom::core::{AttributeChange, Changes, Commit, CommitId, Edit, Intent, Limits, Outcome, Ticket};
use cloakroom::{Attribute, Error, ErrorKind, Name, OnUndecodable, Session, Store};
use cloakroom_testkit::faulty::{Moment, Operation};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::log::logged;
use super::rig::Rig;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

impl Attribute for Cart {
    const NAME: &'static str = "cart";
}

const GARBAGE: &[u8] = b"\x81\xa5items";

/// Puts bytes into the store behind every layer's back.
pub(super) async fn plant(rig: &Rig, ticket: &str, name: &'static str, value: impl Into<Bytes>) {
    plant_in(&rig.memory, ticket, name, value).await;
}

/// Puts bytes into this store.
pub(super) async fn plant_in(store: &impl Store, ticket: &str, name: &'static str, value: impl Into<Bytes>) {
    let change = AttributeChange {
        name: Name::from_static(name),
        edit: Edit::Set { value: value.into(), ttl: None },
        expect: None,
    };
    let commit = Commit {
        id: CommitId::generate().unwrap(),
        guard: Ticket::parse(ticket.as_bytes()).unwrap().guard(),
        intent: Intent::Change,
        changes: Changes { attributes: vec![change], ..Changes::default() },
        limits: Limits::default(),
        age: std::time::Duration::ZERO,
        stands_for: std::num::NonZeroU32::MIN,
    };
    assert!(matches!(store.commit(&commit).await.unwrap(), Outcome::Committed(_)));
}

fn rig(policy: OnUndecodable) -> Rig {
    Rig::with(|layer| layer.on_undecodable(policy))
}

/// Makes a session whose `cart` is damaged, beside a `first` that is not.
async fn damaged(rig: &Rig) -> String {
    let ticket = rig.session().await;
    plant(rig, &ticket, "cart", GARBAGE).await;
    ticket
}

#[tokio::test]
async fn it_is_an_error_of_whoever_reads_it_and_stays_as_it_is() {
    let rig = Rig::new();
    let ticket = damaged(&rig).await;
    let reads = |session: Session| async move {
        for refused in [
            session.get::<Cart>().await.err(),
            session.take::<Cart>().await.err(),
            session.take_once::<Cart>().await.err(),
            session.attr::<Cart>().await.err(),
            session.attr_if_present::<Cart>().await.err(),
            session.update(|cart: &mut Cart| cart.items.clear()).await.err(),
        ] {
            let refused = refused.unwrap();
            assert_eq!((refused.kind(), refused.attribute()), (ErrorKind::Undecodable, Some("cart")));
        }
        assert!(session.contains::<Cart>().await?);
        assert_eq!(session.get_named("first").await?, Some(1), "it harms no other");
        session.set_named("other", &1)?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), reads).await.is(200).without_cookie();
    assert_eq!(rig.stored(&ticket).await.unwrap()["cart"], GARBAGE);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["cart", "first", "other"]);
}

#[tokio::test]
async fn it_can_be_removed_and_set_anew_on_purpose() {
    let rig = Rig::new();
    let ticket = damaged(&rig).await;
    let removes = |session: Session| async move {
        session.remove::<Cart>();
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), removes).await.is(200);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
}

/// Reads the cart in one of the ways that there are, and returns whether it was found absent.
async fn is_absent(session: &Session, way: usize) -> Result<bool, Error> {
    Ok(match way {
        0 => session.get::<Cart>().await?.is_none(),
        1 => session.take::<Cart>().await?.is_none(),
        2 => session.take_once::<Cart>().await?.is_none(),
        3 => *session.attr::<Cart>().await? == Cart::default(),
        4 => session.attr_if_present::<Cart>().await?.is_none(),
        _ => session.update(|cart: &mut Cart| *cart == Cart::default()).await?,
    })
}

#[tokio::test]
async fn dropped_it_reads_as_absent_in_every_way() {
    let rig = rig(OnUndecodable::DropAttribute);
    for way in 0..6 {
        let ticket = damaged(&rig).await;
        let reads = |session: Session| async move {
            assert!(is_absent(&session, way).await?, "{way}");
            assert_eq!(session.get_named("first").await?, Some(1));
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), reads).await.is(200).without_cookie();
        assert_ne!(rig.stored(&ticket).await.unwrap().get("cart").map(|value| &value[..]), Some(GARBAGE));
    }
}

#[tokio::test]
async fn dropped_it_is_gone_though_the_request_fails() {
    let rig = rig(OnUndecodable::DropAttribute);
    let ticket = damaged(&rig).await;
    let reads = |session: Session| async move {
        assert_eq!(session.get::<Cart>().await?, None);
        session.set_named("other", &1)?;
        Ok(StatusCode::INTERNAL_SERVER_ERROR)
    };
    rig.run(Some(&ticket), reads).await.is(500);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
}

#[tokio::test]
async fn only_the_value_that_was_found_is_dropped() {
    let rig = rig(OnUndecodable::DropAttribute);
    let ticket = damaged(&rig).await;
    let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
    let reads = |session: Session| async move {
        let cart = session.get::<Cart>().await?;
        assert_eq!(cart.unwrap().items, ["tea"], "what was set meanwhile");
        Ok(StatusCode::OK)
    };
    let sets = |session: Session| async move {
        session.set(&Cart { items: vec!["tea".to_owned()] })?;
        Ok(StatusCode::OK)
    };
    let overtakes = async {
        gate.arrived().await;
        rig.node().run(Some(&ticket), sets).await.is(200);
        gate.open();
    };
    let (answer, ()) = tokio::join!(rig.run(Some(&ticket), reads), overtakes);
    answer.is(200);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["cart", "first"]);
}

#[tokio::test]
async fn of_two_who_drop_it_at_once_both_go_on() {
    let rig = rig(OnUndecodable::DropAttribute);
    let ticket = damaged(&rig).await;
    let gate = rig.faults.hold(Operation::Commit, Moment::Before);
    let reads = |session: Session| async move {
        assert_eq!(session.get::<Cart>().await?, None);
        Ok(StatusCode::OK)
    };
    let opens = async {
        gate.arrivals(2).await;
        gate.let_pass(2);
    };
    let (one, two, ()) = tokio::join!(rig.run(Some(&ticket), reads), rig.run(Some(&ticket), reads), opens);
    one.is(200);
    two.is(200);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
}

#[tokio::test]
async fn the_session_is_dropped_where_the_layer_says_so() {
    let rig = rig(OnUndecodable::DropSession);
    let ticket = damaged(&rig).await;
    let reads = |session: Session| async move {
        assert_eq!(session.get_named("first").await?, Some(1));
        assert_eq!(session.get::<Cart>().await?, None);
        assert_eq!(session.get_named::<i64>("first").await?, None, "a new session");
        assert_eq!(session.handle(), None);
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), reads).await.is(200).removes_cookie();
    assert!(!rig.opens(&ticket).await);
    assert!(rig.memory.is_empty());
}

#[tokio::test]
async fn what_is_set_after_the_session_was_dropped_goes_to_a_new_one() {
    let rig = rig(OnUndecodable::DropSession);
    let ticket = damaged(&rig).await;
    let changes = |session: Session| async move {
        session.attr::<Cart>().await?.items.push("tea".to_owned());
        Ok(StatusCode::OK)
    };
    let new = rig.run(Some(&ticket), changes).await.is(200).ticket();
    assert!(!rig.opens(&ticket).await);
    assert_eq!(rig.names(&new).await.unwrap(), ["cart"]);
}

/// It asks for the wrong type. Nothing is damaged.
#[tokio::test]
async fn what_the_request_itself_has_set_is_never_dropped() {
    for policy in [OnUndecodable::DropAttribute, OnUndecodable::DropSession] {
        let rig = rig(policy);
        let ticket = rig.session().await;
        let mixes_up = |session: Session| async move {
            session.set_named("it", "a text")?;
            let refused = session.get_named::<i64>("it").await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Undecodable);
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), mixes_up).await.is(200).without_cookie();
        assert_eq!(rig.names(&ticket).await.unwrap(), ["first", "it"]);
    }
}

#[tokio::test]
async fn it_is_told_in_the_log_and_the_value_is_not() {
    for (policy, told) in [
        (OnUndecodable::Fail, "a session attribute cannot be decoded attribute=\"cart\""),
        (OnUndecodable::DropAttribute, "is given up attribute=\"cart\" dropping=\"attribute\""),
        (OnUndecodable::DropSession, "is given up attribute=\"cart\" dropping=\"session\""),
    ] {
        let rig = rig(policy);
        let ticket = rig.session().await;
        plant(&rig, &ticket, "cart", rmp("nobodys-business")).await;
        let reads = |session: Session| async move { session.get::<Cart>().await.map(|_| StatusCode::OK) };
        let (log, _) = logged(rig.run(Some(&ticket), reads)).await;
        let line = log.lines().find(|line| line.contains("cannot be decoded")).unwrap();
        assert!(told.split(' ').all(|word| line.contains(word)), "{line}");
        assert!(line.contains("session.handle="), "{line}");
        assert!(!log.contains("nobodys-business"), "{log}");
    }
}

/// A short text as MessagePack.
fn rmp(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    [&[0xd9, length], text.as_bytes()].concat()
}
