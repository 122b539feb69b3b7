//! cloakroom-sqlx
