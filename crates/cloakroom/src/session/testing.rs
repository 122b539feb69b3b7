use http::Request;

use super::{Inner, Session};
use crate::memory::MemoryStore;

impl Session {
    /// Makes a new session over a store of its own, for unit tests of handlers. It needs no server and no layer.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// let session = Session::for_test();
    /// session.set_named("theme", "dark")?;
    /// session.commit().await?;
    /// assert_eq!(session.get_named::<String>("theme").await?.as_deref(), Some("dark"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn for_test() -> Self {
        let layer = crate::SessionLayer::new(MemoryStore::new());
        let inner = Inner::begin(&layer.shared(), &Request::new(()));
        {
            let mut state = inner.state();
            state.start_anew();
            state.is_new = true;
        }
        Self { inner }
    }
}
