use axum::extract::Request;
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a change that a page of another site asks for (cross-site request forgery).
///
/// The cookie's `SameSite=Lax` keeps such a request from carrying the session. This is the second lock, and it knows one
/// origin from another, which `SameSite` does not: two ports of a host are one site. A request that tells neither where
/// it comes from was not sent by a page in a browser.
pub(crate) async fn same_origin(request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe || comes_from_here(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "This request came from another site.").into_response()
    }
}

fn comes_from_here(headers: &HeaderMap) -> bool {
    let value = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (value(SEC_FETCH_SITE), value(ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == value(HOST)
        }
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn passes(headers: &[(HeaderName, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        comes_from_here(&headers.collect())
    }

    #[test]
    fn the_browsers_word_comes_first() {
        assert!(passes(&[(SEC_FETCH_SITE, "same-origin")]));
        assert!(passes(&[(SEC_FETCH_SITE, "none")]));
        assert!(!passes(&[(SEC_FETCH_SITE, "same-site")]), "another port");
        assert!(!passes(&[(SEC_FETCH_SITE, "cross-site")]));
        assert!(!passes(&[
            (SEC_FETCH_SITE, "cross-site"),
            (ORIGIN, "http://127.0.0.1:8080"),
            (HOST, "127.0.0.1:8080")
        ]));
    }

    #[test]
    fn else_the_origin_must_be_the_host() {
        let host = (HOST, "127.0.0.1:8080");
        assert!(passes(&[(ORIGIN, "http://127.0.0.1:8080"), host.clone()]));
        assert!(!passes(&[(ORIGIN, "http://127.0.0.1:8081"), host.clone()]));
        assert!(!passes(&[(ORIGIN, "null"), host.clone()]));
        assert!(!passes(&[(ORIGIN, "http://127.0.0.1:8080")]));
        assert!(passes(&[host]), "no browser");
    }
}
