//! Attributes that lapse by themselves.

use std::time::Duration;

use cloakroom::{Attr, Attribute, ErrorKind, MAX_INTERVAL, MIN_INTERVAL, Session};
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::Operation;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::rig::Rig;
use crate::support::eventually;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Kept for an hour.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Code(u32);

impl Attribute for Code {
    const NAME: &'static str = "code";
    const TTL: Option<Duration> = Some(HOUR);
}

fn rig(clock: &ManualClock) -> Rig {
    Rig::on_clock(clock, |layer| layer.max_inactive_interval(24 * HOUR))
}

/// Makes a session whose `code` lapses in an hour, by one of the ways to set it. Half of that hour is over.
async fn half_an_hour_old(clock: &ManualClock, rig: &Rig) -> String {
    let ticket = rig.session().await;
    let sets = |session: Session| async move {
        session.set(&Code(1))?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), sets).await.is(200);
    clock.advance(30 * MINUTE);
    rig.faults.forget_calls();
    ticket
}

/// Checks that `code` is there for the rest of its first hour, and no longer. The machine's clock has moved a little
/// meanwhile, the store's has not.
async fn keeps_its_end(clock: &ManualClock, rig: &Rig, ticket: &str, expected: u8) {
    clock.advance(20 * MINUTE);
    assert_eq!(rig.stored(ticket).await.unwrap()["code"], [expected][..]);
    clock.advance(10 * MINUTE);
    assert_eq!(rig.names(ticket).await.unwrap(), ["first"]);
}

#[tokio::test]
async fn it_is_absent_once_its_time_is_over_and_the_session_lives_on() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = rig.session().await;
    let sets = |session: Session| async move {
        session.set_named_for("soon", &1, MINUTE)?;
        session.set_for(&Code(2), 2 * MINUTE)?;
        assert_eq!(session.get_named("soon").await?, Some(1));
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), sets).await.is(200);
    clock.advance(MINUTE - MIN_INTERVAL);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["code", "first", "soon"]);
    clock.advance(MIN_INTERVAL);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["code", "first"]);
    let looks = |session: Session| async move {
        assert_eq!(session.get_named::<i64>("soon").await?, None);
        assert_eq!(session.get_named("first").await?, Some(1));
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), looks).await.is(200);
    clock.advance(MINUTE);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first"], "the one of its own time, not its type's");
}

#[tokio::test]
async fn it_is_absent_also_to_a_request_that_has_read_it_before() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = rig.session().await;
    let ttl = Duration::from_millis(50);
    let sets = |session: Session| async move {
        session.set_named_for("soon", &1, ttl)?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), sets).await.is(200);
    let outlasts = |session: Session| {
        let clock = &clock;
        async move {
            assert_eq!(session.get_named("soon").await?, Some(1), "whatever this machine's clock says");
            clock.advance(ttl);
            eventually(async || session.get_named::<i64>("soon").await.unwrap().is_none()).await;
            assert_eq!(session.take_once_named::<i64>("soon").await?, None);
            session.update_named("soon", |it: &mut i64| *it += 7).await?;
            Ok(StatusCode::OK)
        }
    };
    rig.run(Some(&ticket), outlasts).await.is(200);
    assert_eq!(rig.stored(&ticket).await.unwrap()["soon"], [7][..]);
    clock.advance(HOUR);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first", "soon"], "it has no time to live any more");
}

#[tokio::test]
async fn the_time_is_that_of_the_type_unless_another_is_given() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = half_an_hour_old(&clock, &rig).await;
    keeps_its_end(&clock, &rig, &ticket, 1).await;
}

#[tokio::test]
async fn an_access_does_not_prolong_it() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = half_an_hour_old(&clock, &rig).await;
    let looks = |session: Session| async move {
        assert_eq!(session.get::<Code>().await?.unwrap().0, 1);
        session.set_named("other", &1)?;
        session.remove_named("other");
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), looks).await.is(200);
    keeps_its_end(&clock, &rig, &ticket, 1).await;
}

#[tokio::test]
async fn a_change_in_place_keeps_its_end() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = half_an_hour_old(&clock, &rig).await;
    let changes = |session: Session| async move {
        let mut code: Attr<Code> = session.attr().await?;
        code.0 += 1;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), changes).await.is(200);
    assert_eq!(rig.faults.count(Operation::Commit), 1);
    keeps_its_end(&clock, &rig, &ticket, 2).await;
}

