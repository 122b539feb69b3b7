//! The routes.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use ruts::cookie::SameSite;
use ruts::store::{SessionMap, SessionStore, Ttl};
use ruts::{CookieOptions, Id, Session, SessionLayer};
use serde::Serialize;
use tower_cookies::CookieManagerLayer;

use crate::http::{Answer, cookie, failed, hello, required};
use crate::protocol::{
    BODY, COUNTER, FIRST, MINUTES, START, Stored, Workload, filling, increment, name, number,
};

const COOKIE: &str = "session";
const SECONDS: i64 = MINUTES * 60;

pub(crate) fn router<S: SessionStore>(store: S, workload: Workload) -> Router {
    let cookie = CookieOptions::build()
        .name(COOKIE)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(true)
        .max_age(SECONDS.unsigned_abs())
        .path("/");
    let layer = SessionLayer::new(Arc::new(store.clone())).with_cookie_options(cookie);
    let stored = async move |headers: HeaderMap| stored(&store, &headers).await;
    Router::new()
        .route("/", measured::<S>(workload))
        .route("/fill/{attributes}/{bytes}", post(fill::<S>))
        .layer(layer)
        .layer(CookieManagerLayer::new())
        .route("/stored", get(stored))
}

fn measured<S: SessionStore>(workload: Workload) -> MethodRouter {
    match workload {
        Workload::Unused => get(hello),
        Workload::ReadOne => get(read_one::<S>),
        Workload::ChangeOne => get(change_one::<S>),
        Workload::ReadFiveChangeTwo => get(read_five_change_two::<S>),
        Workload::ChangeLarge => get(change_large::<S>),
        Workload::TouchAll => get(touch_all::<S>),
        Workload::NewSession => get(new_session::<S>),
    }
}

async fn read_one<S: SessionStore>(session: Session<S>) -> Answer {
    let counter: Option<u64> = session.get(COUNTER).await.map_err(failed)?;
    if required(counter)? == START { Ok(BODY) } else { Err(StatusCode::CONFLICT) }
}

async fn change_one<S: SessionStore>(session: Session<S>) -> Answer {
    let counter: Option<u64> = session.get(COUNTER).await.map_err(failed)?;
    set(&session, COUNTER, &(required(counter)? + 1)).await
}

async fn read_five_change_two<S: SessionStore>(session: Session<S>) -> Answer {
    let all = required(session.get_all().await.map_err(failed)?)?;
    let counter: u64 = required(all.get(COUNTER).map_err(failed)?)?;
    for name in ["filling-0001", "filling-0002", "filling-0003"] {
        if number(&text(&all, name)?) != Some(FIRST) {
            return Err(StatusCode::CONFLICT);
        }
    }
    let mut first = text(&all, "filling-0000")?;
    required(increment(&mut first))?;
    set(&session, COUNTER, &(counter + 1)).await?;
    set(&session, "filling-0000", &first).await
}

async fn change_large<S: SessionStore>(session: Session<S>) -> Answer {
    let first: Option<String> = session.get("filling-0000").await.map_err(failed)?;
    let mut first = required(first)?;
    required(increment(&mut first))?;
    set(&session, "filling-0000", &first).await
}

async fn touch_all<S: SessionStore>(session: Session<S>) -> Answer {
    let all = required(session.get_all().await.map_err(failed)?)?;
    for index in 0..all.len() - 1 {
        let name = name(index);
        let mut text = text(&all, &name)?;
        required(increment(&mut text))?;
        set(&session, &name, &text).await?;
    }
    Ok(BODY)
}

async fn new_session<S: SessionStore>(session: Session<S>) -> Answer {
    set(&session, COUNTER, &START).await
}

async fn fill<S: SessionStore>(
    session: Session<S>,
    Path((attributes, bytes)): Path<(usize, usize)>,
) -> Answer {
    set(&session, COUNTER, &START).await?;
    for index in 0..attributes {
        set(&session, &name(index), &filling(bytes)).await?;
    }
    Ok(BODY)
}

async fn set<S: SessionStore, T: Serialize + Send + Sync>(
    session: &Session<S>,
    name: &str,
    value: &T,
) -> Answer {
    let lifetime = Ttl::new(SECONDS).map_err(failed)?;
    session.set(name, value, lifetime, None).await.map_err(failed)?;
    Ok(BODY)
}

fn text(all: &SessionMap, name: &str) -> Answer<String> {
    required(all.get(name).map_err(failed)?)
}

async fn stored(store: &impl SessionStore, headers: &HeaderMap) -> Answer<Json<Stored>> {
    let id: Option<Id> = cookie(headers, COOKIE).and_then(|value| value.parse().ok());
    let id = id.ok_or(StatusCode::NOT_FOUND)?;
    let all = store.get_all(&id).await.map_err(failed)?.ok_or(StatusCode::NOT_FOUND)?;
    let mut stored = Stored::default();
    stored.set_counter(required(all.get(COUNTER).map_err(failed)?)?);
    for index in 0..all.len() - 1 {
        stored.add_filling(&text(&all, &name(index))?);
    }
    Ok(Json(stored))
}
