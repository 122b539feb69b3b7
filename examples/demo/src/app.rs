use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use cloakroom::core::{DynStore, InvalidText};
use cloakroom::{SessionLayer, SiteData};

use crate::inspector::{Counting, Inspector, watch};
use crate::options::Options;
use crate::pages;
use crate::web::{assets, explain, guard_pages, same_origin};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A shop on one busy machine would rather let a visitor wait for the disk than turn them away.
const PATIENT: Duration = Duration::from_secs(10);

/// Returns the layer that gives each request its session.
///
/// At the end of a session the browser forgets what else it keeps of the shop, but for cookies: they would be those of every
/// application on this host.
pub(crate) fn sessions(store: Arc<dyn DynStore>, options: &Options) -> SessionLayer {
    let layer = SessionLayer::new(Counting(store))
        .max_inactive_interval(options.idle)
        .max_lifetime(30 * DAY)
        .store_timeout(PATIENT)
        .clear_site_data([SiteData::Cache, SiteData::Storage])
        .persistent();
    if options.insecure_cookie { layer.insecure_cookie() } else { layer }
}

/// Returns the shop. The further down a layer, the further out.
pub(crate) fn app(
    layer: &SessionLayer,
    store: Arc<dyn DynStore>,
    options: &Options,
) -> Result<Router, InvalidText> {
    Ok(pages::routes(layer, options.confirm_after)?
        .layer(from_fn_with_state(Inspector::new(store), watch))
        .layer(from_fn(explain))
        .merge(assets())
        .layer(from_fn(same_origin))
        .layer(from_fn(guard_pages)))
}
