use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use cloakroom::SessionLayer;
use cloakroom::core::{DynStore, InvalidText};

use crate::inspector::{Counting, Inspector, watch};
use crate::pages;
use crate::web::{assets, explain, guard_pages, same_origin};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the layer that gives each request its session, which waits for the next as long as `idle`.
pub(crate) fn sessions(store: Arc<dyn DynStore>, idle: Duration, insecure_cookie: bool) -> SessionLayer {
    let layer =
        SessionLayer::new(Counting(store)).max_inactive_interval(idle).max_lifetime(30 * DAY).persistent();
    if insecure_cookie { layer.insecure_cookie() } else { layer }
}

/// Returns the shop. The further down a layer, the further out.
pub(crate) fn app(layer: &SessionLayer, store: Arc<dyn DynStore>) -> Result<Router, InvalidText> {
    Ok(pages::routes(layer)?
        .layer(from_fn_with_state(Inspector::new(store), watch))
        .layer(from_fn(explain))
        .merge(assets())
        .layer(from_fn(same_origin))
        .layer(from_fn(guard_pages)))
}
