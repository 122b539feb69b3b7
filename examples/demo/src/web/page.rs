use askama::Template;
use axum::Extension;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{Html, IntoResponse, Response};

use super::visitor::Visitor;
use crate::inspector::Panel;

/// A page: what is particular to it, for the visitor who asked.
pub(crate) struct Page<T> {
    visitor: Visitor,
    title: String,
    main: T,
}

impl<T> Page<T> {
    pub(crate) fn new(visitor: Visitor, title: impl Into<String>, main: T) -> Self {
        Self { visitor, title: title.into(), main }
    }
}

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let Self { visitor, title, main } = self;
        match main.render() {
            Ok(main) => {
                let shell = Shell { visitor, title, main };
                // Each page shows what is the visitor's alone. After signing out, the back button must ask again.
                (Extension(shell), [(CACHE_CONTROL, "no-store")]).into_response()
            }
            Err(error) => unrenderable(&error),
        }
    }
}

/// What stands around a page: the head, the way to other pages, and the inspector. It travels with the response until
/// the session is stored, since the inspector tells of that too.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    visitor: Visitor,
    title: String,
    main: String,
}

#[derive(Template)]
#[template(path = "shell.html")]
struct ShellTemplate<'a> {
    visitor: &'a Visitor,
    title: &'a str,
    main: &'a str,
    panel: &'a Panel,
}

impl Shell {
    /// Renders the whole page into the response that this came with.
    pub(crate) fn around(&self, panel: &Panel, response: Response) -> Response {
        let Self { visitor, title, main } = self;
        let template = ShellTemplate { visitor, title, main, panel };
        match template.render() {
            Ok(html) => (response.into_parts().0, Html(html)).into_response(),
            Err(error) => unrenderable(&error),
        }
    }
}

fn unrenderable(error: &askama::Error) -> Response {
    tracing::error!(%error, "a page cannot be rendered");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
