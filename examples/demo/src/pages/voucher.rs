use askama::Template;
use axum::Router;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::{Redirect, Result};
use axum::routing::{get, post};
use cloakroom::{Error, Flash, Session};
use serde::Deserialize;

use crate::attributes::Voucher;
use crate::web::{Page, Visitor};

pub(super) fn pages() -> Router {
    Router::new().route("/voucher", get(show))
}

pub(super) fn actions() -> Router {
    Router::new().route("/voucher", post(draw)).route("/voucher/redeem", post(redeem))
}

#[derive(Template)]
#[template(path = "voucher.html")]
struct VoucherPage;

async fn show(visitor: Visitor) -> Page<VoucherPage> {
    Page::new(visitor, "A voucher", VoucherPage)
}

/// A shop would send the code to a telephone. It lapses by itself: see [`Voucher`].
async fn draw(session: Session, mut flash: Flash) -> Result<Redirect> {
    let voucher = Voucher::draw().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    session.set(&voucher)?;
    flash.info(format!("Your code is {}.", voucher.code()))?;
    Ok(Redirect::to("/voucher"))
}

#[derive(Deserialize)]
struct Entered {
    code: String,
}

/// The code is taken before it is compared, atomically: whoever guesses has one guess, however many requests they send.
async fn redeem(session: Session, mut flash: Flash, Form(entered): Form<Entered>) -> Result<Redirect, Error> {
    match session.take_once::<Voucher>().await? {
        Some(voucher) if voucher.code() == entered.code.trim() => {
            flash.success("Redeemed: a free cup of tea, made up like everything here.")?;
        }
        Some(_) => flash.error("That is not the code, and it is void now.")?,
        None => flash.warning("There is no code that is good: ask for one.")?,
    }
    Ok(Redirect::to("/voucher"))
}
