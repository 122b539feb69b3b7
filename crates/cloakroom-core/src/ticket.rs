use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::{Error, ErrorKind};

/// A session's public name: a random UUID that identifies it for its whole life, also through rotation and sign-in.
///
/// Safe to log, to list, and to route by: it opens nothing. Prints as a hyphenated UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(Uuid);

impl Handle {
    /// Wraps the 16 bytes that a store kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Returns the 16 bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Handle {
    type Err = InvalidHandle;

    fn from_str(text: &str) -> Result<Self, InvalidHandle> {
        Uuid::try_parse(text).map(Self).map_err(|_| InvalidHandle)
    }
}

/// A text that is no [`Handle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidHandle;

impl fmt::Display for InvalidHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a session handle: expected a UUID")
    }
}

impl std::error::Error for InvalidHandle {}

/// The 128 bits that open a session. Lives in the ticket, never in a store; `Debug` does not show it.
#[derive(Clone, Copy)]
pub struct Secret([u8; 16]);

impl Secret {
    /// Returns what a store keeps of the secret: its SHA-256.
    #[must_use]
    pub fn proof(&self) -> Proof {
        Proof(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The SHA-256 of a [`Secret`]: enough to check a ticket, useless to make one.
///
/// Equality is constant-time. `Debug` does not show it.
#[derive(Clone, Copy)]
pub struct Proof([u8; 32]);

impl Proof {
    /// Wraps the 32 bytes that a store kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        let (words, _) = self.0.as_chunks::<8>();
        words.iter().map(|word| u64::from_ne_bytes(*word))
    }
}

impl PartialEq for Proof {
    fn eq(&self, other: &Self) -> bool {
        let differing =
            self.words().zip(other.words()).fold(0, |differing, (one, two)| differing | (one ^ two));
        // Every word is looked at before the one decision.
        std::hint::black_box(differing) == 0
    }
}

impl Eq for Proof {}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(..)")
    }
}

/// What every operation on a session shows its store: which session, and the proof of its ticket's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Which session.
    pub handle: Handle,
    /// The hash of the ticket's secret.
    pub proof: Proof,
}

/// 128 random bits that a renewal leaves with the session, so that whoever still holds the ticket from before can be
/// given the new one again (see [`Ticket::successor`]). Alone it opens nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 16]);

impl Seed {
    /// Draws a new seed from the operating system.
    ///
    /// # Errors
    ///
    /// When the operating system has no random bytes.
    pub fn generate() -> Result<Self, Error> {
        random().map(Self)
    }

    /// Wraps the 16 bytes that a store kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What the browser holds: a session's [`Handle`] and the [`Secret`] that opens it.
///
/// As text 44 characters of URL-safe base64: 22 for the handle, which stay the same for the session's whole life (a
/// load balancer can route by them), and 22 for the secret. `Debug` shows the handle alone.
#[derive(Clone, Copy)]
pub struct Ticket {
    handle: Handle,
    secret: Secret,
}

/// The length of one half of a ticket: 16 bytes in base64 without padding.
const HALF: usize = 22;

impl Ticket {
    /// The length of a ticket as text.
    pub const LEN: usize = 2 * HALF;

    /// Draws the ticket of a new session from the operating system's generator.
    ///
    /// # Errors
    ///
    /// When the operating system has no random bytes. There is no other generator to fall back to.
    pub fn generate() -> Result<Self, Error> {
        let bytes: [u8; 32] = random()?;
        let (id, secret) = bytes.split_at(16);
        let id = uuid::Builder::from_random_bytes(halved(id)).into_uuid();
        Ok(Self { handle: Handle(id), secret: Secret(halved(secret)) })
    }

    /// Draws a new secret for the same session.
    ///
    /// # Errors
    ///
    /// When the operating system has no random bytes.
    pub fn with_new_secret(&self) -> Result<Self, Error> {
        Ok(Self { handle: self.handle, secret: Secret(random()?) })
    }

