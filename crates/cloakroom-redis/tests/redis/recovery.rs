//! Servers that go away, and come back.

use std::time::{Duration, Instant};

use cloakroom_core::{ErrorKind, Invalidate, Outcome, Store as _};
use cloakroom_redis::RedisStore;
use servers::{Redis, RedisCluster, RedisSentinel};

use crate::support::*;

#[tokio::test]
async fn a_server_that_is_away_is_an_error_at_once() {
    let mut private = Private::start().await;
    let ticket = session(&private.store, "a", "1").await;
    private.server.kill();
    let begun = Instant::now();
    for _ in 0..100 {
        let error = open(&private.store, &ticket, &["a"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "nobody waits for a server that is away");
    assert_eq!(private.store.ping().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_server_that_was_killed_is_used_again_when_it_is_back() {
    let mut private = Private::start_with(Redis::options().durable()).await;
    let ticket = session(&private.store, "a", "1").await;
    for round in 0..3 {
        private.server.kill();
        assert!(open(&private.store, &ticket, &["a"]).await.is_err());
        private.server.restart().unwrap();
        let opened =
            eventually("it is back", async || open(&private.store, &ticket, &["a"]).await.ok()).await;
        assert_eq!(opened.unwrap().attributes[0].value, "1", "round {round}");
    }
}

#[tokio::test]
async fn a_server_that_was_stopped_is_used_again_when_it_goes_on() {
    let private = Private::start().await;
    let ticket = session(&private.store, "a", "1").await;
    private.server.pause();
    for _ in 0..5 {
        assert!(within(open(&private.store, &ticket, &["a"])).await.is_none());
    }
    private.server.resume();
    let opened = eventually("it goes on", async || within(open(&private.store, &ticket, &["a"])).await).await;
    assert_eq!(opened.unwrap().attributes[0].value, "1");
}

#[tokio::test]
async fn many_who_lost_their_connection_share_one_new_one() {
    let mut private = Private::start_with(Redis::options().durable()).await;
    let ticket = session(&private.store, "a", "1").await;
    private.server.kill();
    assert!(open(&private.store, &ticket, &["a"]).await.is_err());
    private.server.restart().unwrap();
    let readers =
        (0..64).map(|_| eventually("it is back", async || open(&private.store, &ticket, &["a"]).await.ok()));
    for opened in futures_util::future::join_all(readers).await {
        assert!(opened.is_some());
    }
    let accepted: u64 = private.info("stats", "total_connections_received").parse().unwrap();
    // The helper that asks opens connections of its own: a few while the server starts, and one for this question.
    assert!(accepted < 20, "{accepted} connections");
}

#[tokio::test]
async fn a_primary_that_became_a_replica_is_left() {
    let (one, other) = (Redis::start().unwrap(), Redis::start().unwrap());
    let store = RedisStore::connect(&one.url()).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    let port = other.port().to_string();
    one.ask(&["REPLICAOF", "127.0.0.1", &port]).unwrap();
    match store.commit(&change(ticket.guard(), vec![set("a", "2")])).await {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
        // The replica has taken over the other one's data already, which are none.
        Ok(outcome) => assert!(matches!(outcome, Outcome::Gone(_)), "{outcome:?}"),
    }
    one.ask(&["REPLICAOF", "NO", "ONE"]).unwrap();
    let again = eventually("it is a primary again", async || {
        let ticket = cloakroom_core::Ticket::generate().unwrap();
        store.commit(&create(ticket.guard(), Vec::new())).await.ok()
    });
    drop(again.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_primary_is_left_for_the_one_that_sentinels_choose() {
    let mut sentinel = RedisSentinel::start().unwrap();
    let store = RedisStore::connect(&sentinel.url()).await.unwrap();
    let kept = store.clone().commits_acknowledged_by(1, Duration::from_secs(20)).unwrap();
    let ticket = session(&kept, "a", "1").await;
    sentinel.servers()[0].pause();
    let written = eventually("the store follows to the new primary", async || {
        within(store.commit(&change(ticket.guard(), vec![set("a", "2")]))).await
    });
    drop(written.await);
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "2");
    sentinel.servers()[0].resume();
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_migrate_while_sessions_are_used() {
    let cluster = RedisCluster::start().unwrap();
    let store = RedisStore::connect(&cluster.url()).await.unwrap();
    let ticket = session_of(&store, "ada").await;
    let slot = cluster.slot(key_of(&ticket).as_bytes()).unwrap();
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 0..400 {
                commit(&store, &change(ticket.guard(), vec![set("a", round.to_string())])).await;
                assert_eq!(read(&store, &ticket, "a").await.unwrap(), round.to_string());
            }
        })
    };
    let home = cluster.serves(slot).unwrap();
    while !writer.is_finished() {
        for to in [(home + 1) % 3, (home + 2) % 3, home] {
            tokio::task::block_in_place(|| cluster.migrate(slot, to)).unwrap();
        }
    }
    writer.await.unwrap();
    assert_eq!(open(&store, &ticket, &[]).await.unwrap().unwrap().meta.version.0, 402);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_session_waits_for_its_slot_to_have_moved() {
    let cluster = RedisCluster::start().unwrap();
    let store = RedisStore::connect(&cluster.url()).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    let slot = cluster.slot(key_of(&ticket).as_bytes()).unwrap();
    let to = (cluster.serves(slot).unwrap() + 1) % 3;
    cluster.begin_migration(slot, to).unwrap();
    cluster.move_keys(slot, to).unwrap();
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1", "asked for where it is already");
    commit(&store, &change(ticket.guard(), vec![set("a", "2")])).await;
    let absent = ticket.with_new_secret().unwrap();
    assert!(open(&store, &absent, &[]).await.unwrap().is_none());
    cluster.end_migration(slot, to).unwrap();
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_waits_while_servers_send_it_to_and_fro() {
    let cluster = RedisCluster::start().unwrap();
    let store = RedisStore::connect(&cluster.url()).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    let slot = cluster.slot(key_of(&ticket).as_bytes()).unwrap();
    let from = cluster.serves(slot).unwrap();
    let to = (from + 1) % 3;
    cluster.begin_migration(slot, to).unwrap();
    cluster.move_keys(slot, to).unwrap();
    cluster.assign(slot, to, from).unwrap();
    let writer = {
        let (store, guard) = (store.clone(), ticket.guard());
        tokio::spawn(async move { commit(&store, &change(guard, vec![set("a", "2")])).await })
    };
    eventually("it is sent to and fro", async || {
        (writer.is_finished() || cluster.errors("MOVED").unwrap() > 20).then_some(())
    })
    .await;
    assert!(!writer.is_finished(), "it was given up");
    cluster.end_migration(slot, to).unwrap();
    writer.await.unwrap();
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_of_a_cluster_away_leaves_the_others() {
    let mut cluster =
        RedisCluster::start_with(&Redis::options().set("cluster-require-full-coverage", "no"), 60_000)
            .unwrap();
    let store = RedisStore::connect(&cluster.url()).await.unwrap();
    let mut tickets = Vec::new();
    for _ in 0..30 {
        let ticket = session(&store, "a", "1").await;
        let slot = cluster.slot(key_of(&ticket).as_bytes()).unwrap();
        tickets.push((ticket, cluster.serves(slot).unwrap()));
    }
    cluster.nodes()[1].kill();
    for (ticket, node) in &tickets {
        match open(&store, ticket, &["a"]).await {
            Ok(opened) => assert!(opened.is_some() && *node != 1, "the server {node} answers"),
            Err(error) => assert_eq!((error.kind(), *node), (ErrorKind::Unavailable, 1), "{error:?}"),
        }
    }
    assert!(store.ping().await.is_err());
    assert_eq!(sweep(&store).await, [], "the others are swept");
    let error = store.invalidate(&Invalidate::Everyone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    for (ticket, _) in tickets.iter().filter(|(_, node)| *node != 1) {
        assert!(open(&store, ticket, &[]).await.unwrap().is_none(), "those on the others have ended");
    }
    cluster.nodes()[1].restart().unwrap();
    let again = eventually("it is back", async || store.ping().await.ok());
    again.await;
}

/// How often somebody asks: so seldom that an attempt to connect is over before.
const SELDOM: Duration = Duration::from_millis(3500);

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_of_a_cluster_is_left_also_by_those_who_seldom_ask() {
    let options = Redis::options().set("cluster-require-full-coverage", "no");
    let mut cluster = RedisCluster::start_with(&options, 5_000).unwrap();
    let store = RedisStore::connect(&cluster.url()).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    let slot = cluster.slot(key_of(&ticket).as_bytes()).unwrap();
    let home = cluster.serves(slot).unwrap();
    let (to, third) = ((home + 1) % 3, (home + 2) % 3);
    cluster.nodes()[home].pause();
    // As after a failover: another one has its slot, and they know.
    cluster.nodes()[to].ask(&["CLUSTER", "BUMPEPOCH"]).unwrap();
    cluster.assign(slot, to, to).unwrap();
    cluster.assign(slot, to, third).unwrap();
    let mut is_answered = false;
    for _ in 0..5 {
        let answer = tokio::time::timeout(Duration::from_secs(1), open(&store, &ticket, &[])).await;
        if let Ok(Ok(_)) = answer {
            is_answered = true;
            break;
        }
        tokio::time::sleep(SELDOM).await;
    }
    cluster.nodes()[home].resume();
    assert!(is_answered, "the topology was never asked for");
}
