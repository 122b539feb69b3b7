//! A [`Record`](cloakroom_core::Record) as bytes, without its attributes.
//!
//! All numbers are big-endian; times and intervals are milliseconds.
//!
//! | bytes | field | |
//! |---|---|---|
//! | 1 | which of the fields below there are, and what replaced the previous ticket | |
//! | 32 | proof | always |
//! | 8 each | version, ticket issued at, created at, accessed at, max inactive interval, bytes | always |
//! | 4 | attributes | always |
//! | 32 + 8 | previous proof, until | if there is a previous ticket |
//! | 16 or 32 | seed of a renewal that is not forgotten yet, or the ticket that a sign-in came with | if there is one |
//! | 8 each | ends at, signed in at, next lapse | each if it is set |
//! | 2 + n | principal | if it is set |
//! | 2 + n | label | if it is set |
//! | 2 + n | recent commits | always |

mod read;
mod write;

pub(super) use self::read::decode;
pub(super) use self::write::encode;

const PREVIOUS: u8 = 1;
const BY_SIGN_IN: u8 = 1 << 1;
const MORE: u8 = 1 << 2;
const ENDS_AT: u8 = 1 << 3;
const SIGNED_IN_AT: u8 = 1 << 4;
const NEXT_LAPSE: u8 = 1 << 5;
const PRINCIPAL: u8 = 1 << 6;
const LABEL: u8 = 1 << 7;
