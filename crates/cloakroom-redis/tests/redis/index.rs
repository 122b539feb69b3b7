//! Indexes are hints: they heal, and nobody trusts them.

use std::time::Duration;

use cloakroom_core::{Commit, Invalidate, Outcome, Store as _, Ticket};
use cloakroom_redis::RedisStore;

use crate::support::*;

fn index_of(private: &Private) -> String {
    private.keys("cloakroom:{p*}:s").remove(0)
}

#[tokio::test]
async fn an_entry_alone_lists_nothing_and_ends_nothing() {
    let private = Private::start().await;
    let store = &private.store;
    let hers = session_of(store, "ada").await;
    let (his, nobodys) = (session_of(store, "bob").await, session(store, "a", "1").await);
    let indexes = private.keys("cloakroom:{p*}:s");
    for index in &indexes {
        for ticket in [&hers, &his, &nobodys] {
            private.ask(&["ZADD", index, "1", &ticket.handle().to_string()]);
        }
    }
    assert_eq!(handles_of(store, "ada").await, [hers.handle()]);
    let all = Invalidate::Principal { principal: principal("ada"), except: None };
    assert_eq!(end(store, all).await, 1);
    assert!(open(store, &his, &[]).await.unwrap().is_some());
    assert!(open(store, &nobodys, &[]).await.unwrap().is_some());
}

#[tokio::test]
async fn a_list_removes_entries_of_sessions_that_are_gone() {
    let private = Private::start().await;
    let store = &private.store;
    let ticket = session_of(store, "ada").await;
    let index = index_of(&private);
    private.ask(&["DEL", &key_of(&ticket)]);
    assert_eq!(private.number(&["ZCARD", &index]), 1);
    assert_eq!(handles_of(store, "ada").await, []);
    assert_eq!(private.number(&["ZCARD", &index]), 0);
}

/// Creates a session of this principal that has expired.
async fn expired_of(store: &RedisStore, who: &str) -> Ticket {
    let ticket = session_of(store, who).await;
    let mut shortening = change(ticket.guard(), Vec::new());
    shortening.changes.max_inactive_interval = Some(Duration::from_millis(1));
    commit(store, &shortening).await;
    eventually("it expires", async || open(store, &ticket, &[]).await.unwrap().is_none().then_some(())).await;
    ticket
}

/// Makes a commit of a request that began while the session was live, and that prolongs it.
fn held_back(ticket: &Ticket) -> Commit {
    let mut commit = change(ticket.guard(), vec![set("a", "2")]);
    commit.age = INTERVAL;
    commit.changes.max_inactive_interval = Some(INTERVAL);
    commit
}

#[tokio::test]
async fn what_expires_and_is_revived_stays_in_the_index() {
    let private = Private::start().await;
    let store = &private.store;
    let all = Invalidate::Principal { principal: principal("ada"), except: None };
    let revived = expired_of(store, "ada").await;
    assert_eq!(handles_of(store, "ada").await, []);
    commit(store, &held_back(&revived)).await;
    assert_eq!(handles_of(store, "ada").await, [revived.handle()]);
    assert_eq!(end(store, all.clone()).await, 1);
    assert!(open(store, &revived, &[]).await.unwrap().is_none());

    let passed_over = expired_of(store, "ada").await;
    commit(store, &limited(store, "ada", 1).await).await;
    commit(store, &held_back(&passed_over)).await;
    assert_eq!(end(store, all).await, 2, "one that signed in meanwhile, and the one that it was not told of");
    assert!(open(store, &passed_over, &[]).await.unwrap().is_none());
}

#[tokio::test]
async fn what_has_expired_and_was_listed_is_closed_with_the_others() {
    let private = Private::start().await;
    let store = &private.store;
    let expired = expired_of(store, "ada").await;
    assert_eq!(handles_of(store, "ada").await, []);
    let all = Invalidate::Principal { principal: principal("ada"), except: None };
    assert_eq!(end(store, all).await, 0);
    let outcome = store.commit(&held_back(&expired)).await.unwrap();
    assert!(matches!(outcome, Outcome::Gone(_)), "{outcome:?}");
    assert_eq!(sweep(store).await, [expired.handle()]);
}

