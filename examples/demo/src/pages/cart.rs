use askama::Template;
use axum::Router;
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::response::{Redirect, Result};
use axum::routing::{get, post};
use cloakroom::{Error, Flash, Session};
use serde::Deserialize;

use crate::attributes::Cart;
use crate::goods::{self, Good, Price};
use crate::web::{Page, Visitor};

pub(super) fn pages() -> Router {
    Router::new().route("/cart", get(show))
}

pub(super) fn actions() -> Router {
    Router::new()
        .route("/cart/{slug}", post(add))
        .route("/cart/{slug}/quantity", post(set_quantity))
        .route("/checkout", post(check_out))
}

#[derive(Template)]
#[template(path = "cart.html")]
struct CartPage {
    lines: Vec<Line>,
    total: Price,
}

struct Line {
    good: &'static Good,
    quantity: u32,
    price: Price,
}

async fn show(session: Session, visitor: Visitor) -> Result<Page<CartPage>, Error> {
    let cart = session.get::<Cart>().await?.unwrap_or_default();
    let lines: Vec<_> = cart.iter().filter_map(line).collect();
    let total = lines.iter().map(|line| line.price).sum();
    Ok(Page::new(visitor, "Your cart", CartPage { lines, total }))
}

fn line((slug, quantity): (&str, u32)) -> Option<Line> {
    let good = goods::find(slug)?;
    let price = good.price.times(quantity);
    Some(Line { good, quantity, price })
}

#[derive(Deserialize)]
struct Quantity {
    quantity: u32,
}

/// Two tabs may add at the same moment. With `Attr<Cart>` both would start from the same cart, and the second would
/// overwrite what the first has added: it is one attribute. `update` is a compare-and-set, tried again until nobody has
/// come in between, so it loses nothing.
async fn add(
    session: Session,
    mut flash: Flash,
    Path(slug): Path<String>,
    Form(Quantity { quantity }): Form<Quantity>,
) -> Result<Redirect> {
    let good = goods::find(&slug).ok_or(StatusCode::NOT_FOUND)?;
    session.update(|cart: &mut Cart| cart.add(good.slug, quantity)).await?;
    flash.success(format!("{} is in your cart.", good.name))?;
    Ok(Redirect::to("/cart"))
}

async fn set_quantity(
    session: Session,
    mut flash: Flash,
    Path(slug): Path<String>,
    Form(Quantity { quantity }): Form<Quantity>,
) -> Result<Redirect> {
    let good = goods::find(&slug).ok_or(StatusCode::NOT_FOUND)?;
    session.update(|cart: &mut Cart| cart.set(good.slug, quantity)).await?;
    if quantity == 0 {
        flash.info(format!("{} is back on its hook.", good.name))?;
    }
    Ok(Redirect::to("/cart"))
}

/// Of two clicks on the button one takes the cart, and the other finds none: a cart is paid for once.
async fn check_out(session: Session, mut flash: Flash) -> Result<Redirect, Error> {
    if let Some(cart) = session.take_once::<Cart>().await? {
        let thanks = match cart.count() {
            1 => "Thank you! Your thing does not exist, so neither does the bill.".to_owned(),
            count => format!("Thank you! Your {count} things do not exist, so neither does the bill."),
        };
        flash.success(thanks)?;
    }
    Ok(Redirect::to("/cart"))
}
