use std::path::Path;

use cloakroom_core::{Seed, Store as _, Ticket};
use cloakroom_file::FileStore;
use cloakroom_testkit::Harness as _;

use crate::support::*;

/// Reads all files, and their names.
fn dump(folder: &Path) -> Vec<u8> {
    let mut dump = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        dump.extend_from_slice(path.to_str().unwrap().as_bytes());
        dump.extend(if path.is_dir() { self::dump(&path) } else { std::fs::read(&path).unwrap() });
    }
    dump
}

fn holds(dump: &[u8], what: &[u8]) -> bool {
    dump.windows(what.len()).any(|window| window == what)
}

/// Returns the 16 bytes of the ticket's secret, from the second half of its text.
fn secret_bytes(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = text[22..].bytes().flat_map(|digit| {
        let value = alphabet.bytes().position(|it| it == digit).unwrap();
        (0..6).rev().map(move |bit| (value >> bit) as u8 & 1)
    });
    let bits: Vec<u8> = bits.collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

async fn tickets(store: &FileStore) -> Vec<Ticket> {
    let first = session(store, "a", "1").await;
    let (second, renewal) = renew(&first, Seed::generate().unwrap());
    commit(store, &renewal).await;
    let (third, signing_in) = sign_in(&second, "ada");
    commit(store, &signing_in).await;
    store.ping().await.unwrap();
    vec![first, second, third]
}

#[tokio::test]
async fn the_files_hold_nothing_that_opens_a_session() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let tickets = tickets(&store).await;
    let dump = dump(nodes.folder());
    assert!(holds(&dump, tickets[0].handle().as_bytes()), "the dump has the session");
    assert!(holds(&dump, tickets[2].guard().proof.as_bytes()), "the dump has the proof");
    for ticket in &tickets {
        let text = ticket.expose();
        let secret = secret_bytes(&text);
        assert_eq!(secret.len(), 16);
        assert!(!holds(&dump, &secret), "the secret's bytes are in the files");
        assert!(!holds(&dump, &text.as_bytes()[22..]), "the secret's text is in the files");
    }
}