#[tokio::test]
async fn the_entry_of_what_nobody_swept_is_removed_by_a_list_once_the_session_is_gone() {
    let private = Private::start().await;
    let store = private.store.clone().hand_out_margin(Duration::ZERO);
    expired_of(&store, "ada").await;
    let index = index_of(&private);
    assert_eq!(private.number(&["ZCARD", &index]), 1);
    eventually("the entry is removed", async || {
        assert_eq!(handles_of(&store, "ada").await, []);
        (private.number(&["ZCARD", &index]) == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_logout_removes_its_entry() {
    let private = Private::start().await;
    let store = &private.store;
    let ticket = session_of(store, "ada").await;
    let index = index_of(&private);
    // An entry that is younger than a second is left alone.
    private.ask(&["ZADD", &index, "1", &ticket.handle().to_string()]);
    assert_eq!(end(store, Invalidate::Ticket(ticket.guard())).await, 1);
    assert_eq!(private.number(&["ZCARD", &index]), 0);
}

#[tokio::test]
async fn a_lost_index_of_deadlines_loses_no_session() {
    let private = Private::start().await;
    let store = &private.store;
    let ticket = session(store, "a", "1").await;
    private.ask(&["DEL", &epoch_of(&ticket).replace(":e", ":x")]);
    assert_eq!(read(store, &ticket, "a").await.unwrap(), "1");
    commit(store, &change(ticket.guard(), vec![set("a", "2")])).await;
    assert_eq!(sweep(store).await, []);
    assert_eq!(read(store, &ticket, "a").await.unwrap(), "2");
}

#[tokio::test]
async fn a_lost_epoch_shuts_the_sessions_that_were_created_in_it() {
    let private = Private::start().await;
    let store = &private.store;
    let ticket = session_of(store, "ada").await;
    private.ask(&["DEL", &epoch_of(&ticket)]);
    assert!(open(store, &ticket, &[]).await.unwrap().is_none());
    assert_eq!(handles_of(store, "ada").await, []);
    let again = ticket.with_new_secret().unwrap();
    commit(store, &create(again.guard(), Vec::new())).await;
    assert!(open(store, &ticket, &[]).await.unwrap().is_none());
    assert!(open(store, &again, &[]).await.unwrap().is_some());
}

#[tokio::test]
async fn the_sweeps_after_an_end_of_everybody_remove_what_is_left() {
    let log = Log::install();
    let private = Private::start().await;
    let store = &private.store;
    for _ in 0..30 {
        session(store, "a", "1").await;
    }
    assert_eq!(end(store, Invalidate::Everyone).await, 0);
    let live = session(store, "a", "1").await;
    assert_eq!(sweep(store).await, []);
    assert_eq!(private.keys("cloakroom:*-*"), [key_of(&live)]);
    assert_eq!(log.events_with("could not be removed"), Vec::<String>::new());
    assert_eq!(read(store, &live, "a").await.unwrap(), "1");
}

#[tokio::test]
async fn a_session_that_was_created_again_outlives_the_removal_of_the_old_one() {
    let private = Private::start().await;
    let store = &private.store;
    let old = session(store, "a", "1").await;
    end(store, Invalidate::Everyone).await;
    let new = old.with_new_secret().unwrap();
    commit(store, &create(new.guard(), vec![set("a", "2")])).await;
    end(store, Invalidate::Ticket(old.guard())).await;
    assert_eq!(sweep(store).await, []);
    assert_eq!(read(store, &new, "a").await.unwrap(), "2");
    let all = store.sessions_of(&principal("nobody")).await.unwrap();
    assert!(all.is_empty());
}
