//! A session's metadata as a SQL store keeps it, and the list of recent commits within.
#![no_main]

use cloakroom_core::{RecentCommits, Timestamp};
use cloakroom_sqlx::fuzzing::{decode, decode_for_load, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Some(recent) = RecentCommits::from_bytes(input) {
        assert_eq!(recent.to_bytes(), input);
    }
    let Some(record) = decode(input) else { return };
    assert_eq!(decode(&encode(&record)).as_ref(), Some(&record));
    let loaded = decode_for_load(input).unwrap();
    assert_eq!(loaded.meta(), record.meta());
    // Whatever the numbers are, the rules come to an answer.
    for now in [0, 1_700_000_000_000, u64::MAX] {
        let _ = record.is_live(Timestamp::from_millis(now));
    }
});