#[tokio::test]
async fn an_update_keeps_its_end_however_often() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = half_an_hour_old(&clock, &rig).await;
    let changes = |session: Session| async move {
        for _ in 0..3 {
            session.update(|code: &mut Code| code.0 += 1).await?;
        }
        session.update_named("code", |code: &mut Code| code.0 += 1).await?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), changes).await.is(200);
    assert_eq!(rig.faults.count(Operation::Commit), 4);
    keeps_its_end(&clock, &rig, &ticket, 5).await;
}

#[tokio::test]
async fn what_is_absent_beforehand_has_its_types_time() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let by_attr = |session: Session| async move {
        session.attr::<Code>().await?.0 = 1;
        Ok(StatusCode::OK)
    };
    let by_update = |session: Session| async move {
        session.update(|code: &mut Code| code.0 = 1).await?;
        Ok(StatusCode::OK)
    };
    let one = rig.session().await;
    rig.run(Some(&one), by_attr).await.is(200);
    let two = rig.session().await;
    rig.run(Some(&two), by_update).await.is(200);
    for ticket in [one, two] {
        assert_eq!(rig.names(&ticket).await.unwrap(), ["code", "first"]);
        let lapses_at = rig.opened(&ticket).await.unwrap().attributes[0].lapses_at;
        assert_eq!(lapses_at.map(|at| at.since(cloakroom::core::Clock::now(&clock))), Some(HOUR));
    }
}

#[tokio::test]
async fn setting_it_anew_replaces_its_time() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = half_an_hour_old(&clock, &rig).await;
    let again = |session: Session| async move {
        assert!(session.contains::<Code>().await?);
        session.set(&Code(1))?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), again).await.is(200);
    assert_eq!(rig.faults.count(Operation::Commit), 1, "an equal value, but its time begins anew");
    clock.advance(59 * MINUTE);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["code", "first"]);
    let for_good = |session: Session| async move {
        assert!(session.contains_named("code").await?);
        session.set_named("code", &Code(1))?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), for_good).await.is(200);
    clock.advance(HOUR);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["code", "first"], "an equal value, but no end any more");
}

#[tokio::test]
async fn what_was_set_in_the_same_request_keeps_its_time_when_it_is_changed() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = rig.session().await;
    let sets = |session: Session| async move {
        session.set_for(&Code(1), MINUTE)?;
        session.attr::<Code>().await?.0 += 1;
        session.set_named_for("other", &1, MINUTE)?;
        session.update_named("other", |other: &mut i64| *other += 1).await?;
        session.update_named("other", |other: &mut i64| *other += 1).await?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), sets).await.is(200);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["code", "first", "other"]);
    clock.advance(MINUTE);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["first"]);
}

#[tokio::test]
async fn a_clear_that_is_to_come_leaves_what_is_updated_its_time() {
    let clock = ManualClock::default();
    let rig = rig(&clock);
    let ticket = rig.session().await;
    let sets = |session: Session| async move {
        session.clear();
        session.update(|code: &mut Code| code.0 = 1).await?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), sets).await.is(200);
    assert_eq!(rig.names(&ticket).await.unwrap(), ["code"]);
    clock.advance(HOUR);
    assert!(rig.names(&ticket).await.unwrap().is_empty());
}

#[tokio::test]
async fn it_is_between_the_bounds() {
    let rig = Rig::new();
    let tries = |session: Session| async move {
        for ttl in [Duration::ZERO, MIN_INTERVAL / 2, MAX_INTERVAL + MIN_INTERVAL] {
            let refused = session.set_named_for("it", &1, ttl).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInterval);
            assert_eq!(session.set_for(&Code(1), ttl).unwrap_err().kind(), ErrorKind::InvalidInterval);
        }
        assert!(!session.contains_named("it").await?, "as before");
        session.set_named_for("shortest", &1, MIN_INTERVAL)?;
        session.set_named_for("longest", &1, MAX_INTERVAL)?;
        Ok(StatusCode::OK)
    };
    let ticket = rig.run(None, tries).await.is(200).ticket();
    assert!(rig.names(&ticket).await.unwrap().contains(&"longest".to_owned()));
}
