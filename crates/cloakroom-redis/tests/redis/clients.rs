//! Clients of the user's own, and how a URL is taken.

use cloakroom_core::{ErrorKind, Invalidate, Store};
use cloakroom_redis::RedisStore;
#[cfg(feature = "cluster")]
use redis::ProtocolVersion;
use servers::{Redis, RedisCluster, RedisSentinel};

use crate::support::*;

/// Does one of everything.
async fn use_it(store: &RedisStore) {
    store.ping().await.unwrap();
    let ticket = session_of(store, "ada").await;
    commit(store, &change(ticket.guard(), vec![set("a", "2")])).await;
    assert_eq!(read(store, &ticket, "a").await.unwrap(), "2");
    assert_eq!(handles_of(store, "ada").await, [ticket.handle()]);
    assert_eq!(sweep(store).await, []);
    store.acknowledge(&[ticket.handle()]).await.unwrap();
    assert_eq!(end(store, Invalidate::Ticket(ticket.guard())).await, 1);
    let all = Invalidate::Principal { principal: principal("ada"), except: None };
    assert_eq!(end(store, all.clone()).await, 0);
    let tickets = [session_of(store, "ada").await, session_of(store, "ada").await];
    assert_eq!(end(store, all).await, 2);
    for ticket in &tickets {
        assert!(open(store, ticket, &[]).await.unwrap().is_none());
    }
    assert_eq!(end(store, Invalidate::Everyone).await, 0);
}

#[tokio::test]
async fn a_client_or_a_connection_of_the_users_serves() {
    let server = Redis::start().unwrap();
    for url in [server.url(), format!("{}/?protocol=resp3", server.url())] {
        use_it(&RedisStore::connect(&url).await.unwrap()).await;
        let client = redis::Client::open(url).unwrap();
        use_it(&RedisStore::new(client.clone())).await;
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        use_it(&RedisStore::with_connection(connection)).await;
    }
}

#[cfg(feature = "connection-manager")]
#[tokio::test]
async fn a_connection_manager_of_the_users_serves() {
    let server = Redis::start().unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let manager = client.get_connection_manager().await.unwrap();
    use_it(&RedisStore::with_connection_manager(manager)).await;
}

#[cfg(feature = "cluster")]
#[tokio::test]
async fn a_cluster_connection_of_the_users_serves() {
    let cluster = RedisCluster::start().unwrap();
    use_it(&RedisStore::connect(&cluster.url()).await.unwrap()).await;
    let urls = cluster.url().replace("redis+cluster://", "");
    let nodes = urls.split(',').map(|address| format!("redis://{address}"));
    for protocol in [ProtocolVersion::RESP2, ProtocolVersion::RESP3] {
        let builder = redis::cluster::ClusterClient::builder(nodes.clone()).retries(0);
        let client = builder.use_protocol(protocol).build().unwrap();
        use_it(&RedisStore::with_cluster_connection(client.get_async_connection().await.unwrap())).await;
    }
}

#[cfg(feature = "sentinel")]
#[tokio::test]
async fn a_sentinel_client_of_the_users_serves() {
    let sentinel = RedisSentinel::start().unwrap();
    let sentinels: Vec<_> =
        sentinel.sentinel_ports().map(|port| format!("redis://127.0.0.1:{port}")).collect();
    let kind = redis::sentinel::SentinelServerType::Master;
    let client =
        redis::sentinel::SentinelClient::build(sentinels, String::from("primary"), None, kind).unwrap();
    use_it(&RedisStore::with_sentinel(client)).await;
    let by_query = sentinel.url().replace("/primary", "?service=primary");
    use_it(&RedisStore::connect(&by_query).await.unwrap()).await;
}

#[tokio::test]
async fn the_least_rights_are_enough() {
    let private = Private::start().await;
    let mut rule: Vec<&str> = vec!["ACL", "SETUSER", "cloakroom", "on", ">secret"];
    rule.extend(LEAST.split(' '));
    private.ask(&rule);
    let url = private.server.url().replace("redis://", "redis://cloakroom:secret@");
    let store = RedisStore::connect(&url).await.unwrap();
    use_it(&store).await;
    assert!(README.contains("another database than 0, also `+select`"));
    let numbered = format!("{url}/1");
    let error = RedisStore::connect(&numbered).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
    private.ask(&["ACL", "SETUSER", "cloakroom", "+select"]);
    use_it(&RedisStore::connect(&numbered).await.unwrap()).await;
    let error = store.namespace("other").unwrap().invalidate(&Invalidate::Everyone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
}

const README: &str = include_str!("../../README.md");

/// The rights that the documentation lists.
const LEAST: &str = "~cloakroom:* -@all +ping +info +evalsha +eval +time +hget +hmget +hgetall +hkeys +hstrlen +hset \
    +hdel +del +exists +get +set +pexpireat +renamenx +zadd +zrem +zscore +zrange +zrangebyscore";

#[tokio::test]
async fn a_url_that_cannot_work_is_refused() {
    for url in ["nonsense", "http://127.0.0.1", "redis+cluster://", "redis+sentinel://127.0.0.1:1"] {
        let error = RedisStore::connect(url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{url}: {error:?}");
    }
    let private = Private::start().await;
    let url = private.server.url().replace("redis://", "redis://nobody:wrong@");
    let error = RedisStore::connect(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    for url in ["redis://127.0.0.1:1", "redis+cluster://127.0.0.1:1", "redis+sentinel://127.0.0.1:1/primary"]
    {
        let error = RedisStore::connect(url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{url}: {error:?}");
    }
}
