use cloakroom_core::{Seed, Ticket};
use cloakroom_sqlx::MySqlStore;
use cloakroom_testkit::Harness as _;
use sqlx::{AssertSqlSafe, Row as _};

use crate::support::*;

/// Reads everything that the tables hold.
async fn dump(nodes: &Nodes) -> Vec<u8> {
    let tables = nodes.tables().await;
    let mut dump = Vec::new();
    for (table, columns) in
        [("sessions", vec!["handle", "principal"]), ("attributes", vec!["session", "name", "value"])]
    {
        let sql = AssertSqlSafe(format!("SELECT * FROM cloakroom_{table}"));
        for row in sqlx::query(sql).fetch_all(&tables).await.unwrap() {
            for column in &columns {
                dump.extend(row.get::<Option<Vec<u8>>, _>(*column).unwrap_or_default());
            }
        }
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

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn tickets(store: &MySqlStore) -> Vec<Ticket> {
    let first = session(store, "quiet", "a value that nobody logs").await;
    let (second, renewal) = renew(&first, Seed::generate().unwrap());
    commit(store, &renewal).await;
    let (third, signing_in) = sign_in(&second, "ada");
    commit(store, &signing_in).await;
    let mut cleared = change(third.guard(), vec![set("quiet", "a value that nobody logs")]);
    cleared.changes.clear = true;
    commit(store, &cleared).await;
    assert!(read(store, &third, "quiet").await.is_some());
    vec![first, second, third]
}

#[tokio::test]
async fn the_tables_hold_nothing_that_opens_a_session() {
    let nodes = Nodes::new().await;
    let tickets = tickets(&nodes.store().await).await;
    let dump = dump(&nodes).await;
    assert!(holds(&dump, tickets[0].handle().as_bytes()), "the dump has the session");
    assert!(holds(&dump, tickets[2].guard().proof.as_bytes()), "the dump has the proof");
    for ticket in &tickets {
        let text = ticket.expose();
        let secret = secret_bytes(&text);
        assert_eq!(secret.len(), 16);
        assert!(!holds(&dump, &secret), "the secret's bytes are in the tables");
        assert!(!holds(&dump, &text.as_bytes()[22..]), "the secret's text is in the tables");
    }
}

#[tokio::test]
async fn no_log_tells_a_value_or_a_ticket() {
    let (nodes, log) = (Nodes::new().await, Log::install());
    let tickets = tickets(&nodes.store().await).await;
    assert!(
        !log.events_with(&hexadecimal(tickets[0].handle().as_bytes())).is_empty(),
        "statements are logged"
    );
    let value = "a value that nobody logs";
    let mut secrets = vec![value.to_owned(), hexadecimal(value.as_bytes())];
    for ticket in &tickets {
        let text = ticket.expose();
        secrets.push(text[22..].to_owned());
        secrets.push(hexadecimal(&secret_bytes(&text)));
        secrets.push(hexadecimal(ticket.guard().proof.as_bytes()));
    }
    for secret in secrets {
        assert_eq!(log.events_with(&secret), Vec::<String>::new());
    }
}
