//! The Redis and Valkey session store for Cloakroom.
