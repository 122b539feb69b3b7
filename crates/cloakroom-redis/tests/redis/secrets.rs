//! Nothing that is stored or logged opens a session.

use cloakroom_core::{Seed, Ticket};
use cloakroom_redis::RedisStore;
use servers::Redis;

use crate::support::*;

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

async fn tickets(store: &RedisStore) -> Vec<Ticket> {
    let first = session(store, "a", "1").await;
    let (second, renewal) = renew(&first, Seed::generate().unwrap());
    commit(store, &renewal).await;
    let (third, signing_in) = sign_in(&second, "ada");
    commit(store, &signing_in).await;
    vec![first, second, third]
}

#[tokio::test]
async fn the_dump_holds_nothing_that_opens_a_session() {
    let private = Private::start_with(Redis::options().set("rdbcompression", "no")).await;
    let tickets = tickets(&private.store).await;
    private.ask(&["SAVE"]);
    let folder = private.ask(&["CONFIG", "GET", "dir"]).list()[1].text();
    let dump = std::fs::read(format!("{folder}/dump.rdb")).unwrap();
    assert!(holds(&dump, tickets[0].handle().to_string().as_bytes()), "the dump has the session");
    assert!(holds(&dump, tickets[2].guard().proof.as_bytes()), "the dump has the proof");
    for ticket in &tickets {
        let text = ticket.expose();
        let secret = secret_bytes(&text);
        assert_eq!(secret.len(), 16);
        assert!(!holds(&dump, &secret), "the secret's bytes are in the dump");
        assert!(!holds(&dump, &text.as_bytes()[22..]), "the secret's text is in the dump");
    }
}

#[tokio::test]
async fn no_log_tells_a_value_or_a_password() {
    let log = Log::install();
    let private = Private::start().await;
    private.ask(&["CONFIG", "SET", "requirepass", "opensesame"]);
    let url = private.server.url().replace("redis://", "redis://:opensesame@");
    let store = RedisStore::connect(&url).await.unwrap();
    let ticket = session(&store, "quiet", "a value that nobody logs").await;
    assert!(read(&store, &ticket, "quiet").await.is_some());
    assert_eq!(log.events_with("a value that nobody logs").len(), 0);
    assert_eq!(log.events_with("opensesame").len(), 0);
    assert_eq!(log.events_with(&ticket.expose()[22..]).len(), 0);
    assert!(!format!("{store:?}").contains("opensesame"));
}
