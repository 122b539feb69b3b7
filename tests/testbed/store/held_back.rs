use std::sync::Arc;
use std::time::Duration;

use cloakroom::WriteBehind;
use cloakroom::core::{DynStore, Error};

/// What has to be written before the process ends, where writes are timed.
#[derive(Debug)]
pub(crate) struct HeldBack(Option<WriteBehind<Arc<dyn DynStore>>>);

impl HeldBack {
    /// Puts timed writes around the store, if they were asked for.
    pub(crate) fn around(
        store: Arc<dyn DynStore>,
        write_every: Option<Duration>,
    ) -> (Arc<dyn DynStore>, Self) {
        match write_every {
            None => (store, Self(None)),
            Some(interval) => {
                let held = WriteBehind::builder(store).every(interval).build();
                (Arc::new(held.clone()), Self(Some(held)))
            }
        }
    }

    /// Writes what is held back.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub(crate) async fn flush(&self) -> Result<(), Error> {
        match &self.0 {
            None => Ok(()),
            Some(held) => held.flush().await,
        }
    }
}
