use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const KEY: [u8; 32] = [7; 32];
const VALUE: &[u8] = b"\xa5hello";

fn cipher() -> Cipher {
    of(Encryption::with(EncryptionKey::new(KEY)))
}

fn of(encryption: Encryption) -> Cipher {
    Cipher::new(encryption, "shop".into())
}

fn handle(byte: u8) -> Handle {
    Handle::from_bytes([byte; 16])
}

fn name(name: &'static str) -> Name {
    Name::from_static(name)
}

fn sealed(cipher: &Cipher) -> Bytes {
    cipher.seal(handle(1), &name("cart"), VALUE).unwrap()
}

fn opened(cipher: &Cipher, value: &[u8]) -> Result<Option<Bytes>, Unopened> {
    cipher.open(handle(1), &name("cart"), value)
}

fn whole() -> Result<Option<Bytes>, Unopened> {
    Ok(Some(Bytes::from_static(VALUE)))
}

#[test]
fn a_value_opens_where_it_was_sealed() {
    let sealed = sealed(&cipher());
    assert_eq!(sealed.len(), VALUE.len() + Cipher::OVERHEAD);
    assert!(!sealed.windows(5).any(|window| window == b"hello"));
    assert_eq!(opened(&cipher(), &sealed), whole());
}

/// What nobody looks at is not decrypted.
#[test]
fn a_value_is_opened_when_it_is_looked_at() {
    let at_rest = super::super::AtRest::encrypted(cipher());
    let opener = at_rest.opener(handle(1));
    let stored = |value| StoredAttribute {
        name: name("cart"),
        value,
        revision: cloakroom_core::Version(1),
        lapses_at: None,
    };
    let mut found = [sealed(&cipher()), Bytes::from_static(VALUE), Bytes::new()].map(stored);
    let before = found[0].value.clone();
    opener.prepare(&mut found);
    assert_eq!(found[0].value, before);
    assert!(found[1..].iter().all(|plain| Unopened::of(&plain.value) == Some(Unopened::Plain)));
    for _ in 0..2 {
        opener.open(&mut found[0]);
        assert_eq!(found[0].value, VALUE);
    }
    let mut damaged = stored(before.slice(..before.len() - 1));
    for _ in 0..2 {
        opener.open(&mut damaged);
        assert_eq!(Unopened::of(&damaged.value), Some(Unopened::Altered));
    }
}

#[test]
fn a_value_that_was_moved_does_not_open() {
    let sealed = sealed(&cipher());
    let cipher = cipher();
    assert_eq!(cipher.open(handle(2), &name("cart"), &sealed), Err(Unopened::Altered), "another session");
    assert_eq!(cipher.open(handle(1), &name("Cart"), &sealed), Err(Unopened::Altered), "another name");
    let elsewhere =
        |namespace: &str| Cipher::new(Encryption::with(EncryptionKey::new(KEY)), namespace.into());
    let moved = elsewhere("blog").open(handle(1), &name("cart"), &sealed);
    assert_eq!(moved, Err(Unopened::Altered), "another namespace");
    let split = elsewhere("shopc").open(handle(1), &name("art"), &sealed);
    assert_eq!(split, Err(Unopened::Altered), "the same letters, divided otherwise");
}

#[test]
fn a_value_that_was_altered_in_any_bit_does_not_open() {
    let (cipher, value) = (cipher(), sealed(&cipher()));
    for bit in 0..value.len() * 8 {
        let mut altered = value.to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0 => Unopened::Plain,
            1 => Unopened::Format,
            2..6 => Unopened::UnknownKey,
            _ => Unopened::Altered,
        };
        assert_eq!(opened(&cipher, &altered), Err(expected), "bit {bit}");
    }
}

