use axum::extract::Path;
use axum::http::header::COOKIE as COOKIE_HEADER;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use cloakroom::core::{Load, Loaded, Select, Ticket, Touch, Wanted};
use cloakroom::{Attr, Attribute, Error, MemoryStore, Session, SessionLayer, Store as _};
use serde::{Deserialize, Serialize};

use super::{BODY, COOKIE, START};

/// The small attribute.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Counter(u64);

impl Attribute for Counter {
    const NAME: &'static str = "counter";
}

/// What the store holds under a ticket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) counter: u64,
    pub(crate) attributes: u64,
    pub(crate) bytes: u64,
}

pub(super) fn app(measured: MethodRouter) -> Router {
    let store = MemoryStore::new();
    let layer = SessionLayer::new(store.clone());
    let stored = move |headers: HeaderMap| stored(store.clone(), headers);
    super::routes(measured, post(fill), get(stored)).layer(layer)
}

pub(super) async fn read_one(counter: Attr<Counter>) -> Result<&'static str, StatusCode> {
    if counter.0 == START { Ok(BODY) } else { Err(StatusCode::CONFLICT) }
}

pub(super) async fn change_one(mut counter: Attr<Counter>) -> &'static str {
    counter.0 += 1;
    BODY
}

async fn fill(session: Session, Path((attributes, bytes)): Path<(u64, usize)>) -> Result<(), Error> {
    session.set(&Counter(START))?;
    let text = "x".repeat(bytes);
    (0..attributes).try_for_each(|number| session.set_named(format!("filling-{number:04}"), &text))
}

/// Asks the store itself, past the middleware.
async fn stored(store: MemoryStore, headers: HeaderMap) -> Result<Json<Stored>, StatusCode> {
    let ticket = ticket(&headers).ok_or(StatusCode::BAD_REQUEST)?;
    let load = Load {
        guard: ticket.guard(),
        select: Select { values: Wanted::Everything, names: false },
        touch: Touch::Never,
    };
    let loaded = store.load(&load).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let Loaded::Open(opened) = loaded else {
        return Err(StatusCode::NOT_FOUND);
    };
    let counter = opened.attributes.iter().find(|it| it.name.as_str() == Counter::NAME);
    let counter = counter.and_then(|it| rmp_serde::from_slice(&it.value).ok());
    Ok(Json(Stored {
        counter: counter.ok_or(StatusCode::UNPROCESSABLE_ENTITY)?,
        attributes: opened.attributes.len() as u64,
        bytes: opened.attributes.iter().map(|it| it.value.len() as u64).sum(),
    }))
}

fn ticket(headers: &HeaderMap) -> Option<Ticket> {
    let line = headers.get(COOKIE_HEADER)?.as_bytes();
    let text = line.strip_prefix(COOKIE.as_bytes())?.strip_prefix(b"=")?;
    Ticket::parse(text).ok()
}
