//! The feed of changes.

use std::time::{Duration, Instant};

use cloakroom_core::{Feed, Invalidate, Notice, Store as _};
use cloakroom_testkit::run_matching;
use futures_util::StreamExt as _;
use servers::Redis;

use crate::support::*;

async fn caught_up(feed: &mut Feed) -> Instant {
    loop {
        if let Notice::CaughtUp(moment) = feed.next().await.unwrap().unwrap() {
            return moment;
        }
    }
}

/// Returns what is told until all that was acknowledged before now has been.
async fn told(feed: &mut Feed) -> Vec<Notice> {
    let (now, mut told) = (Instant::now(), Vec::new());
    loop {
        match feed.next().await.unwrap().unwrap() {
            Notice::CaughtUp(moment) if moment > now => return told,
            Notice::CaughtUp(_) => {}
            notice => told.push(notice),
        }
    }
}

#[tokio::test]
async fn a_primary_that_sentinels_choose_has_a_feed() {
    let report = run_matching(async || Nodes::sentinel().telling(), |name| name.starts_with("feed::")).await;
    assert!(report.is_passed(), "{report}");
}

#[tokio::test]
async fn without_being_told_to_a_store_publishes_nothing_and_has_no_feed() {
    let private = Private::start().await;
    assert!(private.store.feed().is_none());
    let mut feed = private.store.clone().tell_changes().feed().unwrap();
    caught_up(&mut feed).await;
    let ticket = session_of(&private.store, "ada").await;
    end(&private.store, Invalidate::Ticket(ticket.guard())).await;
    end(&private.store, Invalidate::Everyone).await;
    assert_eq!(told(&mut feed).await, []);
}

#[tokio::test]
async fn a_load_is_not_told_though_it_records_an_access() {
    let private = Private::start().await;
    let store = private.store.clone().tell_changes();
    let mut feed = store.feed().unwrap();
    caught_up(&mut feed).await;
    let ticket = session(&store, "a", "1").await;
    assert_eq!(told(&mut feed).await.len(), 1);
    let writes = private.writes();
    let touch = cloakroom_core::Touch::AtMostEvery(Duration::ZERO);
    tokio::time::sleep(Duration::from_millis(2)).await;
    store.load(&load(&ticket, &["a"], touch)).await.unwrap();
    assert!(private.writes() > writes, "an access was recorded");
    assert_eq!(told(&mut feed).await, []);
}

#[tokio::test]
async fn a_foreign_ticket_makes_no_noise() {
    let private = Private::start().await;
    let store = private.store.clone().tell_changes();
    let mut feed = store.feed().unwrap();
    caught_up(&mut feed).await;
    let ticket = session(&store, "a", "1").await;
    told(&mut feed).await;
    let forged = ticket.with_new_secret().unwrap();
    end(&store, Invalidate::Ticket(forged.guard())).await;
    let _ = store.commit(&change(forged.guard(), vec![set("a", "2")])).await.unwrap();
    assert_eq!(told(&mut feed).await, []);
}

#[tokio::test]
async fn a_feed_ends_with_an_error_when_its_server_does() {
    let private = Private::start().await;
    let store = private.store.clone().tell_changes();
    let mut feed = store.feed().unwrap();
    caught_up(&mut feed).await;
    let before = Instant::now();
    drop(private.server);
    let broken = async {
        loop {
            match feed.next().await {
                Some(Ok(Notice::CaughtUp(moment))) => assert!(moment < before + Duration::from_secs(5)),
                Some(Ok(notice)) => panic!("{notice:?}"),
                Some(Err(_)) => return,
                None => panic!("the feed ended without an error"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), broken).await.unwrap();
    assert!(feed.next().await.is_none(), "after an error a feed is over");
}

#[tokio::test]
async fn a_connection_of_ones_own_tells_but_has_no_feed() {
    let private = Private::start().await;
    let client = redis::Client::open(private.server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let theirs = cloakroom_redis::RedisStore::with_connection(connection).tell_changes();
    assert!(theirs.feed().is_none());
    let mut feed = private.store.clone().tell_changes().feed().unwrap();
    caught_up(&mut feed).await;
    session(&theirs, "a", "1").await;
    assert_eq!(told(&mut feed).await.len(), 1);
}

#[tokio::test]
async fn a_store_with_few_rights_has_a_feed() {
    let server = Redis::options().start().unwrap();
    let rights = "+ping +info +evalsha +eval +time +hget +hmget +hgetall +hkeys +hstrlen +hset +hdel +del +exists +get +set \
                  +pexpireat +renamenx +zadd +zrem +zscore +zrange +zrangebyscore +publish +subscribe";
    let mut command = vec!["ACL", "SETUSER", "few", "on", ">word", "~cloakroom:*", "&cloakroom:*", "-@all"];
    command.extend(rights.split_whitespace());
    server.ask(&command).unwrap();
    let url = server.url().replace("redis://", "redis://few:word@");
    let store = cloakroom_redis::RedisStore::connect(&url).await.unwrap().tell_changes();
    let mut feed = store.feed().unwrap();
    caught_up(&mut feed).await;
    session(&store, "a", "1").await;
    assert_eq!(told(&mut feed).await.len(), 1);
}
