//! What the log tells, and what it keeps to itself.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use cloakroom::Session;
use http::StatusCode;
use serde::de::DeserializeOwned;
use tracing::instrument::WithSubscriber as _;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::fmt::MakeWriter;

use super::rig::Rig;

/// Returns all that is logged while a future runs, and what the future gives.
pub(super) async fn logged<T>(future: impl Future<Output = T>) -> (String, T) {
    Unmoved::everywhere();
    let text = Text::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(text.clone())
        .with_ansi(false)
        .finish();
    let given = future.with_subscriber(subscriber).await;
    let bytes = text.0.lock().unwrap().clone();
    (String::from_utf8(bytes).unwrap(), given)
}

/// Hears everything and keeps nothing. Without one for the whole process, a line that is first met where nobody listens may
/// be held for one that nobody ever listens to, though another test does.
struct Unmoved;

impl Unmoved {
    fn everywhere() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing::subscriber::set_global_default(Self).unwrap());
    }
}

impl Subscriber for Unmoved {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Clone, Debug, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Text {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Has two cases, neither of which is in the session.
#[derive(Debug, serde::Deserialize)]
enum Choice {
    One,
    Two,
}

/// Reads what is a text as something that it is not.
async fn mixes_up<T: DeserializeOwned>(rig: &Rig, ticket: &str) {
    let mixes_up = |session: Session| async move {
        session.set_named("who", "nobodys-business")?;
        session.get_named::<T>("who").await?;
        Ok(StatusCode::OK)
    };
    let (log, answer) = logged(rig.run(Some(ticket), mixes_up)).await;
    let answer = answer.is(500).without_cookie();
    assert!(answer.body.is_empty());
    assert!(log.contains("ERROR") && log.contains("who"), "{log}");
    assert!(!log.contains("nobodys-business"), "{log}");
}

#[tokio::test]
async fn a_value_that_cannot_be_decoded_is_named_and_not_shown() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    mixes_up::<i64>(&rig, &ticket).await;
    mixes_up::<bool>(&rig, &ticket).await;
    mixes_up::<Vec<i64>>(&rig, &ticket).await;
    mixes_up::<BTreeMap<String, i64>>(&rig, &ticket).await;
    mixes_up::<std::net::IpAddr>(&rig, &ticket).await;
    mixes_up::<Choice>(&rig, &ticket).await;
}

#[tokio::test]
async fn changes_to_a_session_that_is_gone_are_reported_with_its_handle() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let other = rig.node();
    let leaves = |session: Session| async move {
        session.invalidate();
        Ok(StatusCode::OK)
    };
    let late = |session: Session| {
        let (other, ticket) = (other.clone(), ticket.clone());
        async move {
            other.run(Some(&ticket), leaves).await.is(200);
            session.set_named("late", &1)?;
            Ok(StatusCode::OK)
        }
    };
    let (log, answer) = logged(rig.run(Some(&ticket), late)).await;
    answer.is(200).without_cookie();
    assert!(log.contains("WARN") && log.contains("session changes are lost"), "{log}");
}

/// Nothing that a program may print with `{:?}` shows what opens a session.
#[tokio::test]
async fn no_debug_shows_a_ticket() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let shows = async |request: http::Request<()>| {
        let session = Session::from_extensions(request.extensions()).await?;
        let sessions = cloakroom::Sessions::from_extensions(request.extensions())?;
        let handle = session.handle().unwrap().to_string();
        let shown = format!("{session:?} {sessions:?} {:?}", request.extensions());
        assert!(shown.contains(&handle), "{shown}");
        session.rotate();
        session.commit().await?;
        Err(cloakroom::Session::from_extensions(&http::Extensions::new()).await.unwrap_err())
    };
    let response = rig.response(Some(&ticket), shows).await;
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    let shown = format!("{response:?} {:?}", rig.layer);
    assert!(!shown.contains(&ticket[22..]) && !shown.contains(&cookie), "{shown}");
}
