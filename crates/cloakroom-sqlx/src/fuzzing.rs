//! What fuzz targets need of the inside. Built with `--cfg fuzzing` only, as cargo-fuzz does; no part of the API.

use cloakroom_core::Record;

use crate::record;

/// Reads a record.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Record> {
    record::decode(bytes).ok()
}

/// Reads a record without its recent commits.
#[must_use]
pub fn decode_for_load(bytes: &[u8]) -> Option<Record> {
    record::decode_for_load(bytes).ok()
}

/// Writes a record.
#[must_use]
pub fn encode(record: &Record) -> Vec<u8> {
    record::encode(record)
}
