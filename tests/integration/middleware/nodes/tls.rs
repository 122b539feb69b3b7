//! A server that offers no TLS where TLS is asked for (OWASP ASVS 5.0, 16.3.4 and 16.5.3).

use std::sync::Arc;

use cloakroom_sqlx::PostgresStore;

use super::super::log::logged_by_all;
use super::pair::Peer;
use crate::support::Backend;

#[tokio::test]
async fn a_server_without_tls_is_a_failed_store_and_never_spoken_to_in_plain() {
    let url = format!("{}?sslmode=require", Backend::Postgres.server());
    let store = Arc::new(PostgresStore::connect_lazy(&url).unwrap());
    let node = Peer::new(store, |layer| layer);
    let (log, answer) = logged_by_all(node.sign_in(None, "ada")).await;
    answer.is(503).without_cookie();
    let line = log.lines().find(|line| line.contains("TLS"));
    assert!(line.is_some_and(|line| line.contains("ERROR")), "{log}");
}
