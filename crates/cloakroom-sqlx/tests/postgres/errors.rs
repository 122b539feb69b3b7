use std::error::Error as _;
use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Store as _};
use cloakroom_sqlx::PostgresStore;
use servers::Postgres;
use sqlx::postgres::PgPoolOptions;

use crate::support::*;

fn is_of_the_driver(error: &Error) -> bool {
    error.source().is_some_and(|source| source.downcast_ref::<sqlx::Error>().is_some())
}

/// Makes the commits of a session raise what a server may raise.
async fn kind_of(code: &str) -> ErrorKind {
    let database = Database::new();
    let store = database.store().await;
    let ticket = session(&store, "a", "1").await;
    let raise = format!(
        "CREATE FUNCTION raises() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'as a test wants it' USING ERRCODE = '{code}'; END $$;
         CREATE TRIGGER raises BEFORE UPDATE ON cloakroom_sessions EXECUTE FUNCTION raises()"
    );
    let mut tables = database.tables().await;
    run(&mut tables, &raise).await;
    let error = store.commit(&change(ticket.guard(), vec![set("a", "2")])).await.unwrap_err();
    assert!(is_of_the_driver(&error), "{error:?}");
    run(&mut tables, "DROP TRIGGER raises ON cloakroom_sessions").await;
    commit(&store, &change(ticket.guard(), vec![set("a", "2")])).await;
    error.kind()
}

#[tokio::test]
async fn errors_are_of_the_kind_that_helps() {
    let kinds = [
        ("53100", ErrorKind::Full),
        ("53200", ErrorKind::Full),
        ("53300", ErrorKind::Full),
        ("40001", ErrorKind::Unavailable),
        ("40P01", ErrorKind::Unavailable),
        ("25006", ErrorKind::Unavailable),
        ("57P01", ErrorKind::Unavailable),
        ("57P03", ErrorKind::Unavailable),
        ("08006", ErrorKind::Unavailable),
        ("57014", ErrorKind::Timeout),
        ("55P03", ErrorKind::Timeout),
        ("42501", ErrorKind::Refused),
        ("XX001", ErrorKind::Corrupt),
        ("XX000", ErrorKind::Other),
    ];
    for (code, kind) in kinds {
        assert_eq!(kind_of(code).await, kind, "{code}");
    }
}

#[tokio::test]
async fn a_closed_pool_is_unavailable() {
    let database = Database::new();
    let pool = PgPoolOptions::new().max_connections(1).connect(database.url()).await.unwrap();
    let store = database.at(PostgresStore::new(pool.clone()));
    store.migrate().await.unwrap();
    pool.close().await;
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(is_of_the_driver(&error));
}

#[tokio::test]
async fn a_pool_whose_connections_are_all_in_use_is_a_timeout() {
    let database = Database::new();
    let options = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(3));
    let pool = options.connect(database.url()).await.unwrap();
    let store = database.at(PostgresStore::new(pool.clone()));
    store.migrate().await.unwrap();
    let taken = pool.acquire().await.unwrap();
    assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Timeout);
    drop(taken);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_server_without_free_connections_is_full() {
    let server = Postgres::options()
        .set("max_connections", "5")
        .set("superuser_reserved_connections", "2")
        .set("max_wal_senders", "0")
        .start()
        .unwrap();
    let others = [(); 3].map(|()| PostgresStore::connect_lazy(&server.url()).unwrap());
    for other in &others {
        other.migrate().await.unwrap();
    }
    let store = PostgresStore::connect_lazy(&server.url()).unwrap();
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
    drop(others);
    while store.ping().await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_statement_that_the_server_cuts_off_is_a_timeout() {
    let database = Database::new();
    let store = database.store().await;
    let ticket = session(&store, "a", "1").await;
    let url = format!("{}?options[statement_timeout]=3s", database.url());
    let hasty = database.at(PostgresStore::connect_lazy(&url).unwrap());
    let mut tables = database.tables().await;
    run(&mut tables, "BEGIN; SELECT FROM cloakroom_sessions FOR UPDATE").await;
    let error = hasty.commit(&change(ticket.guard(), vec![set("a", "2")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    run(&mut tables, "ROLLBACK").await;
    commit(&hasty, &change(ticket.guard(), vec![set("a", "2")])).await;
}

#[tokio::test]
async fn nobody_at_home_is_unavailable() {
    let port = servers::Port::claim().unwrap();
    let url = format!("postgres://cloakroom:cloakroom@127.0.0.1:{}/cloakroom", port.number());
    let error = PostgresStore::connect(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_wrong_password_refuses_and_is_not_told() {
    let url = shared_url().replacen(":cloakroom@", ":wrong-one@", 1);
    if let Err(error) = PostgresStore::connect(&url).await {
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(!format!("{error:?}").contains("wrong-one"));
    }
    let store = PostgresStore::connect_lazy(&url).unwrap();
    assert!(!format!("{store:?}").contains("wrong-one"), "{store:?}");
}

#[tokio::test]
async fn what_is_no_url_is_refused() {
    for url in ["mysql://127.0.0.1/db", "nonsense", "postgres://h:port/db"] {
        assert_eq!(PostgresStore::connect_lazy(url).unwrap_err().kind(), ErrorKind::Refused, "{url}");
    }
}
