//! The routes.

use actix_session::config::{PersistentSession, TtlExtensionPolicy};
use actix_session::storage::{RedisSessionStore, SessionKey, SessionStore as _};
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::time::Duration;
use actix_web::cookie::{CookieJar, Key};
use actix_web::error::{ErrorConflict, ErrorInternalServerError, ErrorNotFound};
use actix_web::web::{Data, Json, Path, ServiceConfig, get, post};
use actix_web::{HttpRequest, Route};

use crate::protocol::{
    BODY, COUNTER, FIRST, MINUTES, START, Stored, Workload, filling, increment, name, number,
};

/// The name of the cookie unless told otherwise.
const COOKIE: &str = "id";

type Answer<T = &'static str> = actix_web::Result<T>;

pub(crate) fn sessions(store: RedisSessionStore, key: Key) -> SessionMiddleware<RedisSessionStore> {
    let lifecycle = PersistentSession::default()
        .session_ttl(Duration::minutes(MINUTES))
        .session_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest);
    SessionMiddleware::builder(store, key).session_lifecycle(lifecycle).build()
}

pub(crate) fn routes(config: &mut ServiceConfig, store: RedisSessionStore, key: Key, workload: Workload) {
    config
        .app_data(Data::new(store))
        .app_data(Data::new(key))
        .route("/", measured(workload))
        .route("/fill/{attributes}/{bytes}", post().to(fill))
        .route("/stored", get().to(stored));
}

fn measured(workload: Workload) -> Route {
    match workload {
        Workload::Unused => get().to(hello),
        Workload::ReadOne => get().to(read_one),
        Workload::ChangeOne => get().to(change_one),
        Workload::ReadFiveChangeTwo => get().to(read_five_change_two),
        Workload::ChangeLarge => get().to(change_large),
        Workload::TouchAll => get().to(touch_all),
        Workload::NewSession => get().to(new_session),
    }
}

async fn hello() -> &'static str {
    BODY
}

async fn read_one(session: Session) -> Answer {
    let counter: u64 = required(session.get(COUNTER)?)?;
    if counter == START { Ok(BODY) } else { Err(ErrorConflict("the counter has changed")) }
}

async fn change_one(session: Session) -> Answer {
    let counter: u64 = required(session.get(COUNTER)?)?;
    session.insert(COUNTER, counter + 1)?;
    Ok(BODY)
}

async fn read_five_change_two(session: Session) -> Answer {
    let counter: u64 = required(session.get(COUNTER)?)?;
    let mut first: String = required(session.get("filling-0000")?)?;
    for name in ["filling-0001", "filling-0002", "filling-0003"] {
        let text: String = required(session.get(name)?)?;
        if number(&text) != Some(FIRST) {
            return Err(ErrorConflict("a filling has changed"));
        }
    }
    required(increment(&mut first))?;
    session.insert(COUNTER, counter + 1)?;
    session.insert("filling-0000", first)?;
    Ok(BODY)
}

async fn change_large(session: Session) -> Answer {
    let mut first: String = required(session.get("filling-0000")?)?;
    required(increment(&mut first))?;
    session.insert("filling-0000", first)?;
    Ok(BODY)
}

async fn touch_all(session: Session) -> Answer {
    for index in 0.. {
        let name = name(index);
        let Some(mut text) = session.get::<String>(&name)? else {
            break;
        };
        required(increment(&mut text))?;
        session.insert(name, text)?;
    }
    Ok(BODY)
}

async fn new_session(session: Session) -> Answer {
    session.insert(COUNTER, START)?;
    Ok(BODY)
}

async fn fill(session: Session, path: Path<(usize, usize)>) -> Answer {
    let (attributes, bytes) = path.into_inner();
    session.insert(COUNTER, START)?;
    for index in 0..attributes {
        session.insert(name(index), filling(bytes))?;
    }
    Ok(BODY)
}

async fn stored(
    request: HttpRequest,
    store: Data<RedisSessionStore>,
    key: Data<Key>,
) -> Answer<Json<Stored>> {
    let id = id(&request, &key).ok_or_else(|| ErrorNotFound("no cookie"))?;
    let state = store.load(&id).await.map_err(|error| ErrorInternalServerError(error.to_string()))?;
    let mut stored = Stored::default();
    for (name, value) in state.ok_or_else(|| ErrorNotFound("no session"))? {
        if name == COUNTER {
            stored.set_counter(serde_json::from_str(&value)?);
        } else {
            stored.add_filling(&serde_json::from_str::<String>(&value)?);
        }
    }
    Ok(Json(stored))
}

/// Returns what the encrypted cookie holds.
fn id(request: &HttpRequest, key: &Key) -> Option<SessionKey> {
    let mut jar = CookieJar::new();
    jar.add_original(request.cookie(COOKIE)?);
    let value = jar.private(key).get(COOKIE)?.value().to_owned();
    value.try_into().ok()
}

fn required<T>(attribute: Option<T>) -> Answer<T> {
    attribute.ok_or_else(|| ErrorInternalServerError("an attribute is missing"))
}
