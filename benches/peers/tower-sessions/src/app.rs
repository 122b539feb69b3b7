//! The routes.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use time::Duration;

use super::library::session::Id;
use super::library::{Expiry, Session, SessionManagerLayer, SessionStore};
use crate::http::{Answer, cookie, failed, hello, required};
use crate::protocol::{
    BODY, COUNTER, FIRST, MINUTES, START, Stored, Workload, filling, increment, name, number,
};

pub(crate) fn router<S: SessionStore + Clone>(store: S, always_save: bool, workload: Workload) -> Router {
    let layer = SessionManagerLayer::new(store.clone())
        .with_always_save(always_save)
        .with_expiry(Expiry::OnInactivity(Duration::minutes(MINUTES)));
    let stored = async move |headers: HeaderMap| stored(&store, &headers).await;
    Router::new()
        .route("/", measured(workload))
        .route("/fill/{attributes}/{bytes}", post(fill))
        .layer(layer)
        .route("/stored", get(stored))
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

async fn read_one(session: Session) -> Answer {
    let counter: Option<u64> = session.get(COUNTER).await.map_err(failed)?;
    if required(counter)? == START { Ok(BODY) } else { Err(StatusCode::CONFLICT) }
}

async fn change_one(session: Session) -> Answer {
    let counter: Option<u64> = session.get(COUNTER).await.map_err(failed)?;
    session.insert(COUNTER, required(counter)? + 1).await.map_err(failed)?;
    Ok(BODY)
}

async fn read_five_change_two(session: Session) -> Answer {
    let counter: Option<u64> = session.get(COUNTER).await.map_err(failed)?;
    let first: Option<String> = session.get("filling-0000").await.map_err(failed)?;
    for name in ["filling-0001", "filling-0002", "filling-0003"] {
        let text: Option<String> = session.get(name).await.map_err(failed)?;
        if number(&required(text)?) != Some(FIRST) {
            return Err(StatusCode::CONFLICT);
        }
    }
    let mut first = required(first)?;
    required(increment(&mut first))?;
    session.insert(COUNTER, required(counter)? + 1).await.map_err(failed)?;
    session.insert("filling-0000", first).await.map_err(failed)?;
    Ok(BODY)
}

async fn change_large(session: Session) -> Answer {
    let first: Option<String> = session.get("filling-0000").await.map_err(failed)?;
    let mut first = required(first)?;
    required(increment(&mut first))?;
    session.insert("filling-0000", first).await.map_err(failed)?;
    Ok(BODY)
}

async fn touch_all(session: Session) -> Answer {
    for index in 0.. {
        let name = name(index);
        let Some(mut text) = session.get::<String>(&name).await.map_err(failed)? else {
            break;
        };
        required(increment(&mut text))?;
        session.insert(&name, text).await.map_err(failed)?;
    }
    Ok(BODY)
}

async fn new_session(session: Session) -> Answer {
    session.insert(COUNTER, START).await.map_err(failed)?;
    Ok(BODY)
}

async fn fill(session: Session, Path((attributes, bytes)): Path<(usize, usize)>) -> Answer {
    session.insert(COUNTER, START).await.map_err(failed)?;
    for index in 0..attributes {
        session.insert(&name(index), filling(bytes)).await.map_err(failed)?;
    }
    Ok(BODY)
}

async fn stored(store: &impl SessionStore, headers: &HeaderMap) -> Answer<Json<Stored>> {
    let id: Option<Id> = cookie(headers, "id").and_then(|value| value.parse().ok());
    let id = id.ok_or(StatusCode::NOT_FOUND)?;
    let record = store.load(&id).await.map_err(failed)?.ok_or(StatusCode::NOT_FOUND)?;
    let mut stored = Stored::default();
    for (name, value) in &record.data {
        if name == COUNTER {
            stored.set_counter(required(value.as_u64())?);
        } else {
            stored.add_filling(required(value.as_str())?);
        }
    }
    Ok(Json(stored))
}
