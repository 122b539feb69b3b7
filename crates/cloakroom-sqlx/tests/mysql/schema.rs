use std::error::Error as _;

use cloakroom_core::{Error, ErrorKind, Invalidate, Store as _, Ticket};
use cloakroom_sqlx::{InvalidNamespace, MySqlStore};
use cloakroom_testkit::Harness as _;
use sqlx::{AssertSqlSafe, Executor as _, MySqlPool};

use crate::support::*;

fn cause(error: &Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

/// Makes a pool whose every connection begins with these settings.
async fn pool_with(nodes: &Nodes, settings: &'static str) -> MySqlPool {
    let options = MySqlStore::pool_options().max_connections(4).after_connect(move |connection, _| {
        Box::pin(
            async move { connection.execute(AssertSqlSafe(format!("SET {settings}"))).await.map(|_| ()) },
        )
    });
    options.connect_with(nodes.options()).await.unwrap()
}

#[tokio::test]
async fn without_tables_every_operation_says_how_to_make_them() {
    let nodes = Nodes::new().await;
    let store = MySqlStore::new(nodes.tables().await);
    let ticket = Ticket::generate().unwrap();
    let errors = [
        store.ping().await.unwrap_err(),
        open(&store, &ticket, &["a"]).await.unwrap_err(),
        store.commit(&create(ticket.guard(), Vec::new())).await.unwrap_err(),
        store.sessions_of(&principal("ada")).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(cause(&error).contains("`MySqlStore::migrate`"), "{}", cause(&error));
        let of_server = error.source().unwrap().source().unwrap().to_string();
        assert!(of_server.contains("cloakroom_sessions"), "{of_server}");
    }
    store.migrate().await.unwrap();
    commit(&store, &create(ticket.guard(), Vec::new())).await;
}

#[tokio::test]
async fn migrating_again_keeps_everything() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    let ticket = session(&store, "a", "kept").await;
    store.migrate().await.unwrap();
    let schema = AssertSqlSafe(store.schema());
    sqlx::raw_sql(schema).execute(&nodes.tables().await).await.unwrap();
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "kept");
}

