use cloakroom_core::Ticket;
use http::header::{COOKIE, HeaderMap, HeaderValue};

/// How many tickets of one request are tried. Several cookies of one name come from different paths or domains; more
/// than this many are an attack on the store.
const MAX_TICKETS: usize = 4;

/// The `Cookie` lines of a request. Keeping them copies no text.
#[derive(Debug, Default)]
pub(crate) enum Cookies {
    #[default]
    None,
    One(HeaderValue),
    Several(Vec<HeaderValue>),
}

impl Cookies {
    #[inline]
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        // Cheap for almost every request: no field comes twice.
        if headers.len() == headers.keys_len() {
            return headers.get(COOKIE).map_or(Self::None, |one| Self::One(one.clone()));
        }
        let mut lines = headers.get_all(COOKIE).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Self::None,
            (Some(one), None) => Self::One(one.clone()),
            (Some(one), Some(two)) => Self::Several([one, two].into_iter().chain(lines).cloned().collect()),
        }
    }

    fn lines(&self) -> &[HeaderValue] {
        match self {
            Self::None => &[],
            Self::One(line) => std::slice::from_ref(line),
            Self::Several(lines) => lines,
        }
    }
}

/// Returns the well-formed tickets in cookies of one name, in the order of the request, each once, and not too many.
///
/// A pair is split off at `;` and at its first `=`, with blanks around both dropped (RFC 6265, 5.2, as agents send it).
/// Everything else, a quoted value too, is none of ours: it is skipped and never an error.
pub(crate) fn tickets<'a>(cookies: &'a Cookies, name: &'a str) -> impl Iterator<Item = Ticket> + Send {
    let mut values = cookies.lines().iter().flat_map(|line| values(line.as_bytes(), name.as_bytes()));
    let mut tried: [&[u8]; MAX_TICKETS] = [&[]; MAX_TICKETS];
    let mut count = 0;
    std::iter::from_fn(move || {
        while count < MAX_TICKETS {
            let value = values.next()?;
            let Ok(ticket) = Ticket::parse(value) else {
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

fn values<'a>(line: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + Send {
    pairs(line).filter_map(move |pair| {
        let value = pair.trim_ascii_start().strip_prefix(name)?;
        value.trim_ascii_start().strip_prefix(b"=").map(<[u8]>::trim_ascii)
    })
}

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> + Send {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let end = memchr::memchr(b';', line);
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
        tickets(&Cookies::of(&headers), "id").map(|ticket| ticket.expose()).collect()
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

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_invent_a_ticket(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                headers.append(COOKIE, value);
                for ticket in tickets(&Cookies::of(&headers), "id") {
                    let text = ticket.expose();
                    prop_assert!(line.windows(44).any(|window| window == text.as_bytes()));
                }
            }
        }
    }
}
