use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// Reads a JSON body, whatever its content type.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|_| Failure::BadBody)
}
