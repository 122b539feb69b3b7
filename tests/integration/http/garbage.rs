use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use crate::support::{Raw, Server, Visitor};

/// A server for many cases, and the runtime to talk to it.
fn served() -> (Runtime, Server) {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(&[]));
    (runtime, server)
}

fn cases(number: u32) -> TestRunner {
    TestRunner::new(Config { cases: number, failure_persistence: None, ..Config::default() })
}

/// Bytes that HTTP allows in a header's value (RFC 9110, 5.5).
fn is_allowed(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b'\t' | 0x20..=0x7e | 0x80..))
}

/// What may stand in a `Cookie` line: anything, and pieces of what is meant to stand there.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>().prop_filter("no end of line", |byte| !matches!(byte, b'\r' | b'\n')), 0..60),
        Just(b"__Host-id=".to_vec()),
        Just(b"; ".to_vec()),
        Just(b"=".to_vec()),
        "[A-Za-z0-9_-]{40,48}".prop_map(String::into_bytes),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

#[test]
fn no_bytes_in_a_cookie_are_an_error_or_open_a_session() {
    let (runtime, server) = served();
    let tested = cases(300).run(&vec(line(), 1..4), |lines| {
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let answer = runtime.block_on(Raw::get(&server, "/session", &lines)).without_cookie();
        if lines.iter().all(|line| is_allowed(line)) {
            prop_assert_eq!(answer.status, 200);
            prop_assert_eq!(&answer.json()["new"], true);
        } else {
            prop_assert!(matches!(answer.status, 200 | 400), "{:?}", answer);
        }
        Ok(())
    });
    tested.unwrap();
    runtime.block_on(async { Visitor::new().get(&server, "/plain").await.is(200) });
}

#[test]
fn a_ticket_with_any_character_changed_opens_nothing() {
    let (runtime, server) = served();
    let (mut owner, ticket) = runtime.block_on(Visitor::with_session(&server));
    let changes = (0..ticket.len(), "[ -~]");
    let tested = cases(300).run(&changes, |(place, character)| {
        let mut changed = ticket.clone();
        changed.replace_range(place..=place, &character);
        let line = format!("__Host-id={changed}");
        let answer = runtime.block_on(Raw::get(&server, "/session", &[line.as_bytes()])).without_cookie();
        prop_assert_eq!(answer.status, 200);
        prop_assert_eq!(&answer.json()["new"], changed != ticket);
        Ok(())
    });
    tested.unwrap();
    assert_eq!(runtime.block_on(owner.names(&server)), ["first"]);
}
