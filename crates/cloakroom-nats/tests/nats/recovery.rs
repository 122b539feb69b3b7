//! Servers that are away for a while, or for good.

use std::time::Duration;

use cloakroom_core::{ErrorKind, Store as _, Ticket};
use cloakroom_nats::{NatsStore, Storage};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use servers::{Nats, NatsCluster};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::support::*;

/// Nothing takes longer that is to fail at once.
const BOUND: Duration = Duration::from_secs(5);

async fn start() -> Nats {
    spawn_blocking(|| Nats::start().unwrap()).await.unwrap()
}

async fn restart(mut server: Nats) -> Nats {
    spawn_blocking(move || {
        server.restart().unwrap();
        server
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_server_that_has_lost_everything_is_used_again() {
    let mut server = start().await;
    let store = NatsStore::connect(&server.url()).await.unwrap();
    let lost = session(&store, "a", "1").await;
    server.kill();
    let error = timeout(BOUND, async {
        loop {
            if let Err(error) = open(&store, &lost).await {
                return error;
            }
        }
    });
    assert_eq!(error.await.unwrap().kind(), ErrorKind::Unavailable);
    let _server = restart(server).await;
    let ticket = eventually("a session is created", async || {
        let ticket = Ticket::generate().unwrap();
        try_commit(&store, &create(ticket.guard(), vec![set("a", "2")])).await.ok().map(|()| ticket)
    });
    assert_eq!(read(&store, &ticket.await, "a").await.unwrap().unwrap(), "2");
    assert!(open(&store, &lost).await.unwrap().is_none(), "it was in memory");
}

#[tokio::test]
async fn what_is_in_files_is_there_after_a_kill() {
    let mut server = start().await;
    let store = NatsStore::builder().storage(Storage::File).connect(&server.url()).await.unwrap();
    let large = "x".repeat(250_000);
    let ticket = session(&store, "a", large.clone()).await;
    server.kill();
    let _server = restart(server).await;
    let value = eventually("the session opens", async || read(&store, &ticket, "a").await.ok()).await;
    assert!(value.unwrap() == large);
}

#[tokio::test]
async fn a_server_that_stands_still_holds_up_nobody_for_long() {
    let server = start().await;
    let store = NatsStore::connect(&server.url()).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    server.pause();
    eventually("a load is not answered", async || {
        timeout(Duration::from_millis(300), open(&store, &ticket)).await.err()
    })
    .await;
    server.resume();
    let value = eventually("the session opens", async || read(&store, &ticket, "a").await.ok()).await;
    assert_eq!(value.unwrap(), "1");
    store.ping().await.unwrap();
}

#[tokio::test]
async fn any_one_of_three_servers_may_be_killed() {
    let mut cluster = spawn_blocking(|| NatsCluster::start().unwrap()).await.unwrap();
    let store = connect(|| NatsStore::builder().replicas(3), &cluster.url()).await;
    let ticket = session(&store, "round", "none").await;
    commit(&store, &change(ticket.guard(), vec![set("large", "x".repeat(5000))])).await;
    for number in 0..3 {
        cluster.nodes_mut()[number].kill();
        let round = number.to_string();
        let changed = eventually("a commit is acknowledged", async || {
            let commit = change(ticket.guard(), vec![set("round", round.clone())]);
            timeout(BOUND, try_commit(&store, &commit)).await.ok()?.ok()
        });
        changed.await;
        let value = eventually("the session opens", async || {
            timeout(BOUND, read(&store, &ticket, "round")).await.ok()?.ok()
        });
        assert_eq!(value.await.unwrap(), round, "what was acknowledged is there");
        let large = eventually("a value is read", async || {
            timeout(BOUND, read(&store, &ticket, "large")).await.ok()?.ok()
        });
        assert_eq!(large.await.unwrap().len(), 5000);
        cluster = spawn_blocking(move || {
            cluster.nodes_mut()[number].restart().unwrap();
            cluster
        })
        .await
        .unwrap();
        settled(&cluster, &store).await;
    }
}

/// One of them makes the streams; to another the servers may say that one is there already, and that it is not.
#[tokio::test]
async fn nodes_that_start_at_once_on_new_servers_all_have_their_streams() {
    let cluster = spawn_blocking(|| NatsCluster::start().unwrap()).await.unwrap();
    let url = &cluster.url();
    for round in 0..4 {
        let streams = &format!("round{round}");
        let nodes =
            (0..8).map(|_| connect(|| NatsStore::builder().replicas(3).streams(streams).unwrap(), url));
        for store in join_all(nodes).await {
            session(&store, "a", "1").await;
        }
    }
}

#[tokio::test]
async fn replicas_that_are_added_later_are_noticed() {
    let cluster = spawn_blocking(|| NatsCluster::start().unwrap()).await.unwrap();
    let store = NatsStore::connect(&cluster.url()).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    let client = async_nats::connect(cluster.nodes()[0].url()).await.unwrap();
    let mut by_leader = client.subscribe("$JS.API.STREAM.MSG.GET.cloakroom").await.unwrap();
    let context = async_nats::jetstream::new(client);
    let stream = context.get_stream("cloakroom").await.unwrap();
    let mut config = stream.cached_info().config.clone();
    config.num_replicas = 3;
    eventually("replicas", async || context.update_stream(&config).await.ok()).await;
    let mut asked = false;
    let began = std::time::Instant::now();
    while !asked {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody asks the leader");
        let _ = timeout(BOUND, open(&store, &ticket)).await;
        asked = timeout(Duration::from_millis(50), by_leader.next()).await.is_ok();
    }
}

/// Waits until every server has what the others have: else the next one that is killed may be one of the only two that do.
///
/// Writes meanwhile: while nobody does, a server of NATS 2.9 that came back may stay a few messages behind for ever.
async fn settled(cluster: &NatsCluster, store: &NatsStore) {
    eventually("all replicas are current", async || {
        let ticket = Ticket::generate().unwrap();
        let session = create(ticket.guard(), vec![set("large", "x".repeat(5000))]);
        let _ = timeout(BOUND, try_commit(store, &session)).await;
        let node = cluster.nodes().first()?;
        let streams = ["cloakroom", "cloakroom-values", "cloakroom-due"];
        streams
            .iter()
            .all(|stream| {
                let info = node.ask(&format!("$JS.API.STREAM.INFO.{stream}")).unwrap_or_default();
                info.matches("\"current\":true").count() == 2 && !info.contains("\"offline\":true")
            })
            .then_some(())
    })
    .await;
}
