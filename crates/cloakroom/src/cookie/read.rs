use cloakroom_core::Ticket;
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};

use super::{MAX_SIGNATURES, OwnHeader, Signer};

/// How many tickets of one request are tried. Several cookies of one name come from different paths or domains; more
/// than this many are an attack on the store.
const MAX_TICKETS: usize = 4;

/// The `Cookie` lines of a request, or those of the header that carries tickets in their place. Keeping them copies no
/// text.
#[derive(Debug, Default)]
pub(crate) enum Cookies {
    #[default]
    None,
    One(HeaderValue),
    Rare(Box<Rare>),
}

/// What few requests have, in a box so that the others need not care for it.
#[derive(Debug)]
pub(crate) struct Rare {
    lines: Vec<HeaderValue>,
    /// Where these are of the layer's own header, so that the request's cookies do not count: what comes in the header of
    /// the version seen.
    own_header: Option<Vec<HeaderValue>>,
}

impl Cookies {
    #[inline]
    pub(crate) fn of(headers: &HeaderMap, own: Option<&OwnHeader>) -> Self {
        if let Some(own) = own
            && headers.contains_key(&own.ticket)
        {
            let seen = own.seen.as_ref().map(|name| all(headers, name));
            return Self::rare(headers, &own.ticket, Some(seen.unwrap_or_default()));
        }
        // Cheap for almost every request: no field comes twice.
        if headers.len() == headers.keys_len() {
            return only(headers).map_or(Self::None, |one| Self::One(one.clone()));
        }
        let mut lines = headers.get_all(COOKIE).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Self::None,
            (Some(one), None) => Self::One(one.clone()),
            _ => Self::rare(headers, &COOKIE, None),
        }
    }

    #[cold]
    fn rare(headers: &HeaderMap, name: &HeaderName, own_header: Option<Vec<HeaderValue>>) -> Self {
        Self::Rare(Box::new(Rare { lines: all(headers, name), own_header }))
    }

    /// Returns whether the tickets come in the layer's own header.
    pub(crate) fn are_of_own_header(&self) -> bool {
        self.seen().is_some()
    }

    /// Returns what comes in the header of the version seen, where the tickets come in the layer's own header.
    pub(super) fn seen(&self) -> Option<&[HeaderValue]> {
        match self {
            Self::Rare(rare) => rare.own_header.as_deref(),
            _ => None,
        }
    }

    pub(super) fn lines(&self) -> &[HeaderValue] {
        match self {
            Self::None => &[],
            Self::One(line) => std::slice::from_ref(line),
            Self::Rare(rare) => &rare.lines,
        }
    }
}

fn all(headers: &HeaderMap, name: &HeaderName) -> Vec<HeaderValue> {
    headers.get_all(name).iter().cloned().collect()
}

/// Returns the one `Cookie` line, where no field comes twice. To look at a few fields costs less than to hash a name.
#[inline]
fn only(headers: &HeaderMap) -> Option<&HeaderValue> {
    if headers.len() > 4 {
        return headers.get(COOKIE);
    }
    headers.iter().find_map(|(name, value)| (name == COOKIE).then_some(value))
}

/// Returns the well-formed tickets in cookies of one name, in the order of the request, each once, and not too many.
/// Where there is a signer, those alone that it or one of its older keys has signed.
///
/// A pair is split off at `;` and at its first `=`, with blanks around both dropped (RFC 6265, 5.2, as agents send it).
/// Everything else, a quoted value too, is none of ours: it is skipped and never an error.
#[inline]
pub(crate) fn tickets<'a>(
    cookies: &'a Cookies,
    name: &'a str,
    signer: Option<&'a Signer>,
) -> impl Iterator<Item = Ticket> + Send {
    let name = (!cookies.are_of_own_header()).then_some(name.as_bytes());
    let mut values = cookies.lines().iter().flat_map(move |line| values(line.as_bytes(), name));
    let mut to_check = MAX_SIGNATURES;
    let mut tried: [&[u8]; MAX_TICKETS] = [&[]; MAX_TICKETS];
    let mut count = 0;
    std::iter::from_fn(move || {
        while count < MAX_TICKETS {
            let value = values.next()?;
            let text = match signer {
                None => Some(value),
                Some(signer) => signer.genuine(value, &mut to_check),
            };
            let Some(text) = text else {
                crate::telemetry::rejected("forged");
                tracing::debug!("ignoring a session ticket that is not signed with a known key");
                continue;
            };
            let Ok(ticket) = Ticket::parse(text) else {
                crate::telemetry::rejected("malformed");
                tracing::debug!("ignoring a malformed session cookie");
                continue;
            };
            if !tried[..count].contains(&value) {
                tried[count] = value;
                count += 1;
                return Some(ticket);
            }
        }
        None
    })
}

