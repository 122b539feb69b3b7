use std::sync::atomic::Ordering;

use http::header::{COOKIE, HOST};
use http::uri::Scheme;
use http::{HeaderMap, Request};

use crate::session::Shared;

/// Tells a developer, once, why sessions do not stick over plain HTTP: browsers drop a `Secure` cookie that comes that way.
///
/// A heuristic for the log alone. Looks only at requests without a cookie, and only at the first few, or until it has seen
/// one that came over HTTPS or had to be warned about.
#[inline]
pub(super) fn observe<B>(shared: &Shared, request: &Request<B>) {
    if shared.settings.cookie.secure && shared.to_inspect.load(Ordering::Relaxed) > 0 {
        inspect(shared, request);
    }
}

#[cold]
fn inspect<B>(shared: &Shared, request: &Request<B>) {
    let by_header = shared.settings.header.as_ref().is_some_and(|name| request.headers().contains_key(name));
    if by_header || request.headers().contains_key(COOKIE) {
        return;
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.or_else(|| request.uri().host()) else {
        return;
    };
    if is_local(host) {
        shared.to_inspect.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    shared.to_inspect.store(0, Ordering::Relaxed);
    let https = request.uri().scheme() == Some(&Scheme::HTTPS) || says_https(request.headers());
    if !https {
        tracing::warn!(
            "the session cookie is `Secure`, and a request seems to have come over plain HTTP: browsers will not send the \
             cookie back. Serve HTTPS (a proxy should send `X-Forwarded-Proto`), or in development use \
             `SessionLayer::insecure_cookie`"
        );
    }
}

/// Browsers treat these as secure.
fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.eq_ignore_ascii_case("localhost")
        || name.ends_with(".localhost")
        || name.starts_with("127.")
        || name == "[::1]"
}

fn says_https(headers: &HeaderMap) -> bool {
    let says = |name: &str, text: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().contains(text))
    };
    says("x-forwarded-proto", "https") || says("forwarded", "proto=https")
}
