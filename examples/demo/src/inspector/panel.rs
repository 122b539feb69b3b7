use askama::Template;

use super::bytes::Bytes;
use super::exchange::Exchange;
use super::snapshot::{Held, Snapshot};

/// What the inspector shows beside a page.
#[derive(Debug, Template)]
#[template(path = "inspector.html")]
pub(crate) struct Panel {
    session: Option<Snapshot>,
    exchanges: Vec<Exchange>,
    /// The address of the page that it stands beside.
    here: String,
}

impl Panel {
    pub(super) fn new(session: Option<Snapshot>, exchanges: Vec<Exchange>, here: String) -> Self {
        Self { session, exchanges, here }
    }

    fn moved(&self) -> Bytes {
        self.exchanges.iter().map(Exchange::moved).sum()
    }

    fn whole(&self) -> Bytes {
        self.exchanges.iter().map(Exchange::whole).sum()
    }

    fn has_trunk(&self) -> bool {
        let held = |session: &Snapshot| session.attributes.iter().any(Held::is_trunk);
        self.session.as_ref().is_some_and(held)
    }
}
