use std::thread;

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
    let postgres = &Postgres::start().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| postgres.sql("SELECT pg_sleep(3600)"));
        let sleeping = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        let pid =
            until(|| Some(postgres.sql(sleeping).unwrap().trim().to_owned()).filter(|it| !it.is_empty()));
        postgres.pause();
        until(|| (state(&pid) == "T").then_some(()));
        postgres.resume();
        until(|| (state(&pid) == "S").then_some(()));
        postgres.sql(&format!("SELECT pg_terminate_backend({pid})")).unwrap();
    });
}

fn until<T>(mut told: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(told) = told() {
            return told;
        }
        thread::yield_now();
    }
}

/// Returns a process's state as proc(5) has it.
fn state(pid: &str) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1[..1].to_owned()
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
