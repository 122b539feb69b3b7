use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Result;
use axum::routing::get;
use cloakroom::{Attr, Session};

use crate::attributes::Recent;
use crate::goods::{self, GOODS, Good};
use crate::web::{Page, Visitor};

pub(super) fn pages() -> Router {
    Router::new().route("/", get(front)).route("/things/{slug}", get(thing))
}

#[derive(Template)]
#[template(path = "front.html")]
struct Front {
    goods: &'static [Good],
    on_the_rack: Vec<&'static Good>,
}

async fn front(visitor: Visitor) -> Page<Front> {
    let main = Front {
        goods: &GOODS,
        on_the_rack: ["lamplighter", "marmalade", "puddle"].into_iter().filter_map(goods::find).collect(),
    };
    Page::new(visitor, "Things worth hanging up", main)
}

#[derive(Template)]
#[template(path = "thing.html")]
struct Thing {
    good: &'static Good,
    seen: Vec<&'static Good>,
}

async fn thing(
    Path(slug): Path<String>,
    mut recent: Attr<Recent>,
    session: Session,
    visitor: Visitor,
) -> Result<Page<Thing>> {
    let good = goods::find(&slug).ok_or(StatusCode::NOT_FOUND)?;
    let seen = recent.except(good.slug).filter_map(goods::find).collect();
    // Only for those who have a session: a look at a page, a robot's for example, should not make one.
    if session.handle().is_some() {
        recent.saw(good.slug);
    }
    Ok(Page::new(visitor, good.name, Thing { good, seen }))
}
