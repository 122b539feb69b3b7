//! cloakroom
