//! A stored value: as an encoding, as something encrypted, and as something encrypted that was altered.
#![no_main]

use std::collections::BTreeMap;

use cloakroom::fuzzing::{Sealer, decode, encode};
use cloakroom::{Encryption, EncryptionKey};
use cloakroom_core::{Handle, Name};
use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    number: Option<i64>,
    text: String,
    #[serde(default)]
    bytes: Vec<u8>,
    #[serde(default)]
    choice: Choice,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
enum Choice {
    #[default]
    Nothing,
    One(u32),
    Several {
        items: Vec<(char, f32)>,
    },
}

fuzz_target!(|input: &[u8]| {
    comes_back::<serde_json::Value>(input);
    comes_back::<Everything>(input);
    comes_back::<Choice>(input);
    comes_back::<BTreeMap<String, Vec<Option<String>>>>(input);
    let _ = decode::<(bool, u64, String)>(input);
    opens(input);
    altered(input);
});

/// What decodes is written as something that decodes to the same.
fn comes_back<T: DeserializeOwned + Serialize>(input: &[u8]) {
    let Ok(value) = decode::<T>(input) else { return };
    let Ok(encoded) = encode(&value) else { return };
    let again: T = decode(&encoded).unwrap();
    assert_eq!(encode(&again).unwrap(), encoded);
}

fn sealer(encryption: Encryption) -> Sealer {
    Sealer::new(encryption, "fuzz")
}

fn key() -> EncryptionKey {
    EncryptionKey::new([1; 32])
}

const NAME: Name = Name::from_static("it");

/// Nobody who does not know the key makes a value that opens.
fn opens(input: &[u8]) {
    let handle = Handle::from_bytes([2; 16]);
    assert!(sealer(Encryption::with(key())).open(handle, &NAME, input).is_none());
    let lenient = sealer(Encryption::with(key()).accept_plain()).open(handle, &NAME, input);
    assert_eq!(lenient.is_some(), input.first() != Some(&0xc1));
}

/// The input says what is encrypted, and where it is altered then.
fn altered(input: &[u8]) {
    let Some(([at_high, at_low, with], plain)) = input.split_first_chunk() else { return };
    let (sealer, handle) = (sealer(Encryption::with(key())), Handle::from_bytes([2; 16]));
    let mut sealed = sealer.seal(handle, &NAME, plain).to_vec();
    assert_eq!(sealer.open(handle, &NAME, &sealed), Some(plain.to_vec()));
    let at = usize::from(u16::from_be_bytes([*at_high, *at_low])) % sealed.len();
    sealed[at] ^= with;
    assert_eq!(sealer.open(handle, &NAME, &sealed).is_some(), *with == 0);
    sealed.truncate(at);
    assert!(sealer.open(handle, &NAME, &sealed).is_none());
}
