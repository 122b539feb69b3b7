//! axum behind Cloakroom.

use axum::extract::Path;
use axum::http::header::COOKIE as COOKIE_HEADER;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use cloakroom::core::{Freshness, Load, Loaded, Select, StoredAttribute, Ticket, Touch, Wanted};
use cloakroom::{
    Attr, Attribute, Attrs, Error, LoadPolicy, MemoryStore, PostgresStore, RedisStore, Session, SessionLayer,
    SqliteStore, Store,
};
use serde::{Deserialize, Serialize};

use super::{COOKIE, hello, routes};
use benches::Result;
use benches::protocol::{BODY, FIRST, START, Stored, Workload, filling, increment, name, number};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Counter(u64);

impl Attribute for Counter {
    const NAME: &'static str = "counter";
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Filling<const INDEX: u8>(String);

macro_rules! fillings {
    ($($index:literal)*) => {
        $(impl Attribute for Filling<$index> {
            const NAME: &'static str = concat!("filling-000", $index);
        })*
    };
}

fillings!(0 1 2 3);

/// The first four and the counter.
type Five = Attrs<(Attr<Counter>, Attr<Filling<0>>, Attr<Filling<1>>, Attr<Filling<2>>, Attr<Filling<3>>)>;

type Answer = Result<&'static str, StatusCode>;

pub(super) async fn app(workload: Workload, url: &str) -> Result<Router> {
    let scheme = url.split(':').next().unwrap_or_default();
    Ok(match scheme {
        "memory" => on(MemoryStore::new(), workload),
        "redis" => on(RedisStore::connect(url).await?, workload),
        "postgres" => on(PostgresStore::connect(url).await?, workload),
        "sqlite" => on(SqliteStore::open(&url["sqlite:".len()..]).await?, workload),
        _ => return Err(format!("no store of Cloakroom's has the URL {url:?}").into()),
    })
}

fn on(store: impl Store + Clone, workload: Workload) -> Router {
    let layer = SessionLayer::new(store.clone());
    let layer = if workload == Workload::TouchAll { layer.load(LoadPolicy::Everything) } else { layer };
    let stored = move |headers: HeaderMap| {
        let store = store.clone();
        async move { stored(&store, &headers).await }
    };
    routes(measured(workload), post(fill), get(stored)).layer(layer)
}

fn measured(workload: Workload) -> MethodRouter {
    match workload {
        Workload::Unused => get(hello),
        Workload::ReadOne => get(read_one),
        Workload::ChangeOne => get(change_one),
        Workload::ReadFiveChangeTwo => get(read_five_change_two),
        Workload::ChangeLarge => get(change_large),
        Workload::TouchAll => get(touch_all),
        Workload::NewSession => get(new_session),
    }
}

async fn read_one(counter: Attr<Counter>) -> Answer {
    if counter.0 == START { Ok(BODY) } else { Err(StatusCode::CONFLICT) }
}

async fn change_one(mut counter: Attr<Counter>) -> &'static str {
    counter.0 += 1;
    BODY
}

async fn read_five_change_two(Attrs((mut counter, mut first, second, third, fourth)): Five) -> Answer {
    let others = [&second.0, &third.0, &fourth.0];
    if others.into_iter().any(|text| number(text) != Some(FIRST)) {
        return Err(StatusCode::CONFLICT);
    }
    counter.0 += 1;
    increment(&mut first.0).ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(BODY)
}

async fn change_large(mut first: Attr<Filling<0>>) -> Answer {
    increment(&mut first.0).ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(BODY)
}

async fn touch_all(session: Session) -> Result<&'static str, Error> {
    for name in session.attribute_names().await? {
        if name.as_str() == Counter::NAME {
            continue;
        }
        let mut text = session.attr_named::<String>(name).await?;
        // What cannot be counted is found when the store is asked.
        let _ = increment(&mut text);
    }
    Ok(BODY)
}

async fn new_session(session: Session) -> Result<&'static str, Error> {
    session.set(&Counter(START))?;
    Ok(BODY)
}

async fn fill(session: Session, Path((attributes, bytes)): Path<(u64, usize)>) -> Result<(), Error> {
    session.set(&Counter(START))?;
    let text = filling(bytes);
    (0..attributes).try_for_each(|index| session.set_named(name(index), &text))
}

/// Asks the store itself, past the middleware.
async fn stored(store: &impl Store, headers: &HeaderMap) -> Result<Json<Stored>, StatusCode> {
    let ticket = ticket(headers).ok_or(StatusCode::BAD_REQUEST)?;
    let load = Load {
        guard: ticket.guard(),
        select: Select { values: Wanted::Everything, names: false },
        touch: Touch::Never,
        freshness: Freshness::Any,
    };
    let loaded = store.load(&load).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let Loaded::Open(opened) = loaded else {
        return Err(StatusCode::NOT_FOUND);
    };
    let summed = sum(&opened.attributes).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    Ok(Json(summed))
}

fn sum(attributes: &[StoredAttribute]) -> Result<Stored, rmp_serde::decode::Error> {
    let mut stored = Stored::default();
    for StoredAttribute { name, value, .. } in attributes {
        if name.as_str() == Counter::NAME {
            stored.counter = rmp_serde::from_slice(value)?;
            stored.attributes += 1;
        } else {
            stored.add(rmp_serde::from_slice(value)?);
        }
    }
    Ok(stored)
}

fn ticket(headers: &HeaderMap) -> Option<Ticket> {
    let line = headers.get(COOKIE_HEADER)?.as_bytes();
    let text = line.strip_prefix(COOKIE.as_bytes())?.strip_prefix(b"=")?;
    Ticket::parse(text).ok()
}
