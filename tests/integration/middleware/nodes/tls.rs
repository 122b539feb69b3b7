//! A server that offers no TLS where TLS is asked for (OWASP ASVS 5.0, 16.3.4 and 16.5.3).

use std::error::Error as _;
use std::sync::Arc;

use cloakroom::{ErrorKind, Session};
use cloakroom_sqlx::PostgresStore;

use super::pair::Peer;
use crate::support::Backend;

#[tokio::test]
async fn a_server_without_tls_is_a_failed_store_and_never_spoken_to_in_plain() {
    let url = format!("{}?sslmode=require", Backend::Postgres.server());
    let store = Arc::new(PostgresStore::connect_lazy(&url).unwrap());
    let node = Peer::new(store, |layer| layer);
    let signs_in = async |session: Session| {
        session.sign_in("ada")?;
        let error = session.commit().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
        let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
        assert!(causes.any(|cause| cause.to_string().contains("TLS")), "{error:?}");
        Err(error)
    };
    node.run(None, signs_in).await.is(503).without_cookie();
}
