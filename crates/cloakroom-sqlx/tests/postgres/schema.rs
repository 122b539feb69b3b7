use std::error::Error as _;

use cloakroom_core::{Error, ErrorKind, Store as _, Ticket};
use cloakroom_sqlx::{InvalidNamespace, PostgresStore};

use crate::support::*;

fn cause(error: &Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

#[tokio::test]
async fn without_tables_every_operation_says_how_to_make_them() {
    let database = Database::new();
    let store = database.lazy();
    let ticket = Ticket::generate().unwrap();
    let errors = [
        store.ping().await.unwrap_err(),
        open(&store, &ticket, &["a"]).await.unwrap_err(),
        store.commit(&create(ticket.guard(), Vec::new())).await.unwrap_err(),
        store.sessions_of(&principal("ada")).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(cause(&error).contains("`PostgresStore::migrate`"), "{}", cause(&error));
        assert!(cause(&error).contains("cloakroom_"), "{}", cause(&error));
    }
    store.migrate().await.unwrap();
    commit(&store, &create(ticket.guard(), Vec::new())).await;
}

#[tokio::test]
async fn tables_or_functions_that_were_dropped_meanwhile_refuse() {
    let names = ["TABLE cloakroom_attributes", "FUNCTION cloakroom_load_1", "TABLE cloakroom_state"];
    for dropped in names {
        let database = Database::new();
        let store = database.store().await;
        let ticket = session(&store, "a", "1").await;
        let _ = open(&store, &ticket, &["a"]).await.unwrap();
        run(&mut database.tables().await, &format!("DROP {dropped}")).await;
        let error = open(&store, &ticket, &["a"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{dropped}: {error:?}");
        assert!(cause(&error).contains("`PostgresStore::migrate`"), "{}", cause(&error));
    }
}

#[tokio::test]
async fn migrating_again_keeps_everything() {
    let database = Database::new();
    let store = database.store().await;
    let ticket = session(&store, "a", "kept").await;
    store.migrate().await.unwrap();
    database.store().await.migrate().await.unwrap();
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "kept");
}

#[tokio::test]
async fn the_exported_sql_is_enough_and_can_be_run_again() {
    let database = Database::new();
    let store = database.lazy().namespace("shop").unwrap();
    let mut tables = database.tables().await;
    for _ in 0..2 {
        run(&mut tables, &store.schema()).await;
    }
    let ticket = session(&store, "a", "1").await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
    let of_others = format!(
        "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = '{0}'::regnamespace AND relname ~ 'cloakroom')
              + (SELECT count(*) FROM pg_proc WHERE pronamespace = '{0}'::regnamespace AND prosrc ~ 'cloakroom')",
        database.schema()
    );
    assert_eq!(scalar::<i64>(&mut tables, &of_others).await, 0);
}

#[tokio::test]
async fn the_exported_sql_makes_what_is_missing() {
    let database = Database::new();
    let store = database.store().await;
    let mut tables = database.tables().await;
    let missing = "DROP INDEX cloakroom_sessions_due, cloakroom_sessions_principal;
        ALTER TABLE cloakroom_attributes ALTER COLUMN content SET STORAGE EXTENDED";
    run(&mut tables, missing).await;
    run(&mut tables, &store.schema()).await;
    let indexes = "SELECT count(*) FROM pg_index WHERE indrelid = 'cloakroom_sessions'::regclass";
    assert_eq!(scalar::<i64>(&mut tables, indexes).await, 3, "the primary key and two more");
    let storage = "SELECT attstorage = 'e' FROM pg_attribute
        WHERE attrelid = 'cloakroom_attributes'::regclass AND attname = 'content'";
    assert!(scalar::<bool>(&mut tables, storage).await);
}

/// A deploy: transactions that have changed sessions and attributes are under way.
#[tokio::test]
async fn new_functions_wait_for_no_traffic() {
    const OLD: &str = "UPDATE cloakroom_state SET revision = 0";
    let database = Database::new();
    let store = database.store().await;
    session(&store, "a", "1").await;
    let (mut traffic, mut tables) = (database.tables().await, database.tables().await);
    let changes =
        "BEGIN; UPDATE cloakroom_sessions SET version = 7; UPDATE cloakroom_attributes SET revision = 7";
    run(&mut traffic, changes).await;

    run(&mut tables, OLD).await;
    let url = format!("{}?options[lock_timeout]=3s", database.url());
    let newer = database.at(PostgresStore::connect_lazy(&url).unwrap());
    let migrated = newer.migrate().await;
    assert!(migrated.is_ok(), "{migrated:?}");

    run(&mut tables, OLD).await;
    run(&mut tables, "SET lock_timeout = '3s'").await;
    run(&mut tables, &store.schema()).await;
    newer.ping().await.unwrap();
    run(&mut traffic, "ROLLBACK").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_migrate_at_once() {
    for _ in 0..3 {
        let database = Database::new();
        let migrating: Vec<_> = (0..8)
            .map(|_| {
                let store = database.lazy().max_connections(1);
                tokio::spawn(async move { store.migrate().await })
            })
            .collect();
        for migrated in migrating {
            migrated.await.unwrap().unwrap();
        }
        session(&database.lazy(), "a", "1").await;
    }
}

/// Without a schema of its own the tables are where the search path says.
#[tokio::test]
async fn the_search_path_decides_without_a_schema() {
    let database = Database::new();
    let mut tables = database.tables().await;
    run(&mut tables, &format!("CREATE SCHEMA {}", database.schema())).await;
    let url = format!("{}?options[search_path]={}", database.url(), database.schema());
    let store = PostgresStore::connect(&url).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
    assert_eq!(scalar::<i64>(&mut tables, "SELECT count(*) FROM cloakroom_sessions").await, 1);
}

#[tokio::test]
async fn tables_of_another_layout_are_refused() {
    let database = Database::new();
    database.store().await;
    run(&mut database.tables().await, "UPDATE cloakroom_state SET layout = 2").await;
    let error = database.lazy().migrate().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(cause(&error).contains("layout 2"), "{}", cause(&error));
}

/// During a rolling deploy: newer functions stay when an older server starts, and older ones are replaced by a newer.
#[tokio::test]
async fn functions_are_replaced_by_newer_ones_alone() {
    let database = Database::new();
    database.store().await;
    let mut tables = database.tables().await;
    let other =
        "CREATE OR REPLACE FUNCTION cloakroom_now_1() RETURNS bigint LANGUAGE sql AS 'SELECT 7::bigint'";
    for (revision, is_replaced) in [(1000, false), (0, true)] {
        run(&mut tables, other).await;
        run(&mut tables, &format!("UPDATE cloakroom_state SET revision = {revision}")).await;
        let store = database.lazy();
        if is_replaced {
            assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Refused, "they are too old");
        }
        store.migrate().await.unwrap();
        store.ping().await.unwrap();
        assert_eq!(scalar::<i64>(&mut tables, "SELECT cloakroom_now_1()").await != 7, is_replaced);
    }
}

#[tokio::test]
async fn another_isolation_level_is_refused() {
    let database = Database::new();
    database.store().await;
    let url = format!("{}?options[default_transaction_isolation]=serializable", database.url());
    let store = database.at(PostgresStore::connect_lazy(&url).unwrap());
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(cause(&error).contains("serializable"), "{}", cause(&error));
}

/// A role that may use the tables and nothing else needs no more.
#[tokio::test]
async fn few_privileges_are_enough() {
    let server = servers::Postgres::start().unwrap();
    let owner = PostgresStore::connect(&server.url()).await.unwrap();
    let rights = "CREATE ROLE app LOGIN PASSWORD 'app';
        GRANT SELECT, INSERT, UPDATE, DELETE ON cloakroom_sessions, cloakroom_attributes TO app;
        GRANT SELECT, UPDATE ON cloakroom_state TO app";
    server.sql(rights).unwrap();
    let url = server.url().replacen("cloakroom:cloakroom@", "app:app@", 1);
    let store = PostgresStore::connect(&url).await.unwrap();
    let ticket = session_of(&store, "ada").await;
    assert_eq!(read(&owner, &ticket, "a").await.unwrap(), "1");
    let _ = store.load(&load(&ticket, &["a"], ALWAYS)).await.unwrap();
    sweep(&store).await;
    store.invalidate(&cloakroom_core::Invalidate::Ticket(ticket.guard())).await.unwrap();
    store.invalidate(&cloakroom_core::Invalidate::Everyone).await.unwrap();
}

#[tokio::test]
async fn a_namespace_is_checked_and_told() {
    let database = Database::new();
    let store = database.store().await;
    assert_eq!(&*store.about().namespace, "cloakroom");
    assert_eq!(store.clone().namespace("a; DROP TABLE x").unwrap_err(), InvalidNamespace);
    assert_eq!(store.clone().in_schema("a\"b").unwrap_err(), InvalidNamespace);
    let shop = store.namespace("shop").unwrap();
    assert_eq!(&*shop.about().namespace, "shop");
    assert_eq!(shop.ping().await.unwrap_err().kind(), ErrorKind::Refused, "it has no tables yet");
}
