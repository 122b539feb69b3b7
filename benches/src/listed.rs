//! What a program can serve.

use serde::{Deserialize, Serialize};

use crate::protocol::Workload;

/// A subject on a store, as a program lists it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub subject: String,
    /// What was measured, with its version.
    pub version: String,
    /// The kind of store.
    pub store: String,
    /// Whether a read extends the session's time, and nothing is stale on a second node.
    pub comparable: bool,
    /// How it was set up, or why it is not comparable.
    #[serde(default)]
    pub note: String,
    /// What it can do. All unless listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workloads: Option<Vec<Workload>>,
    /// A command that the store's server must know. It is left out where the server does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
}
