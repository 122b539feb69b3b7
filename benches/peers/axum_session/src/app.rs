//! The routes.

use std::collections::HashMap;
use std::fmt::Debug;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use axum_session::{DatabasePool, Session, SessionLayer, SessionNullPool};
use serde::Deserialize;

use crate::http::{Answer, cookie, failed, hello, required};
use crate::protocol::{BODY, COUNTER, FIRST, START, Stored, Workload, filling, increment, name, number};

/// The table, or what keys begin with, that `axum_session` uses unless told otherwise.
const TABLE: &str = "sessions";

/// A session as `axum_session` writes it: JSON in JSON.
#[derive(Debug, Deserialize)]
struct Record {
    data: HashMap<String, String>,
}

/// A store that is not in memory.
pub(crate) fn stored<T>(pool: T, layer: SessionLayer<T>, workload: Workload) -> Router
where
    T: DatabasePool + Clone + Debug + Send + Sync + 'static,
{
    let stored = async move |headers: HeaderMap| in_store(&pool, &headers).await;
    routes::<T>(workload).layer(layer).route("/stored", get(stored))
}

/// There is no way to the memory but through the middleware.
pub(crate) fn in_memory(layer: SessionLayer<SessionNullPool>, workload: Workload) -> Router {
    routes::<SessionNullPool>(workload).route("/stored", get(in_session)).layer(layer)
}

fn routes<T>(workload: Workload) -> Router
where
    T: DatabasePool + Clone + Debug + Send + Sync + 'static,
{
    Router::new().route("/", measured::<T>(workload)).route("/fill/{attributes}/{bytes}", post(fill::<T>))
}

fn measured<T>(workload: Workload) -> MethodRouter
where
    T: DatabasePool + Clone + Debug + Send + Sync + 'static,
{
    match workload {
        Workload::Unused => get(hello),
        Workload::ReadOne => get(read_one::<T>),
        Workload::ChangeOne => get(change_one::<T>),
        Workload::ReadFiveChangeTwo => get(read_five_change_two::<T>),
        Workload::ChangeLarge => get(change_large::<T>),
        Workload::TouchAll => get(touch_all::<T>),
        Workload::NewSession => get(new_session::<T>),
    }
}

async fn read_one<T>(session: Session<T>) -> Answer
where
    T: DatabasePool + Clone + Debug + Send + Sync + 'static,
{
    let counter: u64 = required(session.get(COUNTER))?;
    if counter == START { Ok(BODY) } else { Err(StatusCode::CONFLICT) }
}

async fn change_one<T>(session: Session<T>) -> Answer
where
    T: DatabasePool + Clone + Debug + Send + Sync + 'static,
{
    let counter: u64 = required(session.get(COUNTER))?;
    session.set(COUNTER, counter + 1);
    Ok(BODY)
}

async fn read_five_change_two<T>(session: Session<T>) -> Answer
where
    T: DatabasePool + Clone + Debug + Send + Sync + 'static,
{
    let counter: u64 = required(session.get(COUNTER))?;
    let mut first: String = required(session.get("filling-0000"))?;
    for name in ["filling-0001", "filling-0002", "filling-0003"] {
        let text: String = required(session.get(name))?;
        if number(&text) != Some(FIRST) {
            return Err(StatusCode::CONFLICT);
        }
    }
    required(increment(&mut first))?;
    session.set(COUNTER, counter + 1);
    session.set("filling-0000", first);
    Ok(BODY)
}

async fn change_large<T>(session: Session<T>) -> Answer
where
    T: DatabasePool + Clone + Debug + Send + Sync + 'static,
{
    let mut first: String = required(session.get("filling-0000"))?;
    required(increment(&mut first))?;
    session.set("filling-0000", first);
    Ok(BODY)
}

async fn touch_all<T>(session: Session<T>) -> Answer
where
    T: DatabasePool + Clone + Debug + Send + Sync + 'static,
{
    for index in 0.. {
        let name = name(index);
        let Some(mut text) = session.get::<String>(&name) else {
            break;
        };
        required(increment(&mut text))?;
        session.set(&name, text);
    }
    Ok(BODY)
}

async fn new_session<T>(session: Session<T>) -> &'static str
where
    T: DatabasePool + Clone + Debug + Send + Sync + 'static,
{
    session.set(COUNTER, START);
    BODY
}

async fn fill<T>(session: Session<T>, Path((attributes, bytes)): Path<(usize, usize)>) -> &'static str
where
    T: DatabasePool + Clone + Debug + Send + Sync + 'static,
{
    session.set(COUNTER, START);
    for index in 0..attributes {
        session.set(&name(index), filling(bytes));
    }
    BODY
}

async fn in_store<T: DatabasePool>(pool: &T, headers: &HeaderMap) -> Answer<Json<Stored>> {
    let id = cookie(headers, "session").ok_or(StatusCode::NOT_FOUND)?;
    // A key that is missing is an error to Redis's `load`.
    if !pool.exists(id, TABLE).await.map_err(failed)? {
        return Err(StatusCode::NOT_FOUND);
    }
    let record = required(pool.load(id, TABLE).await.map_err(failed)?)?;
    let record: Record = serde_json::from_str(&record).map_err(failed)?;
    let mut stored = Stored::default();
    for (name, value) in record.data {
        if name == COUNTER {
            stored.set_counter(serde_json::from_str(&value).map_err(failed)?);
        } else {
            stored.add_filling(&serde_json::from_str::<String>(&value).map_err(failed)?);
        }
    }
    Ok(Json(stored))
}

async fn in_session(session: Session<SessionNullPool>) -> Answer<Json<Stored>> {
    let mut stored = Stored::default();
    stored.set_counter(session.get(COUNTER).ok_or(StatusCode::NOT_FOUND)?);
    for text in (0..).map_while(|index| session.get::<String>(&name(index))) {
        stored.add_filling(&text);
    }
    Ok(Json(stored))
}