#[tokio::test]
async fn tables_that_were_made_by_hand_serve() {
    let nodes = Nodes::new().await;
    let tables = nodes.tables().await;
    let store = MySqlStore::new(tables.clone()).namespace("shop").unwrap();
    sqlx::raw_sql(AssertSqlSafe(store.schema())).execute(&tables).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
    assert_eq!(count(&tables, "shop_sessions").await, 1);
    let of_others = format!(
        "information_schema.tables WHERE table_schema = '{}' AND table_name NOT LIKE 'shop%'",
        nodes.database()
    );
    assert_eq!(count(&tables, &of_others).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_migrate_at_once() {
    let nodes = Nodes::new().await;
    let mut stores = Vec::new();
    for _ in 0..8 {
        stores.push(nodes.node(2).await);
    }
    let migrating: Vec<_> = stores
        .into_iter()
        .map(|store| tokio::spawn(async move { store.migrate().await.map(|()| store) }))
        .collect();
    for store in migrating {
        store.await.unwrap().unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn tables_of_another_layout_are_refused() {
    let nodes = Nodes::new().await;
    nodes.store().await;
    let tables = nodes.tables().await;
    sqlx::query("UPDATE cloakroom_state SET layout = 2").execute(&tables).await.unwrap();
    let error = nodes.node(1).await.migrate().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(cause(&error).contains("layout 2"), "{}", cause(&error));
}

#[tokio::test]
async fn settings_that_would_break_the_store_are_refused() {
    let nodes = Nodes::new().await;
    nodes.store().await;
    let settings = [
        ("autocommit = 0", "autocommit"),
        ("foreign_key_checks = 0", "foreign_key_checks"),
        ("SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED", "READ UNCOMMITTED"),
    ];
    for (setting, told) in settings {
        let store = MySqlStore::new(pool_with(&nodes, setting).await);
        let error = store.ping().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(cause(&error).contains(told), "{}", cause(&error));
    }
}

/// SQL modes, time zones and the like change what a text means. They must not change what the store does.
#[tokio::test]
async fn settings_of_the_connection_do_not_matter() {
    let modes = "sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES,HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION'";
    let settings = [
        modes,
        "sql_mode = 'TRADITIONAL'",
        "sql_mode = ''",
        "time_zone = '-11:30'",
        "sql_safe_updates = 1",
        "completion_type = 'CHAIN'",
        "SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SESSION TRANSACTION READ ONLY",
        "NAMES latin1",
    ];
    for setting in settings {
        let nodes = Nodes::new().await;
        let (plain, store) = (nodes.store().await, MySqlStore::new(pool_with(&nodes, setting).await));
        let ticket = session(&store, "é'\\ ", "1").await;
        if setting != "SESSION TRANSACTION READ ONLY" {
            commit(&store, &change(ticket.guard(), vec![set("é'\\ ", "2"), set("é'\\", "3")])).await;
            assert_eq!(read(&store, &ticket, "é'\\ ").await.unwrap(), "2", "{setting}");
        }
        let mut cleared = change(ticket.guard(), vec![set("kept", "1")]);
        cleared.changes.clear = true;
        commit(&store, &cleared).await;
        let at = open(&store, &ticket, &[]).await.unwrap().unwrap().meta;
        let now = open(&plain, &ticket, &[]).await.unwrap().unwrap().now;
        assert!(now.since(at.created_at) < INTERVAL / 2, "{setting}");
        assert_eq!(at.attributes, 1);
        let gone = expired(&plain, "a").await;
        assert_eq!(sweep(&store).await, [gone.handle()], "{setting}");
        let _ = store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
        assert!(open(&plain, &ticket, &[]).await.unwrap().is_none(), "{setting}");
    }
}

/// The driver keeps prepared statements, whose tables may change.
#[tokio::test]
async fn tables_may_be_made_anew_under_a_running_store() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.node(1).await, nodes.tables().await);
    store.migrate().await.unwrap();
    for column in ["one", "two"] {
        let ticket = session(&store, "a", "1").await;
        commit(&store, &change(ticket.guard(), vec![set("a", "2")])).await;
        assert_eq!(read(&store, &ticket, "a").await.unwrap(), "2");
        for table in ["cloakroom_sessions", "cloakroom_attributes"] {
            let sql = AssertSqlSafe(format!("ALTER TABLE {table} ADD COLUMN {column} INT FIRST"));
            tables.execute(sql).await.unwrap();
        }
        assert_eq!(read(&store, &ticket, "a").await.unwrap(), "2");
    }
    for table in ["cloakroom_attributes", "cloakroom_sessions"] {
        tables.execute(AssertSqlSafe(format!("DROP TABLE {table}"))).await.unwrap();
    }
    sqlx::raw_sql(AssertSqlSafe(store.schema())).execute(&tables).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
}

#[tokio::test]
async fn a_lock_wait_of_ones_own_is_left_as_it_was() {
    let nodes = Nodes::new().await;
    let pool = nodes.tables().await;
    let store = MySqlStore::new(pool.clone());
    store.migrate().await.unwrap();
    pool.execute("SET SESSION innodb_lock_wait_timeout = 33").await.unwrap();
    let ticket = session(&store, "a", "1").await;
    let _ = store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    let _ = store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    let left =
        sqlx::query_scalar::<_, u64>("SELECT @@SESSION.innodb_lock_wait_timeout").fetch_one(&pool).await;
    assert_eq!(left.unwrap(), 33);
}

#[tokio::test]
async fn a_namespace_is_checked_and_told() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    assert_eq!((store.about().backend, &*store.about().namespace), ("mysql", "cloakroom"));
    assert_eq!(store.clone().namespace("a; DROP TABLE x").unwrap_err(), InvalidNamespace);
    let shop = store.namespace("shop").unwrap();
    assert_eq!(&*shop.about().namespace, "shop");
    assert_eq!(shop.ping().await.unwrap_err().kind(), ErrorKind::Refused, "it has no tables yet");
}
