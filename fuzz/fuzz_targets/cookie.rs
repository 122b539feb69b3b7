//! The `Cookie` lines of a request, one a line of the input.
#![no_main]

use std::collections::HashSet;

use cloakroom::fuzzing::tickets;
use cloakroom_core::Ticket;
use http::HeaderValue;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let lines = input.split(|byte| *byte == b'\n');
    let lines: Vec<_> = lines.filter_map(|line| HeaderValue::from_bytes(line).ok()).collect();
    let found: Vec<_> = tickets(&lines, "id").iter().map(Ticket::expose).collect();
    assert_eq!(found, expected(&lines));
});

/// The same once more, as plainly as can be.
fn expected(lines: &[HeaderValue]) -> Vec<String> {
    let mut seen = HashSet::new();
    let pairs = lines.iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let values = pairs.filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        (pair[..equals].trim_ascii() == b"id").then(|| pair[equals + 1..].trim_ascii())
    });
    let tickets = values.filter(|value| Ticket::parse(value).is_ok());
    let tickets = tickets.map(|value| String::from_utf8(value.to_vec()).unwrap());
    tickets.filter(|ticket| seen.insert(ticket.clone())).take(4).collect()
}
