use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cloakroom::core::{DynStore, Freshness, Load, Loaded, Name, Select, Ticket, Touch, Wanted};

use super::Site;
use super::open::open;

/// One more node of a site, in this process: it reads several attributes in one load.
pub(crate) struct Reader {
    store: Arc<dyn DynStore>,
}

impl Reader {
    /// Opens the store of a site.
    pub(crate) async fn of(site: &Site) -> Self {
        Self { store: open(site, false).await }
    }

    /// Returns the attributes of these names, as they are encoded, and the names of all.
    pub(crate) async fn read(
        &self,
        ticket: &str,
        names: &[&'static str],
    ) -> (BTreeMap<String, Bytes>, Vec<Name>) {
        let names: Vec<Name> = names.iter().map(|name| Name::from_static(name)).collect();
        let select = Select { values: Wanted::Named(names.into()), names: true };
        let Loaded::Open(opened) = self.load(ticket, select).await else {
            panic!("the session is gone");
        };
        let values = opened.attributes.into_iter().map(|it| (it.name.to_string(), it.value)).collect();
        (values, opened.names.unwrap())
    }

    /// Returns how many commits there were to the session that a ticket opens; `None` if it opens none. This is no access.
    pub(crate) async fn version(&self, ticket: &str) -> Option<u64> {
        match self.load(ticket, Select::default()).await {
            Loaded::Open(opened) => Some(opened.meta.version.0),
            Loaded::Absent | Loaded::Superseded => None,
        }
    }

    async fn load(&self, ticket: &str, select: Select) -> Loaded {
        let guard = Ticket::parse(ticket.as_bytes()).unwrap().guard();
        self.store
            .dyn_load(&Load { guard, select, touch: Touch::Never, freshness: Freshness::Any })
            .await
            .unwrap()
    }
}
