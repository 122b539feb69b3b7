use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use servers::{MariaDb, Redis};

#[test]
fn what_redis_acknowledged_is_there_after_a_kill() {
    let mut redis = Redis::options().durable().start().unwrap();
    let port = redis.port();
    redis.ask(&["SET", "a", "1"]).unwrap();
    redis.kill();
    assert!(redis.ask(&["PING"]).is_err());
    redis.restart().unwrap();
    assert_eq!((redis.port(), redis.ask(&["GET", "a"]).unwrap().text()), (port, "1".to_owned()));
}

#[test]
fn a_setting_is_taken() {
    let redis = Redis::options().set("maxmemory", "3mb").start().unwrap();
    let told = redis.ask(&["CONFIG", "GET", "maxmemory"]).unwrap().list();
    assert_eq!(told[1].text(), (3 << 20).to_string());
}

#[test]
fn a_stopped_server_answers_when_it_goes_on() {
    let redis = Redis::start().unwrap();
    redis.pause();
    let (told, answer) = mpsc::channel();
    let (redis, told) = (&redis, told);
    thread::scope(|scope| {
        scope.spawn(move || told.send(redis.ask(&["PING"]).unwrap().text()));
        assert!(answer.recv_timeout(Duration::from_millis(300)).is_err());
        redis.resume();
        assert_eq!(answer.recv().unwrap(), "PONG");
    });
}

#[test]
fn what_mariadb_acknowledged_is_there_after_a_kill() {
    let mut mariadb = MariaDb::start().unwrap();
    mariadb.sql("CREATE TABLE t (n INT); INSERT INTO t VALUES (7)").unwrap();
    mariadb.kill();
    assert!(mariadb.sql("SELECT 1").is_err());
    mariadb.restart().unwrap();
    assert_eq!(mariadb.sql("SELECT n FROM t").unwrap(), "7\n");
    mariadb.sql("CREATE DATABASE other; CREATE TABLE other.t (n INT)").unwrap();
}