    /// Returns the ticket that a renewal with `seed` puts in this one's place.
    ///
    /// Its secret is the first half of a SHA-256 over this one's secret and the seed. So every request that holds
    /// the old ticket during the grace comes to the *same* new one: parallel renewals cannot hand out tickets that
    /// invalidate each other, and one whose answer was lost can be handed out again, though the store knows only
    /// hashes.
    #[must_use]
    pub fn successor(&self, seed: &Seed) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"cloakroom renewal\0");
        hash.update(self.handle.as_bytes());
        hash.update(self.secret.0);
        hash.update(seed.0);
        let digest: [u8; 32] = hash.finalize().into();
        Self { handle: self.handle, secret: Secret(halved(&digest[..16])) }
    }

    /// Reads a ticket's text.
    ///
    /// # Errors
    ///
    /// Unless it is 44 characters of URL-safe base64, each half in its one canonical form.
    pub fn parse(text: &[u8]) -> Result<Self, MalformedTicket> {
        let (handle, rest) = text.split_first_chunk::<HALF>().ok_or(MalformedTicket)?;
        let secret: &[u8; HALF] = rest.try_into().map_err(|_| MalformedTicket)?;
        Ok(Self { handle: Handle::from_bytes(decode(handle)?), secret: Secret(decode(secret)?) })
    }

    /// Writes the ticket as text. This is the one place where the secret leaves the process: into the cookie.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut text = String::with_capacity(Self::LEN);
        URL_SAFE_NO_PAD.encode_string(self.handle.as_bytes(), &mut text);
        URL_SAFE_NO_PAD.encode_string(self.secret.0, &mut text);
        text
    }

    /// Returns which session this ticket is for.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// Hashes the secret into what a store is shown.
    #[must_use]
    pub fn guard(&self) -> Guard {
        Guard { handle: self.handle, proof: self.secret.proof() }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({}, ..)", self.handle)
    }
}

/// A text that is no [`Ticket`]. Does not say what the text was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedTicket;

impl fmt::Display for MalformedTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed session ticket")
    }
}

impl std::error::Error for MalformedTicket {}

/// Reads half a ticket: 22 characters of 6 bits, of which the last 4 bits must be zero.
///
/// Every request comes through here, before anything is known of it. Written out, it takes a third of the work that a
/// decoder for any length and alphabet does.
fn decode(half: &[u8; HALF]) -> Result<[u8; 16], MalformedTicket> {
    let digit = |index: usize| u64::from(DIGITS[usize::from(half[index])]);
    let [mut high, mut low, mut all] = [0_u64; 3];
    for index in 0..10 {
        let (one, two) = (digit(index), digit(index + 10));
        all |= one | two;
        high = (high << 6) | one;
        low = (low << 6) | two;
    }
    let (one, two) = (digit(20), digit(21));
    all |= one | two;
    if all > 63 || two & 0b1111 != 0 {
        return Err(MalformedTicket);
    }
    let last = (one << 2) | (two >> 4);
    Ok(((u128::from(high) << 68) | (u128::from(low) << 8) | u128::from(last)).to_be_bytes())
}

