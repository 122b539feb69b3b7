use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ticket::Ticket;
use super::{App, Change, Store};
use benches::protocol::{BODY, FIRST, START, Stored, filling, increment, name, number};

const COUNTER: &str = "counter";
const FIVE: [&str; 5] = [COUNTER, "filling-0000", "filling-0001", "filling-0002", "filling-0003"];

type Answer = Result<&'static str, StatusCode>;
type Body = ([(axum::http::HeaderName, String); 1], &'static str);

pub(super) async fn read_one<S: Store>(State(app): State<App<S>>, headers: HeaderMap) -> Answer {
    let [counter] = app.read(&ticket(&headers)?, [COUNTER]).await?;
    if decode::<u64>(&counter)? == START { Ok(BODY) } else { Err(StatusCode::CONFLICT) }
}

pub(super) async fn change_one<S: Store>(State(app): State<App<S>>, headers: HeaderMap) -> Answer {
    let ticket = ticket(&headers)?;
    let [counter] = app.read(&ticket, [COUNTER]).await?;
    app.write(&ticket, &[(COUNTER, encode(&(decode::<u64>(&counter)? + 1))?)]).await
}

pub(super) async fn read_five_change_two<S: Store>(State(app): State<App<S>>, headers: HeaderMap) -> Answer {
    let ticket = ticket(&headers)?;
    let [counter, first, others @ ..] = app.read(&ticket, FIVE).await?;
    for other in &others {
        if number(&decode::<String>(other)?) != Some(FIRST) {
            return Err(StatusCode::CONFLICT);
        }
    }
    let counter = encode(&(decode::<u64>(&counter)? + 1))?;
    app.write(&ticket, &[(COUNTER, counter), (FIVE[1], incremented(&first)?)]).await
}

pub(super) async fn change_large<S: Store>(State(app): State<App<S>>, headers: HeaderMap) -> Answer {
    let ticket = ticket(&headers)?;
    let [first] = app.read(&ticket, [FIVE[1]]).await?;
    app.write(&ticket, &[(FIVE[1], incremented(&first)?)]).await
}

pub(super) async fn touch_all<S: Store>(State(app): State<App<S>>, headers: HeaderMap) -> Answer {
    let ticket = ticket(&headers)?;
    let names: Vec<String> = (0..app.fillings.load(Ordering::Relaxed)).map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let values = app.read_all(&ticket, &names).await?;
    let changes: Result<Vec<Change<'_>>, StatusCode> =
        names.into_iter().zip(&values).map(|(name, value)| Ok((name, incremented(value)?))).collect();
    app.write(&ticket, &changes?).await
}

pub(super) async fn new_session<S: Store>(State(app): State<App<S>>) -> Result<Body, StatusCode> {
    let ticket = Ticket::generate().map_err(failed)?;
    app.store.create(&ticket, &[(COUNTER, encode(&START)?)]).await.map_err(failed)?;
    Ok(([(SET_COOKIE, ticket.cookie())], BODY))
}

pub(super) async fn fill<S: Store>(
    State(app): State<App<S>>,
    Path((attributes, bytes)): Path<(u64, usize)>,
) -> Result<Body, StatusCode> {
    app.fillings.store(attributes, Ordering::Relaxed);
    let ticket = Ticket::generate().map_err(failed)?;
    let names: Vec<String> = (0..attributes).map(name).collect();
    let text = encode(&filling(bytes))?;
    let mut changes: Vec<_> = names.iter().map(|name| (name.as_str(), text.clone())).collect();
    changes.push((COUNTER, encode(&START)?));
    app.store.create(&ticket, &changes).await.map_err(failed)?;
    Ok(([(SET_COOKIE, ticket.cookie())], BODY))
}

pub(super) async fn stored<S: Store>(
    State(app): State<App<S>>,
    headers: HeaderMap,
) -> Result<Json<Stored>, StatusCode> {
    let mut stored = Stored::default();
    for (name, value) in app.store.all(&ticket(&headers)?).await.map_err(failed)? {
        if name == COUNTER {
            stored.counter = decode(&value)?;
            stored.attributes += 1;
        } else {
            stored.add(&decode::<String>(&value)?);
        }
    }
    if stored.attributes == 0 { Err(StatusCode::NOT_FOUND) } else { Ok(Json(stored)) }
}

impl<S: Store> App<S> {
    async fn read<const N: usize>(
        &self,
        ticket: &Ticket,
        names: [&str; N],
    ) -> Result<[Bytes; N], StatusCode> {
        self.read_all(ticket, &names).await?.try_into().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    async fn read_all(&self, ticket: &Ticket, names: &[&str]) -> Result<Vec<Bytes>, StatusCode> {
        let opened = self.store.load(ticket, names).await.map_err(failed)?;
        let opened = opened.ok_or(StatusCode::UNAUTHORIZED)?;
        let values: Option<Vec<Bytes>> = opened.values.into_iter().collect();
        values.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    async fn write(&self, ticket: &Ticket, changes: &[Change<'_>]) -> Answer {
        let is_open = self.store.save(ticket, changes).await.map_err(failed)?;
        if is_open { Ok(BODY) } else { Err(StatusCode::UNAUTHORIZED) }
    }
}

fn ticket(headers: &HeaderMap) -> Result<Ticket, StatusCode> {
    Ticket::of(headers).ok_or(StatusCode::UNAUTHORIZED)
}

fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, StatusCode> {
    rmp_serde::from_slice(value).map_err(failed)
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StatusCode> {
    rmp_serde::to_vec(value).map_err(failed)
}

fn incremented(value: &[u8]) -> Result<Vec<u8>, StatusCode> {
    let mut text: String = decode(value)?;
    increment(&mut text).ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    encode(&text)
}

fn failed(error: impl std::fmt::Display) -> StatusCode {
    eprintln!("floor: {error}");
    StatusCode::INTERNAL_SERVER_ERROR
}
