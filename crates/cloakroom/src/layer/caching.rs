use http::header::{CACHE_CONTROL, COOKIE, Entry, HeaderMap, HeaderName, HeaderValue, OccupiedEntry, VARY};

/// Keeps shared caches from giving one visitor's answer to another: for an answer whose request used the session
/// (RFC 9111; OWASP ASVS 5.0, 14.2.2 and 14.3.2).
///
/// A `Cache-Control` of the application's own stands. Returns whether there was none.
pub(super) fn forbid_sharing(headers: &mut HeaderMap, sets_cookie: bool) -> bool {
    match headers.entry(VARY) {
        Entry::Vacant(vacant) => drop(vacant.insert(COOKIE_FIELD)),
        Entry::Occupied(mut occupied) => {
            if !varies_by(&occupied, COOKIE.as_str()) {
                occupied.append(COOKIE_FIELD);
            }
        }
    }
    match headers.entry(CACHE_CONTROL) {
        Entry::Vacant(vacant) => {
            vacant.insert(if sets_cookie { NO_STORE } else { PRIVATE });
            true
        }
        Entry::Occupied(_) => false,
    }
}

/// Marks an answer whose `Cache-Control` is a layer's, and not the application's.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnCacheControl;

/// Takes back what a layer within has said of an answer that sets no cookie of its own, unless it was replaced since.
pub(super) fn allow_storing_less(headers: &mut HeaderMap) {
    if headers.get(CACHE_CONTROL) == Some(&PRIVATE) {
        headers.remove(CACHE_CONTROL);
    }
}

/// Says that an answer depends on this request header too. It varies by the cookie already.
pub(super) fn vary_by(headers: &mut HeaderMap, name: &HeaderName) {
    if let Entry::Occupied(mut vary) = headers.entry(VARY)
        && !varies_by(&vary, name.as_str())
    {
        vary.append(name.clone().into());
    }
}

const COOKIE_FIELD: HeaderValue = HeaderValue::from_static("Cookie");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

fn varies_by(vary: &OccupiedEntry<'_, HeaderValue>, name: &str) -> bool {
    let lines = vary.iter().filter_map(|line| line.to_str().ok());
    let mut fields = lines.flat_map(|line| line.split(',')).map(str::trim);
    fields.any(|field| field == "*" || field.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(before: &[(http::HeaderName, &'static str)], sets_cookie: bool) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in before {
            headers.append(name, HeaderValue::from_static(value));
        }
        forbid_sharing(&mut headers, sets_cookie);
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn an_answer_is_private_and_one_with_a_cookie_is_not_stored() {
        assert_eq!(after(&[], false), ["vary: Cookie", "cache-control: private, no-cache"]);
        assert_eq!(after(&[], true), ["vary: Cookie", "cache-control: no-store"]);
    }

    #[test]
    fn what_the_application_said_stands() {
        assert_eq!(
            after(&[(CACHE_CONTROL, "max-age=5")], true),
            ["cache-control: max-age=5", "vary: Cookie"]
        );
        assert_eq!(after(&[(VARY, "Accept, cookie"), (CACHE_CONTROL, "no-store")], false).len(), 2);
        assert_eq!(after(&[(VARY, "*"), (CACHE_CONTROL, "no-store")], false).len(), 2);
        let varied = after(&[(VARY, "Accept"), (CACHE_CONTROL, "no-store")], false);
        assert!(varied.contains(&"vary: Accept".to_owned()) && varied.contains(&"vary: Cookie".to_owned()));
    }
}
