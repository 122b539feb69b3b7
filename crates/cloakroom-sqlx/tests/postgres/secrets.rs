use std::process::Command;
use std::str::FromStr as _;

use cloakroom_core::{Seed, Store, Ticket};
use cloakroom_sqlx::PostgresStore;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::*;

/// Dumps everything in the schema as SQL, where bytes stand in hexadecimal digits.
fn dump(database: &Database) -> String {
    let mut command = Command::new("pg_dump");
    let output = command.arg(database.url()).args(["--schema", database.schema()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
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

async fn tickets(store: &impl Store) -> Vec<Ticket> {
    let first = session(store, "a", "1").await;
    let (second, renewal) = renew(&first, Seed::generate().unwrap());
    commit(store, &renewal).await;
    let (third, signing_in) = sign_in(&second, "ada");
    commit(store, &signing_in).await;
    vec![first, second, third]
}

#[tokio::test]
async fn the_dump_holds_nothing_that_opens_a_session() {
    let database = Database::new();
    let store = database.store().await;
    let tickets = tickets(&store).await;
    let dump = dump(&database);
    assert!(dump.contains(&tickets[0].handle().to_string()), "the dump has the session");
    assert!(dump.contains(&hex::encode(tickets[2].guard().proof.as_bytes())), "the dump has the proof");
    for ticket in &tickets {
        let text = ticket.expose();
        let secret = secret_bytes(&text);
        assert_eq!(secret.len(), 16);
        assert!(!dump.contains(&hex::encode(&secret)), "the secret's bytes are in the dump");
        assert!(!dump.contains(&text[22..]), "the secret's text is in the dump");
        assert!(
            !dump.contains(&hex::encode(&text.as_bytes()[22..])),
            "the secret's text is in the dump as bytes"
        );
    }
}

/// Returns what is logged, while the store is used behind a pooler, that has the value or a proof in it.
async fn told_by_the_log(database: &Database, store: PostgresStore, value: &str) -> Vec<String> {
    let store = database.at(store.behind_pooler(true));
    store.migrate().await.unwrap();
    let log = Log::install();
    let ticket = session(&store, "a", value.to_owned()).await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), value);
    let mut told = log.events_with(&hex::encode(value.as_bytes()));
    told.extend(log.events_with(&hex::encode(ticket.guard().proof.as_bytes())));
    told
}

#[tokio::test]
async fn what_stands_in_statements_behind_a_pooler_is_logged_unless_the_pool_is_told_not_to() {
    let database = Database::new();
    let options = PgConnectOptions::from_str(database.url()).unwrap();
    let talkative = PgPoolOptions::new().connect_lazy_with(options.clone());
    let told = told_by_the_log(&database, PostgresStore::new(talkative), "a value that is logged").await;
    assert!(!told.is_empty());
    let quiet =
        PostgresStore::new(PgPoolOptions::new().connect_lazy_with(options.disable_statement_logging()));
    let own = PostgresStore::connect_lazy(database.url()).unwrap();
    for (store, value) in
        [(quiet, "a value of a quiet pool"), (own, "a value of a connection of the store's own")]
    {
        assert_eq!(told_by_the_log(&database, store, value).await, Vec::<String>::new());
    }
}
