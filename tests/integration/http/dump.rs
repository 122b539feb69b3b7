//! What a store's server keeps, and writes down of what it is told, opens no session.

use std::path::Path;
use std::process::Command;

use servers::{MariaDb, Postgres, Redis};

use super::logging::{VALUE, holds, scenario, tells_no_ticket};
use crate::support::{Backend, Site, Visitor};

/// Signs in, and leaves a session behind that holds a value; returns every ticket that was handed out.
async fn used(site: &Site) -> Vec<String> {
    let mut tickets = scenario(site.a()).await;
    let mut visitor = Visitor::signed_in(site.b(), "ada").await;
    tickets.extend(visitor.ticket.clone());
    tickets.push(visitor.post(site.a(), "/rotate").await.is(204).ticket());
    visitor.set(site.a(), "it", VALUE).await;
    tickets
}

/// The file to which every command that writes is appended.
#[tokio::test]
async fn what_redis_writes_down_opens_no_session() {
    let redis = Redis::options().durable().start().unwrap();
    let site = Site::start_on(Backend::Redis, &redis.url(), &[]).await;
    let tickets = used(&site).await;
    let folder = redis.ask(&["CONFIG", "GET", "dir"]).unwrap().list()[1].text();
    let written = files(&Path::new(&folder).join("appendonlydir"));
    assert!(holds(&written, VALUE.as_bytes()), "these are the files");
    tells_no_ticket(&written, &tickets);
}

/// A dump, and the log of every statement.
#[tokio::test]
async fn what_postgresql_writes_down_opens_no_session() {
    let postgres = Postgres::options().set("log_statement", "all").start().unwrap();
    let site = Site::start_on(Backend::Postgres, &postgres.url(), &[]).await;
    let tickets = used(&site).await;
    let dump = output(Command::new("pg_dump").arg(postgres.url()));
    assert!(holds(&dump, hex(VALUE).as_bytes()), "this is the dump");
    tells_no_ticket(&dump, &tickets);
    let log = postgres.log();
    assert!(log.contains(&hex(VALUE)), "this is the log");
    tells_no_ticket(log.as_bytes(), &tickets);
}

/// A dump, and the log of every statement.
#[tokio::test]
async fn what_mariadb_writes_down_opens_no_session() {
    let options = MariaDb::options().set("general-log", "1").set("general-log-file", "general.log");
    let mariadb = options.start().unwrap();
    let site = Site::start_on(Backend::MariaDb, &mariadb.url(), &[]).await;
    let tickets = used(&site).await;
    let port = format!("--port={}", mariadb.port());
    let server = ["--no-defaults", "--host=127.0.0.1", &port, "-ucloakroom", "-pcloakroom"];
    let dump = output(Command::new("mysqldump").args(server).args(["--hex-blob", "cloakroom"]));
    assert!(holds(&dump.to_ascii_lowercase(), hex(VALUE).as_bytes()), "this is the dump");
    tells_no_ticket(&dump, &tickets);
    let log = std::fs::read(mariadb.data().join("general.log")).unwrap();
    assert!(holds(&log, b"INSERT INTO"), "this is the log");
    tells_no_ticket(&log, &tickets);
}

fn files(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap();
    files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
