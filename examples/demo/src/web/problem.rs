use askama::Template;
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};

/// What a visitor is told in place of a page.
#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    title: &'static str,
    text: &'static str,
    way_out: (&'static str, &'static str),
}

/// Puts a page into answers that are nothing but an error's status: those of handlers, whose errors are answers as they
/// are, and those of the session layer, where a session could not be stored.
pub(crate) async fn explain(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    // The library says in a line of text that somebody has to sign in: a page says it better.
    let is_bare = response.body().size_hint().exact() == Some(0) || status == StatusCode::UNAUTHORIZED;
    if !is_error || !is_bare {
        return response;
    }
    match Problem::of(status).render() {
        Ok(html) => {
            let mut head = response.into_parts().0;
            head.headers.remove(CONTENT_TYPE);
            (head, Html(html)).into_response()
        }
        Err(_) => response,
    }
}

impl Problem {
    fn of(status: StatusCode) -> Self {
        let (title, text) = match status {
            StatusCode::NOT_FOUND => {
                ("Nothing on this hook", "There is no such page here. Perhaps there never was.")
            }
            StatusCode::UNAUTHORIZED => {
                ("You are not signed in", "Or no longer: a session can be ended from elsewhere.")
            }
            StatusCode::CONFLICT => {
                ("Someone was faster", "Your session was changed or ended meanwhile. Please try again.")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("The hook is full", "Your session cannot hold any more."),
            StatusCode::SERVICE_UNAVAILABLE => (
                "The cloakroom is closed for a moment",
                "Your things are safe, but out of reach. Please try again.",
            ),
            status if status.is_server_error() => {
                ("A moth got in", "Something went wrong on our side. Nothing was changed.")
            }
            _ => ("We could not read that", "Please go back and try again."),
        };
        let way_out = match status {
            StatusCode::UNAUTHORIZED => ("/sign-in", "Sign in"),
            _ => ("/", "To the shop"),
        };
        Self { title, text, way_out }
    }
}
