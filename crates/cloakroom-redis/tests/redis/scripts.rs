//! The server's cache of scripts may be emptied at any time.

use cloakroom_core::{Invalidate, Seed, Store as _};

use crate::support::*;

#[tokio::test]
async fn every_operation_works_when_the_scripts_were_flushed() {
    let private = Private::start().await;
    let store = &private.store;
    let flush = || private.ask(&["SCRIPT", "FLUSH"]);
    flush();
    let ticket = session_of(store, "ada").await;
    flush();
    assert_eq!(read(store, &ticket, "a").await.unwrap(), "1");
    flush();
    let (ticket, renewal) = renew(&ticket, Seed::generate().unwrap());
    commit(store, &renewal).await;
    flush();
    assert_eq!(handles_of(store, "ada").await, [ticket.handle()]);
    flush();
    assert_eq!(sweep(store).await, []);
    flush();
    store.acknowledge(&[ticket.handle()]).await.unwrap();
    flush();
    assert_eq!(end(store, Invalidate::Ticket(ticket.guard())).await, 1);
    flush();
    assert_eq!(end(store, Invalidate::Everyone).await, 0);
}

#[tokio::test]
async fn a_script_is_sent_whole_only_when_the_server_does_not_know_it() {
    let private = Private::start().await;
    let ticket = session(&private.store, "a", "1").await;
    for _ in 0..3 {
        read(&private.store, &ticket, "a").await.unwrap();
    }
    let whole = private.info("commandstats", "cmdstat_eval");
    assert!(whole.starts_with("calls=2,"), "one script to create, one to load: {whole}");
}

#[tokio::test]
async fn many_at_once_find_the_scripts_flushed() {
    let private = Private::start().await;
    let ticket = session(&private.store, "a", "1").await;
    private.ask(&["SCRIPT", "FLUSH"]);
    let reads = (0..50).map(|_| read(&private.store, &ticket, "a"));
    for value in futures_util::future::join_all(reads).await {
        assert_eq!(value.unwrap(), "1");
    }
}
