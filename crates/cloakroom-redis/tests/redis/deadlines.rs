//! When keys end, and what is written.

use std::time::Duration;

use cloakroom_core::{Ended, Loaded, MAX_INTERVAL, Select, Store as _, Sweep, Touch, Wanted};
use cloakroom_redis::RedisStore;

use crate::support::*;

const HOUR: Duration = Duration::from_secs(3600);

/// Returns when the server removes a session by itself, and when it ends.
fn deadlines(private: &Private, ticket: &cloakroom_core::Ticket) -> (i64, i64) {
    let removed = private.number(&["PEXPIRETIME", &key_of(ticket)]);
    let index = epoch_of(ticket).replace(":e", ":x");
    let ends = private.ask(&["ZSCORE", &index, &ticket.handle().to_string()]);
    (removed, ends.text().parse().unwrap())
}

#[tokio::test]
async fn a_key_outlives_its_session_by_the_margin() {
    let private = Private::start().await;
    let ticket = session(&private.store, "a", "1").await;
    let (removed, ends) = deadlines(&private, &ticket);
    assert_eq!(removed - ends, HOUR.as_millis() as i64);
    let store = private.store.clone().hand_out_margin(Duration::from_secs(7));
    commit(&store, &change(ticket.guard(), Vec::new())).await;
    let opened = open(&store, &ticket, &[]).await.unwrap().unwrap();
    let deadline = opened.meta.accessed_at.plus(INTERVAL);
    assert_eq!(private.number(&["PEXPIRETIME", &key_of(&ticket)]) - 7000, deadline.as_millis() as i64);
}

/// A margin that is so long that the end of the key would be no time any more.
#[tokio::test]
async fn a_margin_without_bounds_is_the_longest_that_there_is() {
    let private = Private::start().await;
    for margin in [Duration::MAX, Duration::from_secs(u64::MAX / 1000)] {
        let store = private.store.clone().hand_out_margin(margin);
        let ticket = session(&store, "a", "1").await;
        assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
        let (removed, ends) = deadlines(&private, &ticket);
        assert_eq!(removed - ends, MAX_INTERVAL.as_millis() as i64);
    }
}

/// Hands out everything of one session.
async fn handed_out(store: &RedisStore, lease: Duration) -> Ended {
    let select = Select { values: Wanted::Everything, names: true };
    let sweep = Sweep { limit: 10, lease: Some(lease), select };
    eventually("a session is handed out", async || store.sweep(&sweep).await.unwrap().pop()).await
}

/// Returns the names of the attributes that were handed out, and the first one's value.
fn told(ended: &Ended) -> (Vec<&str>, Option<&[u8]>) {
    let names = ended.names.iter().map(cloakroom_core::Name::as_str).collect();
    (names, ended.attributes.first().map(|attribute| &attribute.value[..]))
}

#[tokio::test]
async fn what_is_handed_out_is_there_until_the_lease_is_over_also_after_the_margin() {
    let private = Private::start().await;
    let store = private.store.clone().hand_out_margin(Duration::ZERO);
    for lease in [Duration::from_millis(1), HOUR, Duration::MAX] {
        let ticket = brief(&private.store, Duration::from_millis(1)).await;
        for _ in 0..if lease < HOUR { 3 } else { 1 } {
            let ended = handed_out(&store, lease).await;
            assert_eq!((ended.handle, told(&ended)), (ticket.handle(), (vec!["a"], Some(&b"1"[..]))));
            let (removed, leased_until) = deadlines(&private, &ticket);
            assert!(removed >= leased_until, "{removed}, {leased_until}");
        }
        store.acknowledge(&[ticket.handle()]).await.unwrap();
        assert_eq!(private.keys("cloakroom:*-*"), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_is_ended_after_the_margin_can_still_be_handed_out_and_does_not_stay_for_ever() {
    let private = Private::start().await;
    let store = private.store.clone().hand_out_margin(Duration::ZERO);
    let ticket = brief(&private.store, Duration::from_millis(1)).await;
    eventually("it expires", async || open(&store, &ticket, &[]).await.unwrap().is_none().then_some(()))
        .await;
    assert_eq!(end(&store, cloakroom_core::Invalidate::Ticket(ticket.guard())).await, 0);
    assert!(private.number(&["PEXPIRETIME", &key_of(&ticket)]) > 0, "the server removes it by itself");
    let ended = handed_out(&store, HOUR).await;
    assert_eq!((ended.handle, told(&ended)), (ticket.handle(), (vec!["a"], Some(&b"1"[..]))));
}

#[tokio::test]
async fn an_access_moves_the_end_of_the_key() {
    let private = Private::start().await;
    let ticket = session(&private.store, "a", "1").await;
    let (before, _) = deadlines(&private, &ticket);
    let touch = load(&ticket, &[], Touch::AtMostEvery(Duration::ZERO));
    eventually("the clock shows another time", async || {
        private.store.load(&touch).await.unwrap();
        (deadlines(&private, &ticket).0 > before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_access_that_is_not_due_writes_nothing() {
    let private = Private::start().await;
    let ticket = session(&private.store, "a", "1").await;
    let before = private.writes();
    assert!(before > 0, "writes are counted");
    for _ in 0..10 {
        let loaded = private.store.load(&load(&ticket, &["a"], Touch::AtMostEvery(HOUR))).await.unwrap();
        assert!(matches!(loaded, Loaded::Open(_)));
    }
    assert_eq!(private.writes(), before);
}

#[tokio::test]
async fn what_is_refused_writes_nothing() {
    let private = Private::start().await;
    let store = &private.store;
    let ticket = session_of(store, "ada").await;
    let other = ticket.with_new_secret().unwrap();
    let before = private.writes();
    assert!(open(store, &other, &["a"]).await.unwrap().is_none());
    drop(store.commit(&change(other.guard(), vec![set("a", "2")])).await.unwrap());
    drop(store.commit(&create(other.guard(), vec![set("a", "2")])).await.unwrap());
    let (_, signing_in) = sign_in(&other, "bob");
    drop(store.commit(&signing_in).await.unwrap());
    drop(store.invalidate(&cloakroom_core::Invalidate::Ticket(other.guard())).await.unwrap());
    assert_eq!(private.writes(), before);
}

#[tokio::test]
async fn nothing_is_left_of_what_has_ended() {
    let private = Private::start().await;
    let store = &private.store;
    let ended = session_of(store, "ada").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    end(store, cloakroom_core::Invalidate::Ticket(ended.guard())).await;
    brief(store, Duration::from_millis(20)).await;
    eventually("the brief one is handed out", async || (!sweep(store).await.is_empty()).then_some(())).await;
    session(store, "a", "1").await;
    end(store, cloakroom_core::Invalidate::Everyone).await;
    sweep(store).await;
    let left: Vec<_> = private.keys("*").into_iter().filter(|key| !key.ends_with(":e")).collect();
    assert_eq!(left, Vec::<String>::new());
}
