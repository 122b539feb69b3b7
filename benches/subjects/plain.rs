//! axum without sessions.

use axum::Router;
use axum::http::header::SET_COOKIE;
use axum::routing::{get, post};
use cloakroom::core::Ticket;

use super::nothing::NothingLayer;
use super::{COOKIE, hello, routes};

/// axum without a layer. It hands out a cookie that opens nothing, so that the requests are as long as those with a session.
pub(super) fn bare() -> Router {
    let cookie = async || {
        let ticket = Ticket::generate().map_err(|error| error.to_string())?;
        Ok::<_, String>([(SET_COOKIE, format!("{COOKIE}={}; Path=/", ticket.expose()))])
    };
    routes(get(hello), post(cookie), get(hello))
}

/// The same behind a layer that does nothing.
pub(super) fn nothing() -> Router {
    bare().layer(NothingLayer)
}
