//! Waiting until replicas have what was done.

use std::error::Error as _;
use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Invalidate, Outcome, Store as _};
use cloakroom_redis::{RedisStore, Unacknowledged};
use servers::{RedisCluster, RedisSentinel};

use crate::support::*;

const SOON: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(20);

/// Returns what the error says of replicas: how many were wanted, and how many were reached.
fn unacknowledged(error: &Error) -> Option<(u32, u32)> {
    let found: &Unacknowledged = error.source()?.downcast_ref()?;
    Some((found.wanted, found.reached))
}

#[tokio::test]
async fn a_commit_that_too_few_replicas_have_is_an_error_that_says_so() {
    let private = Private::start().await;
    let ticket = session(&private.store, "a", "1").await;
    let store = private.store.clone().commits_acknowledged_by(1, SOON).unwrap();
    let commit = change(ticket.guard(), vec![set("a", "2")]);
    for _ in 0..2 {
        let error = store.commit(&commit).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(unacknowledged(&error), Some((1, 0)), "{error:?}");
    }
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "2", "it was applied, once");
    assert_eq!(open(&store, &ticket, &[]).await.unwrap().unwrap().meta.version.0, 2);
    assert_eq!(end(&store, Invalidate::Ticket(ticket.guard())).await, 1, "invalidations do not wait");
}

