use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use servers::{Postgres, PostgresPair};

#[test]
fn what_postgres_acknowledged_is_there_after_a_kill() {
    let mut postgres = Postgres::start().unwrap();
    postgres.sql("CREATE TABLE t (n int)").unwrap();
    postgres.sql("INSERT INTO t VALUES (7)").unwrap();
    postgres.kill();
    assert!(postgres.sql("SELECT 1").is_err());
    postgres.restart().unwrap();
    assert_eq!(postgres.sql("SELECT n FROM t").unwrap(), "7\n");
    for durable in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!(postgres.sql(&format!("SHOW {durable}")).unwrap(), "on\n");
    }
}

/// A connection is served by a process of its own, which must stop too.
#[test]
fn stopping_it_stops_the_connections_that_there_are() {
    let postgres = Postgres::start().unwrap();
    let (told, answer) = mpsc::channel();
    let (postgres, told) = (&postgres, told);
    thread::scope(|scope| {
        scope.spawn(move || told.send(postgres.sql("SELECT pg_sleep(0.5), 'slept'").unwrap()));
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        while postgres.sql(sleeping).unwrap() != "1\n" {}
        postgres.pause();
        assert!(answer.recv_timeout(Duration::from_secs(1)).is_err());
        postgres.resume();
        assert_eq!(answer.recv().unwrap(), "|slept\n");
    });
}

#[test]
fn a_standby_takes_over_with_all_that_was_acknowledged() {
    let mut pair = PostgresPair::start(&Postgres::options()).unwrap();
    pair.wait_for_standby().unwrap();
    pair.primary().sql("CREATE TABLE t (n int)").unwrap();
    pair.primary().sql("INSERT INTO t VALUES (7)").unwrap();
    assert!(pair.standby().sql("INSERT INTO t VALUES (8)").is_err());
    pair.primary().kill();
    pair.promote().unwrap();
    pair.standby().sql("INSERT INTO t VALUES (8)").unwrap();
    assert_eq!(pair.standby().sql("SELECT sum(n) FROM t").unwrap(), "15\n");
}
