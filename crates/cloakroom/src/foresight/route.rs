use std::hash::BuildHasher as _;
use std::num::NonZeroU32;
use std::sync::LazyLock;

use http::{Extensions, Method};

/// Tells the requests of one route from those of others: a hash, so that neither a path nor what a visitor has written into
/// one is kept. Should two routes ever have the same, each is given what the other reads too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Route(u64);

/// What a request has asked for, as far as that may tell its route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    method: NonZeroU32,
    path: u64,
}

impl Asked {
    pub(crate) fn by(method: &Method, path: &str) -> Self {
        Self { method: code(method), path: hash(beginning(path)) }
    }

    /// Returns the route: the method, and the path in axum's router that the request matches or, elsewhere, how its own path
    /// begins.
    pub(crate) fn route(self, extensions: &Extensions) -> Route {
        let path = matched(extensions).map_or(self.path, hash);
        Route(path ^ u64::from(self.method.get()))
    }
}

/// Returns a number that no two methods of RFC 9110 and RFC 5789 share.
fn code(method: &Method) -> NonZeroU32 {
    let text = method.as_str().as_bytes();
    let [first, second] = [0, 1].map(|index| text.get(index).copied().unwrap_or_default());
    NonZeroU32::MIN | (u32::from_be_bytes([text.len() as u8, first, second, 0]))
}

fn hash(path: &str) -> u64 {
    static HASHES: LazyLock<lru::DefaultHasher> = LazyLock::new(lru::DefaultHasher::default);
    HASHES.hash_one(path)
}

#[cfg(feature = "axum")]
fn matched(extensions: &Extensions) -> Option<&str> {
    extensions.get::<axum::extract::MatchedPath>().map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "axum"))]
fn matched(_: &Extensions) -> Option<&str> {
    None
}

/// Keeps what tells the route of a request.
pub(crate) fn keep_route(from: &Extensions, to: &mut Extensions) {
    #[cfg(feature = "axum")]
    if let Some(path) = from.get::<axum::extract::MatchedPath>() {
        to.insert(path.clone());
    }
    let _ = (from, to);
}

/// Returns the first segments of a path, three at most, up to the first that seems to name one thing of many: which has a
/// digit, or more than 32 bytes.
fn beginning(path: &str) -> &str {
    let mut end = 0;
    let mut segments = 0;
    for (index, byte) in path.bytes().enumerate() {
        let is_end = byte == b'/' && index > 0;
        if is_end {
            (end, segments) = (index, segments + 1);
        }
        if segments == 3 || byte.is_ascii_digit() || index - end > 32 {
            return &path[..end];
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_path_counts_as_far_as_it_names_no_one_thing() {
        let long = format!("/files/{}/x", "a".repeat(33));
        let cases = [
            ("/", "/"),
            ("", ""),
            ("/cart", "/cart"),
            ("/cart/", "/cart/"),
            ("/users/17/orders", "/users"),
            ("/users/ada", "/users/ada"),
            ("/api/v2/users", "/api"),
            ("/a/b/c/d/e", "/a/b/c"),
            ("/3d", ""),
            ("//", "//"),
            ("/grüße/an/alle", "/grüße/an/alle"),
            ("*", "*"),
            (&long, "/files"),
        ];
        for (path, expected) in cases {
            assert_eq!(beginning(path), expected, "{path}");
        }
    }

    #[test]
    fn routes_differ_by_method_and_path() {
        let none = Extensions::new();
        let route = |method: &Method, path| Asked::by(method, path).route(&none);
        assert_eq!(route(&Method::GET, "/users/1"), route(&Method::GET, "/users/2"));
        assert_ne!(route(&Method::GET, "/users/1"), route(&Method::POST, "/users/1"));
        assert_ne!(route(&Method::GET, "/users/1"), route(&Method::GET, "/carts/1"));
    }

    #[test]
    fn every_method_has_a_code_of_its_own() {
        let methods =
            ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"];
        let codes: HashSet<_> = methods.map(|method| code(&method.parse().unwrap())).into();
        assert_eq!(codes.len(), methods.len());
    }
}