/// Returns the values of this name in a line of cookies; without a name, the whole line.
pub(super) fn values<'a>(line: &'a [u8], name: Option<&'a [u8]>) -> impl Iterator<Item = &'a [u8]> + Send {
    pairs(line, name.is_some()).filter_map(move |pair| {
        let Some(name) = name else { return Some(pair.trim_ascii()) };
        let value = pair.trim_ascii_start().strip_prefix(name)?;
        value.trim_ascii_start().strip_prefix(b"=").map(<[u8]>::trim_ascii)
    })
}

fn pairs(line: &[u8], are_several: bool) -> impl Iterator<Item = &[u8]> + Send {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let end = if are_several { memchr::memchr(b';', line) } else { None };
        rest = end.map(|end| &line[end + 1..]);
        Some(&line[..end.unwrap_or(line.len())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(lines: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
        }
        tickets(&Cookies::of(&headers, None), "id", None).map(|ticket| ticket.expose()).collect()
    }

    #[test]
    fn every_cookie_of_the_name_is_found_in_order() {
        let [a, b, c] = [(); 3].map(|()| Ticket::generate().unwrap().expose());
        assert_eq!(found(&[&format!("x=1; id={a};id={b}"), &format!("id={c}")]), [a.clone(), b, c]);
        assert_eq!(found(&[&format!("id={a}; id={a}")]), std::slice::from_ref(&a), "each once");
        assert_eq!(found(&[&format!("  id = {a} ")]), [a]);
    }

    #[test]
    fn nothing_else_is() {
        let ticket = Ticket::generate().unwrap().expose();
        for line in ["", ";", "id", "id=", "=", "id=short", "id==", "other=x"] {
            assert_eq!(found(&[line]), [""; 0], "{line:?}");
        }
        assert_eq!(found(&[&format!("id=\"{ticket}\"")]), [""; 0]);
        assert_eq!(found(&[&format!("Id={ticket}; idx={ticket}; xid={ticket}")]), [""; 0]);
    }

    #[test]
    fn the_number_of_tickets_is_bounded() {
        let line: String =
            (0..50).map(|_| format!("id={}; ", Ticket::generate().unwrap().expose())).collect();
        assert_eq!(found(&[&line]).len(), MAX_TICKETS);
    }

    /// The same by another library's reader.
    fn found_by_another(line: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for cookie in cookie::Cookie::split_parse(line).filter_map(Result::ok) {
            let is_ticket = cookie.name() == "id" && Ticket::parse(cookie.value().as_bytes()).is_ok();
            if is_ticket && !found.iter().any(|it| it == cookie.value()) {
                found.push(cookie.value().to_owned());
            }
        }
        found.truncate(MAX_TICKETS);
        found
    }

    /// Parts of a line of cookies; `T` and `U` stand for two tickets.
    const PARTS: &[&str] = &[
        "id=", "id", "Id=", " id = ", "x=", "=", "T", "U", "\"T\"", "T=", ";", "; ", ";;", " ", "\t", ",",
        "\"", "a b",
    ];

    proptest! {
        /// RFC 6265bis: quotes, `=` in a value, blanks, empty pairs.
        #[test]
        fn another_reader_finds_the_same(
            parts in proptest::collection::vec(proptest::sample::select(PARTS), 0..40),
            seeds: [u8; 2],
        ) {
            let [one, two] = seeds.map(|seed| {
                let digit = char::from(b'a' + seed % 26);
                format!("{}A", digit.to_string().repeat(21)).repeat(2)
            });
            let line = parts.concat().replace('T', &one).replace('U', &two);
            prop_assert_eq!(found(&[&line]), found_by_another(&line), "{}", line);
        }

        #[test]
        fn no_bytes_make_it_panic_or_invent_a_ticket(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                headers.append(COOKIE, value);
                for ticket in tickets(&Cookies::of(&headers, None), "id", None) {
                    let text = ticket.expose();
                    prop_assert!(line.windows(44).any(|window| window == text.as_bytes()));
                }
            }
        }
    }
}
