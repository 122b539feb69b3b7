use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::LazyLock;

use http::{Extensions, Method};

/// Tells the requests of one route from those of others: a hash, so that neither a path nor what a visitor has written into
/// one is kept. Should two routes ever have the same, each is given what the other reads too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Route(u64);

impl Route {
    /// Returns the route of a request: its method, and the path in axum's router that it matches or, elsewhere, how its own
    /// path begins.
    pub(crate) fn of(method: &Method, path: &str, extensions: &Extensions) -> Self {
        Self::new(method, matched(extensions).unwrap_or_else(|| beginning(path)))
    }

    fn new(method: &Method, path: &str) -> Self {
        static HASHES: LazyLock<lru::DefaultHasher> = LazyLock::new(lru::DefaultHasher::default);
        let mut hasher = HASHES.build_hasher();
        method.hash(&mut hasher);
        hasher.write(path.as_bytes());
        Self(hasher.finish())
    }
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
    for segment in path.trim_start_matches('/').split('/').take(3) {
        let names_one = segment.len() > 32 || segment.bytes().any(|byte| byte.is_ascii_digit());
        if names_one {
            break;
        }
        end += 1 + segment.len();
    }
    path.get(..end).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let route = |method: &Method, path| Route::of(method, path, &none);
        assert_eq!(route(&Method::GET, "/users/1"), route(&Method::GET, "/users/2"));
        assert_ne!(route(&Method::GET, "/users/1"), route(&Method::POST, "/users/1"));
        assert_ne!(route(&Method::GET, "/users/1"), route(&Method::GET, "/carts/1"));
    }
}
