//! A ticket, as a browser shows it, and a handle, as an address may.
#![no_main]

use cloakroom_core::{Handle, Seed, Ticket};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(ticket) = Ticket::parse(input) {
        check(&ticket, input);
    }
    if let Some(handle) = std::str::from_utf8(input).ok().and_then(|text| text.parse::<Handle>().ok()) {
        assert_eq!(handle.to_string().parse(), Ok(handle));
    }
});

fn check(ticket: &Ticket, input: &[u8]) {
    let text = ticket.expose();
    assert_eq!(text.as_bytes(), input, "one text for one ticket");
    assert!(!format!("{ticket:?} {:?}", ticket.guard()).contains(&text[22..]), "the secret shows");
    let next = ticket.successor(&Seed::from_bytes([7; 16]));
    assert_eq!(next.handle(), ticket.handle());
    assert_ne!(next.guard().proof, ticket.guard().proof);
    assert_eq!(Ticket::parse(next.expose().as_bytes()).unwrap().guard(), next.guard());
}
