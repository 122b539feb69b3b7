//! The pages, and the actions that lead from one to the next. Every action answers with a redirect to a page, so that the
//! back button finds pages only.

mod account;
mod cart;
mod ending;
mod fitting;
mod shop;
mod theme;
mod time;
mod trunk;
mod voucher;

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use cloakroom::core::{InvalidText, Name};
use cloakroom::{Attribute, Flash, LoadPolicy, SessionLayer};

use crate::attributes::{Cart, Theme};

/// Returns the routes that use a session, each group with the layer that loads what all of the group need. The layers are
/// one: they share the store, the cookie and all other settings.
///
/// Whoever signed in longer ago than `confirm_after` is asked again before they end sessions elsewhere.
pub(crate) fn routes(layer: &SessionLayer, confirm_after: Duration) -> Result<Router, InvalidText> {
    let pages = Router::new()
        .merge(shop::pages())
        .merge(cart::pages())
        .merge(fitting::pages())
        .merge(account::pages())
        .merge(ending::pages())
        .merge(voucher::pages());
    let actions = Router::new()
        .merge(fitting::actions())
        .merge(account::actions())
        .merge(ending::actions(confirm_after))
        .merge(theme::actions())
        .merge(time::actions())
        .merge(trunk::actions())
        .merge(voucher::actions());
    let shown_on_every_page = [name::<Theme>()?, name::<Cart>()?, Flash::NAME];
    Ok(Router::new()
        .merge(pages.layer(loading(layer, &shown_on_every_page)))
        .merge(cart::actions().layer(loading(layer, &[name::<Cart>()?])))
        .merge(actions.layer(layer.clone()))
        .fallback(async || StatusCode::NOT_FOUND))
}

fn loading(layer: &SessionLayer, names: &[Name]) -> SessionLayer {
    layer.clone().load(LoadPolicy::Named(names.into()))
}

fn name<T: Attribute>() -> Result<Name, InvalidText> {
    Name::new(T::NAME)
}
