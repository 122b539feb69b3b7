//! Types of the application that panic while they are encoded or decoded (OWASP ASVS 5.0, 16.5.4).

use std::panic::AssertUnwindSafe;

use cloakroom::core::BoxFuture;
use cloakroom::{Attribute, Error, Session};
use futures_util::FutureExt as _;
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rig::Rig;
use super::undecodable::plant;

#[derive(Debug, Default)]
struct Bomb;

impl Attribute for Bomb {
    const NAME: &'static str = "bomb";
}

impl Serialize for Bomb {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("as it must")
    }
}

impl<'de> Deserialize<'de> for Bomb {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("as it must")
    }
}

/// A way to set it off, and whether it has to be there.
type Way = (&'static str, bool, fn(Session) -> BoxFuture<'static, Result<(), Error>>);

const WAYS: [Way; 7] = [
    ("set", false, |it| Box::pin(async move { it.set(&Bomb) })),
    ("change in place", false, |it| {
        Box::pin(async move {
            let _bomb: &mut Bomb = &mut *it.attr::<Bomb>().await?;
            Ok(())
        })
    }),
    ("update", false, |it| Box::pin(async move { it.update(|_: &mut Bomb| ()).await })),
    ("get", true, |it| Box::pin(async move { it.get::<Bomb>().await.map(drop) })),
    ("take", true, |it| Box::pin(async move { it.take_once::<Bomb>().await.map(drop) })),
    ("borrow", true, |it| Box::pin(async move { it.attr::<Bomb>().await.map(drop) })),
    ("update what is there", true, |it| Box::pin(async move { it.update(|_: &mut Bomb| ()).await })),
];

async fn session(rig: &Rig, with_bomb: bool) -> String {
    let ticket = rig.session().await;
    if with_bomb {
        plant(rig, &ticket, "bomb", &b"\xc0"[..]).await;
    }
    ticket
}

#[tokio::test]
async fn a_codec_that_panics_takes_its_request_along_and_nothing_else() {
    let rig = Rig::new();
    for (way, is_there, sets_off) in WAYS {
        let ticket = session(&rig, is_there).await;
        let before = rig.names(&ticket).await;
        let dies = |session: Session| async move {
            session.set_named("late", &1)?;
            sets_off(session).await?;
            Ok(StatusCode::OK)
        };
        let died = AssertUnwindSafe(rig.run(Some(&ticket), dies)).catch_unwind().await;
        assert!(died.is_err(), "{way}");
        assert_eq!(rig.names(&ticket).await, before, "{way}: nothing of it is stored");
        let goes_on = |session: Session| async move {
            session.set_named("more", &1)?;
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), goes_on).await.is(200);
        assert!(rig.names(&ticket).await.unwrap().contains(&"more".to_owned()), "{way}");
    }
    rig.layer.settled().await;
}

/// A handler that survives it is not shut out of its session.
#[tokio::test]
async fn a_request_that_catches_it_goes_on() {
    let rig = Rig::new();
    for (way, is_there, sets_off) in WAYS {
        let ticket = session(&rig, is_there).await;
        let catches = |session: Session| async move {
            let caught = AssertUnwindSafe(sets_off(session.clone())).catch_unwind().await;
            assert!(caught.is_err(), "{way}");
            session.reload().await?;
            session.update_named("first", |first: &mut i64| *first += 1).await?;
            session.set_named("late", &1)?;
            Ok(StatusCode::OK)
        };
        rig.run(Some(&ticket), catches).await.is(200);
        assert!(rig.names(&ticket).await.unwrap().contains(&"late".to_owned()), "{way}");
    }
}