/// What a character stands for in URL-safe base64 (RFC 4648, 5).
const DIGITS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 64 {
        digits[alphabet[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};

/// More than any digit, in bits that no digit has.
const NO_DIGIT: u8 = 0xff;

fn halved(bytes: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(bytes);
    half
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|source| Error::new(ErrorKind::Other, "random bytes", source))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_round_trips_and_is_44_characters() {
        let ticket = Ticket::generate().unwrap();
        let text = ticket.expose();
        assert_eq!(text.len(), 44);
        assert_eq!(Ticket::parse(text.as_bytes()).unwrap().guard(), ticket.guard());
    }

    /// OWASP ASVS 5.0, 7.2.2 and 11.5.2.
    #[test]
    fn no_ticket_is_drawn_twice_though_many_threads_draw_at_once() {
        const EACH: usize = 20_000;
        let draw = || (0..EACH).map(|_| Ticket::generate().unwrap()).collect::<Vec<_>>();
        let drawn: Vec<Ticket> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let distinct = |of: fn(&Ticket) -> [u8; 16]| {
            drawn.iter().map(of).collect::<std::collections::HashSet<_>>().len()
        };
        assert_eq!(distinct(|ticket| ticket.secret.0), 8 * EACH);
        assert_eq!(distinct(|ticket| *ticket.handle.as_bytes()), 8 * EACH);
    }

    /// Each bound is ten standard deviations away. OWASP ASVS 5.0, 7.2.3.
    #[test]
    fn the_bits_of_a_secret_are_even() {
        const DRAWN: u32 = 20_000;
        let (mut bytes, mut bits) = ([0_u32; 256], [0_u32; 128]);
        for _ in 0..DRAWN {
            let secret = Ticket::generate().unwrap().secret.0;
            secret.iter().for_each(|byte| bytes[usize::from(*byte)] += 1);
            let number = u128::from_be_bytes(secret);
            bits.iter_mut().enumerate().for_each(|(at, count)| *count += u32::from(number >> at & 1 == 1));
        }
        assert!(bits.iter().all(|count| count.abs_diff(DRAWN / 2) < 710), "{bits:?}");
        let expected = f64::from(DRAWN * 16) / 256.0;
        let chi_square: f64 =
            bytes.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        assert!((30.0..480.0).contains(&chi_square), "{chi_square}");
    }

    /// OWASP ASVS 5.0, 11.4.1. The number is that of `sha256sum`.
    #[test]
    fn a_proof_is_the_sha_256_of_the_secret() {
        let secret = Secret(std::array::from_fn(|at| at as u8));
        let hex: String = secret.proof().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "be45cb2605bf36bebde684841a28f0fd43c69850a3dce5fedba69928ee3a8991");
    }

    #[test]
    fn only_the_canonical_text_is_a_ticket() {
        let text = Ticket::generate().unwrap().expose();
        assert!(Ticket::parse(&text.as_bytes()[..43]).is_err());
        assert!(Ticket::parse(format!("{text}=").as_bytes()).is_err());
        assert!(Ticket::parse(text.replace(&text[..1], "+").as_bytes()).is_err());
        // The last character of a half carries 4 unused bits, which must be zero.
        for place in [21, 43] {
            let mut stray = "A".repeat(44);
            stray.replace_range(place..=place, "B");
            assert!(Ticket::parse(stray.as_bytes()).is_err());
        }
        assert!(Ticket::parse("A".repeat(44).as_bytes()).is_ok());
    }

    #[test]
    fn texts_are_read_as_any_base64_decoder_reads_them() {
        for round in 0..20_000_u32 {
            let mut text = Ticket::generate().unwrap().expose().into_bytes();
            // Every other text is damaged in one place.
            if round % 2 == 0 {
                text[round as usize / 2 % 44] = (round / 88 % 256) as u8;
            }
            let half = |half: &[u8]| URL_SAFE_NO_PAD.decode(half).ok();
            let expected = half(&text[..HALF]).zip(half(&text[HALF..]));
            let parsed = Ticket::parse(&text).ok();
            let parsed = parsed.map(|it| (it.handle.as_bytes().to_vec(), it.secret.0.to_vec()));
            assert_eq!(parsed, expected, "{:?}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let ticket = Ticket::generate().unwrap();
        let secret = &ticket.expose()[22..];
        let shown =
            format!("{ticket:?} {:?} {:?} {:?}", ticket.guard(), ticket.secret, ticket.secret.proof());
        assert!(!shown.contains(secret));
        assert!(shown.contains(&ticket.handle().to_string()));
        assert!(!shown.contains('['), "no raw bytes: {shown}");
    }

    #[test]
    fn every_holder_of_a_ticket_derives_the_same_successor() {
        let ticket = Ticket::generate().unwrap();
        let seed = Seed::generate().unwrap();
        let next = ticket.successor(&seed);
        assert_eq!(next.guard(), ticket.successor(&seed).guard());
        assert_eq!(next.handle(), ticket.handle());
        assert_ne!(next.guard(), ticket.guard());
        assert_ne!(next.guard(), ticket.successor(&Seed::generate().unwrap()).guard());
    }

    #[test]
    fn a_handle_is_a_version_4_uuid() {
        let text = Ticket::generate().unwrap().handle().to_string();
        assert_eq!(text.len(), 36);
        assert_eq!(&text[14..15], "4");
        assert_eq!(text.parse::<Handle>().unwrap().to_string(), text);
        assert!("nonsense".parse::<Handle>().is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_one_ticket_or_none(text: Vec<u8>, mostly in "[A-Za-z0-9_-]{43,45}") {
            for text in [text, mostly.into_bytes()] {
                if let Ok(ticket) = Ticket::parse(&text) {
                    prop_assert_eq!(ticket.expose().into_bytes(), text);
                }
            }
        }
    }
}
