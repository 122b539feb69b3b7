use std::process::Output;

use tokio::process::Command;

use crate::support::{Backend, PATIENCE, Server, Visitor};

async fn refused(options: &[&str]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_testbed")).args(options).kill_on_drop(true).output();
    tokio::time::timeout(PATIENCE, command).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_not_understood_or_not_implemented_is_refused_at_the_start() {
    let cases: &[&[&str]] = &[
        &["--nonsense"],
        &["nonsense"],
        &["--key", "00"],
        &["--node", "a\nb"],
        &["--key", "not hexadecimal digits"],
        &["--renew-every", "0s"],
        &["--renew-every", "soon"],
        &["--max-sessions-per-principal", "0"],
        &["--max-sessions-per-principal", "many"],
        &["--write-every", "soon"],
        &["--near-cache"],
        &["--near-cache", "--store", "memory:"],
        &["--store", "file:"],
        &["--store", "postgres:"],
        &["--store", "redis:localhost"],
        &["--store", "nats://localhost?durable=yes"],
        &["--store", "memory:x"],
        &["--store", "sqlite:"],
        &["--store", "nonsense"],
        &["--store"],
        &["--touch-every", "soon"],
        &["--insecure-cookie=yes"],
        &["--max-inactive-interval", "0s"],
        &["--max-inactive-interval", "401d"],
        &["--max-lifetime", "0s"],
        &["--store-timeout", "0s"],
    ];
    for options in cases {
        let Output { status, stdout, stderr } = refused(options).await;
        assert_eq!(status.code(), Some(2), "{options:?}");
        assert!(stdout.is_empty(), "{options:?}");
        let why = String::from_utf8(stderr).unwrap();
        assert!(why.starts_with("testbed: ") && why.len() > 20, "{options:?}: {why}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_option() {
    for option in ["--near-cache", "--write-every", "--nonsense"] {
        let why = String::from_utf8(refused(&[option]).await.stderr).unwrap();
        assert!(why.contains(option), "{why}");
    }
}

#[tokio::test]
async fn a_near_cache_is_refused_where_the_store_cannot_tell_of_changes() {
    let folder = tempfile::tempdir().unwrap();
    for backend in [Backend::Memory, Backend::Sqlite, Backend::MariaDb] {
        let Output { status, stderr, .. } =
            refused(&["--near-cache", "--store", &backend.url(folder.path())]).await;
        let why = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(2), "{backend:?}: {why}");
        assert!(why.contains("--near-cache") && why.contains("tells of changes"), "{why}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_a_failure_not_a_usage_error() {
    let server = Server::start(&[]).await;
    let output = refused(&["--listen", server.address()]).await;
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_a_failure_not_a_usage_error() {
    let port = servers::Port::claim().unwrap();
    let nobody = format!("127.0.0.1:{}", port.number());
    let no_namespace = format!("{}?namespace=", Backend::Redis.server());
    let sentinel = format!("redis+sentinel://{nobody}/primary");
    let open_to_others = "file:/tmp".to_owned();
    let mut stores = vec![no_namespace, sentinel, open_to_others];
    stores
        .extend(["redis", "redis+cluster", "postgres", "mysql"].map(|scheme| format!("{scheme}://{nobody}")));
    for store in stores {
        let Output { status, stderr, .. } = refused(&["--store", &store]).await;
        assert_eq!(status.code(), Some(1), "{store}");
        let why = String::from_utf8(stderr).unwrap();
        assert!(why.contains("testbed: ") && why.len() > 20, "{store}: {why}");
    }
}

#[tokio::test]
async fn there_is_nothing_else() {
    let server = Server::start(&[]).await;
    Visitor::new().get(&server, "/nonsense").await.is(404);
}

#[tokio::test]
async fn an_insecure_cookie_goes_without_secure_and_prefix() {
    let server = Server::start(&["--insecure-cookie"]).await;
    let answer = Visitor::new().put(&server, "/attributes/a", "1").await.is(204);
    let cookie = answer.set_cookie().unwrap();
    assert_eq!(cookie.name, "id");
    assert_eq!(cookie.attributes, ["HttpOnly", "Path=/", "SameSite=Lax"]);
}

#[tokio::test]
async fn every_duration_is_taken_as_written() {
    let options = [
        "--max-inactive-interval",
        "500ms",
        "--max-lifetime",
        "2s",
        "--touch-every",
        "0s",
        "--rotation-grace",
        "30m",
        "--sweep-every",
        "1h",
        "--store-timeout",
        "1s500ms",
        "--listen",
        "127.0.0.1:0",
        "--store",
        "memory:",
    ];
    let server = Server::start(&options).await;
    let (mut visitor, _) = Visitor::with_session(&server).await;
    assert_eq!(visitor.session(&server).await["max_inactive_interval_ms"], 500);
    visitor.get(&server, "/healthz").await.is(200).without_cookie();
}