#[tokio::test]
async fn an_invalidation_is_waited_for_by_itself_also_when_it_is_tried_again() {
    let private = Private::start().await;
    let store = private.store.clone().invalidations_acknowledged_by(2, SOON).unwrap();
    let ticket = session(&store, "a", "1").await;
    let ways = [
        Invalidate::Ticket(ticket.guard()),
        Invalidate::Handle { handle: ticket.handle(), owner: None },
        Invalidate::Everyone,
    ];
    for way in ways {
        let error = store.invalidate(&way).await.unwrap_err();
        assert_eq!(unacknowledged(&error), Some((2, 0)), "{error:?}");
    }
    assert!(open(&store, &ticket, &[]).await.unwrap().is_none(), "it was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybodys_sessions_end_in_every_bucket_also_where_too_few_replicas_are_there() {
    let cluster = RedisCluster::start().unwrap();
    let plain = RedisStore::connect(&cluster.url()).await.unwrap();
    let mut tickets = Vec::new();
    for _ in 0..100 {
        tickets.push(session(&plain, "a", "1").await);
    }
    let store = plain.clone().invalidations_acknowledged_by(1, Duration::from_millis(1)).unwrap();
    let error = store.invalidate(&Invalidate::Everyone).await.unwrap_err();
    assert_eq!(unacknowledged(&error), Some((1, 0)), "{error:?}");
    for ticket in &tickets {
        assert!(open(&plain, ticket, &[]).await.unwrap().is_none(), "it was done");
    }
}

/// The rights that the documentation lists, but for what is waited for.
const WITHOUT_MARK: &str = "~cloakroom:{*}:e ~cloakroom:{*}:x ~cloakroom:{*}:o ~cloakroom:{*}:s ~cloakroom:{*}:*-* \
    -@all +ping +info +evalsha +eval +time +hget +hmget +hgetall +hkeys +hstrlen +hset +hdel +del +exists +get +set \
    +pexpireat +renamenx +zadd +zrem +zscore +zrange +zrangebyscore +wait";

#[tokio::test]
async fn what_cannot_be_waited_for_is_done_and_not_acknowledged() {
    let private = Private::start().await;
    let _replica = replica_of(&private.server).await;
    let mut rule: Vec<&str> = vec!["ACL", "SETUSER", "cloakroom", "on", ">secret"];
    rule.extend(WITHOUT_MARK.split(' '));
    private.ask(&rule);
    let url = private.server.url().replace("redis://", "redis://cloakroom:secret@");
    let store = RedisStore::connect(&url).await.unwrap().invalidations_acknowledged_by(1, LONG).unwrap();
    let ticket = session(&private.store, "a", "1").await;
    for _ in 0..2 {
        let error = store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
        assert_eq!(unacknowledged(&error), Some((1, 0)), "{error:?}");
    }
    assert!(open(&private.store, &ticket, &[]).await.unwrap().is_none(), "it was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_are_waited_for_while_a_slot_migrates() {
    let mut cluster = RedisCluster::start().unwrap();
    let plain = RedisStore::connect(&cluster.url()).await.unwrap();
    let ticket = session(&plain, "a", "1").await;
    let slot = cluster.slot(key_of(&ticket).as_bytes()).unwrap();
    let home = cluster.serves(slot).unwrap();
    let replica = replica_of(&cluster.nodes()[home]).await;
    let store = plain.clone().commits_acknowledged_by(1, SOON).unwrap();
    let store = store.invalidations_acknowledged_by(1, SOON).unwrap();
    cluster.begin_migration(slot, (home + 1) % 3).unwrap();
    let committed = eventually("a commit is acknowledged", async || {
        let change = change(ticket.guard(), vec![set("a", "2")]);
        let version = open(&plain, &ticket, &[]).await.unwrap().unwrap().meta.version.0;
        let outcome = store.commit(&change).await;
        assert_eq!(open(&plain, &ticket, &[]).await.unwrap().unwrap().meta.version.0, version + 1);
        match outcome {
            Ok(outcome) => Some(outcome),
            Err(error) if unacknowledged(&error).is_some() => None,
            Err(error) => panic!("{error:?}"),
        }
    });
    drop(committed.await);
    replica.pause();
    let error = store.commit(&change(ticket.guard(), vec![set("a", "3")])).await.unwrap_err();
    assert_eq!(unacknowledged(&error), Some((1, 0)), "{error:?}");
    let error = store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap_err();
    assert_eq!(unacknowledged(&error), Some((1, 0)), "{error:?}");
    assert_eq!(cluster.errors("TRYAGAIN").unwrap(), 0, "nothing was run again elsewhere");
    replica.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_while_a_slot_migrates_is_answered_once_and_says_what_has_ended() {
    let cluster = RedisCluster::start().unwrap();
    let plain = RedisStore::connect(&cluster.url()).await.unwrap();
    let ticket = session(&plain, "a", "1").await;
    let slot = cluster.slot(key_of(&ticket).as_bytes()).unwrap();
    let to = (cluster.serves(slot).unwrap() + 1) % 3;
    cluster.begin_migration(slot, to).unwrap();
    let store = plain.clone().invalidations_acknowledged_by(0, SOON).unwrap();
    assert_eq!(end(&store, Invalidate::Ticket(ticket.guard())).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_replicas_have_is_answered() {
    let sentinel = RedisSentinel::start().unwrap();
    let store = RedisStore::connect(&sentinel.url()).await.unwrap();
    let store =
        store.commits_acknowledged_by(1, LONG).unwrap().invalidations_acknowledged_by(1, LONG).unwrap();
    let ticket = session_of(&store, "ada").await;
    let commits = (0..40).map(|number| {
        let commit = change(ticket.guard(), vec![set(&format!("a{number}"), "1")]);
        let store = store.clone();
        async move { matches!(store.commit(&commit).await.unwrap(), Outcome::Committed(_)) }
    });
    assert!(futures_util::future::join_all(commits).await.into_iter().all(|it| it));
    assert_eq!(end(&store, Invalidate::Ticket(ticket.guard())).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalidation_that_a_replica_has_outlives_the_primary() {
    let mut sentinel = RedisSentinel::start().unwrap();
    let store = RedisStore::connect(&sentinel.url()).await.unwrap();
    let store =
        store.invalidations_acknowledged_by(1, LONG).unwrap().commits_acknowledged_by(1, LONG).unwrap();
    let (ended, kept) = (session_of(&store, "ada").await, session_of(&store, "ada").await);
    assert_eq!(end(&store, Invalidate::Ticket(ended.guard())).await, 1);
    sentinel.servers()[0].kill();
    let opened = eventually("the store follows to the new primary", async || {
        within(open(&store, &kept, &["a"])).await
    });
    assert_eq!(opened.await.unwrap().attributes[0].value, "1");
    assert!(open(&store, &ended, &[]).await.unwrap().is_none());
    let plain = RedisStore::connect(&sentinel.url()).await.unwrap();
    commit(&plain, &change(kept.guard(), vec![set("a", "2")])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster_a_sign_in_waits_for_its_entry_in_the_index_first() {
    let cluster = RedisCluster::start().unwrap();
    let plain = RedisStore::connect(&cluster.url()).await.unwrap();
    let store = plain.clone().commits_acknowledged_by(1, SOON).unwrap();
    let ticket = session(&plain, "a", "1").await;
    let (_, signing_in) = sign_in(&ticket, "ada");
    let error = store.commit(&signing_in).await.unwrap_err();
    assert_eq!(unacknowledged(&error), Some((1, 0)), "{error:?}");
    let opened = open(&plain, &ticket, &[]).await.unwrap().expect("the ticket before is the current one");
    assert_eq!(opened.meta.principal, None, "nobody is signed in whose entry may be lost");
}

#[tokio::test]
async fn on_a_connection_of_the_users_nobody_waits() {
    let private = Private::start().await;
    let client = redis::Client::open(private.server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let error = RedisStore::with_connection(connection).commits_acknowledged_by(1, SOON).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(RedisStore::new(client).commits_acknowledged_by(1, SOON).is_ok());
}
