//! cloakroom-testkit
