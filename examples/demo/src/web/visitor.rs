use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use cloakroom::{Error, FlashMessage, Session};

use crate::attributes::{Cart, Theme};

/// What every page shows of its visitor.
///
/// The pages' layer is told to load these attributes with the session, so none of this waits for the store again.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) theme: Theme,
    pub(crate) name: Option<String>,
    pub(crate) in_cart: u32,
    /// What is to be told on this page, once: set by an action, and taken by the page after the redirect.
    pub(crate) notices: Vec<FlashMessage>,
    /// In how many seconds the session ends if nothing more is heard of them, if there is one.
    pub(crate) ends_in: Option<f32>,
    /// The address of the page that they asked for.
    pub(crate) here: String,
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let session = Session::from_request_parts(parts, state).await?;
        Ok(Self {
            theme: session.get::<Theme>().await?.unwrap_or_default(),
            name: session.principal().map(|name| name.to_string()),
            in_cart: session.get::<Cart>().await?.map_or(0, |cart| cart.count()),
            notices: session.flash().take().await?,
            ends_in: session.time_left().map(|left| left.as_secs_f32()),
            here: parts.uri.path().to_owned(),
        })
    }
}

impl Visitor {
    /// Returns whether the page is in the section of the shop that has this address.
    pub(crate) fn is_in(&self, section: &str) -> bool {
        let here = if self.here.starts_with("/things/") { "/" } else { &self.here };
        here == section || (section != "/" && here.starts_with(section))
    }
}