#[test]
fn a_value_that_was_cut_or_grown_does_not_open() {
    let (cipher, value) = (cipher(), sealed(&cipher()));
    for length in 0..value.len() {
        assert!(opened(&cipher, &value[..length]).is_err(), "cut to {length} bytes");
    }
    assert!(opened(&cipher, &[&value[..], b"x"].concat()).is_err());
    assert!(opened(&cipher, &[&value[..], &value[..]].concat()).is_err());
}

#[test]
fn parts_of_two_values_do_not_make_a_third() {
    let (cipher, one, two) = (cipher(), sealed(&cipher()), sealed(&cipher()));
    for cut in [HEAD - NONCE / 2, HEAD, one.len() - TAG] {
        let mixed = [&one[..cut], &two[cut..]].concat();
        assert_eq!(opened(&cipher, &mixed), Err(Unopened::Altered), "cut at {cut}");
    }
}

#[test]
fn every_known_key_opens_and_the_first_seals() {
    let old = EncryptionKey::new([8; 32]);
    let before = sealed(&of(Encryption::with(old.clone())));
    let both = of(Encryption::with(EncryptionKey::new(KEY)).also_opens(old));
    assert_eq!(opened(&both, &before), whole());
    assert_eq!(opened(&cipher(), &sealed(&both)), whole(), "by the first");
    assert_eq!(opened(&cipher(), &before), Err(Unopened::UnknownKey), "the old key is gone");
}

/// Two keys may have the same id by chance.
#[test]
fn a_key_of_the_same_id_is_tried_and_passed_over() {
    let mut twin = EncryptionKey::new([9; 32]);
    twin.take_id_of(&EncryptionKey::new(KEY));
    let both = of(Encryption::with(twin).also_opens(EncryptionKey::new(KEY)));
    assert_eq!(opened(&both, &sealed(&cipher())), whole());
}

#[test]
fn a_plain_value_is_refused_unless_it_is_accepted() {
    assert_eq!(opened(&cipher(), VALUE), Err(Unopened::Plain));
    assert_eq!(opened(&cipher(), b""), Err(Unopened::Plain));
    let migrating = of(Encryption::with(EncryptionKey::new(KEY)).accept_plain());
    assert_eq!(opened(&migrating, VALUE), Ok(None));
    assert_eq!(opened(&migrating, &[NOT_PLAIN, FORMAT]), Err(Unopened::Altered), "it says that it is sealed");
}

/// Drawn rightly, neither half can come twice in so few. One that is not drawn for each value does.
#[test]
fn no_two_values_have_a_nonce_in_common() {
    let cipher = cipher();
    let mut halves = HashSet::new();
    for _ in 0..20_000 {
        let value = sealed(&cipher);
        let (one, two) = value[HEAD - NONCE..HEAD].split_at(NONCE / 2);
        assert!(halves.insert(one.to_vec()) && halves.insert(two.to_vec()));
    }
}

/// What was written once must open for ever.
#[test]
fn the_format_stands() {
    let written = "c101e4380ba92bc19fee4c33c682e5a0b730a2ee465441ebb7a34b2291a5e6c0c2f283ef3ed11019a6aac66f502f\
                   ed31b77ce5dc";
    let pairs = written.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let bytes: Vec<_> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    assert_eq!(opened(&cipher(), &bytes), whole());
}

proptest! {
    #[test]
    fn any_value_comes_back(value: Vec<u8>, byte: u8) {
        let (cipher, name) = (cipher(), name("it"));
        let sealed = cipher.seal(handle(byte), &name, &value).unwrap();
        prop_assert_eq!(cipher.open(handle(byte), &name, &sealed), Ok(Some(value.into())));
    }

    #[test]
    fn any_bytes_are_refused(mut value: Vec<u8>, like_sealed: bool, with_key: bool) {
        let key = EncryptionKey::new(KEY).id();
        value.splice(..0, key.into_iter().filter(|_| with_key));
        value.splice(..0, [NOT_PLAIN, FORMAT].into_iter().filter(|_| like_sealed));
        prop_assert!(opened(&cipher(), &value).is_err());
    }
}
