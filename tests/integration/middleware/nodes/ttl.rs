//! Attributes that lapse by themselves.

use std::time::Duration;

use cloakroom::Session;
use http::StatusCode;

use super::pair::{Pair, Peer};
use crate::support::{Backend, eventually, for_each_store};

for_each_store!(an_attribute_lapses_for_every_node, a_change_elsewhere_keeps_its_end);

const SOON: Duration = Duration::from_millis(300);
const HOUR: Duration = Duration::from_secs(60 * 60);

async fn reads(node: &Peer, ticket: &str, name: &'static str) -> Option<i64> {
    let mut read = None;
    let reads = async |session: Session| {
        read = session.get_named(name).await?;
        Ok(StatusCode::OK)
    };
    node.run(Some(ticket), reads).await.is(200);
    read
}

async fn an_attribute_lapses_for_every_node(backend: Backend) {
    let pair = Pair::of(backend).await;
    let ticket = pair.a.session().await;
    let sets = async |session: Session| {
        session.set_named_for("soon", &1, SOON)?;
        session.set_named_for("later", &2, HOUR)?;
        Ok(StatusCode::OK)
    };
    pair.a.run(Some(&ticket), sets).await.is(200);
    for node in pair.both() {
        eventually(|| async { reads(node, &ticket, "soon").await.is_none() }).await;
        assert_eq!(node.names(&ticket).await, ["first", "later"], "the session lives on");
        assert_eq!(reads(node, &ticket, "later").await, Some(2));
    }
}

async fn a_change_elsewhere_keeps_its_end(backend: Backend) {
    let pair = Pair::of(backend).await;
    let ticket = pair.a.session().await;
    let sets = async |session: Session| session.set_named_for("code", &1, HOUR).map(|()| StatusCode::OK);
    pair.a.run(Some(&ticket), sets).await.is(200);
    let lapses_at = async |node: &Peer| {
        let opened = node.opened(&ticket).await.unwrap();
        let code = opened.attributes.into_iter().find(|it| it.name.as_str() == "code").unwrap();
        code.lapses_at.unwrap()
    };
    let end = lapses_at(&pair.b).await;
    let updates = async |session: Session| {
        session.update_named("code", |code: &mut i64| *code += 1).await?;
        *session.attr_named::<i64>("code").await? += 1;
        Ok(StatusCode::OK)
    };
    pair.b.run(Some(&ticket), updates).await.is(200);
    assert_eq!(reads(&pair.a, &ticket, "code").await, Some(3));
    let moved = lapses_at(&pair.a).await.since(end).max(end.since(lapses_at(&pair.a).await));
    assert!(moved < HOUR / 60, "{moved:?}");
}
