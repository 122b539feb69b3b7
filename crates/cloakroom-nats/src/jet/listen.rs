use async_nats::jetstream::consumer::push::OrderedConfig;
use async_nats::jetstream::consumer::{DeliverPolicy, push};
use cloakroom_core::ErrorKind;

use super::Jet;
use crate::error::Failure;
use crate::subjects::Kept;

impl Jet {
    /// Listens to what is stored of sessions from now on, without their contents.
    pub(crate) async fn changes(&self, filter: &str) -> Result<push::Ordered, Failure> {
        let config = OrderedConfig {
            deliver_subject: self.link.inbox(),
            filter_subject: filter.to_owned(),
            headers_only: true,
            deliver_policy: DeliverPolicy::New,
            ..OrderedConfig::default()
        };
        let stream = self.stream(Kept::Sessions).await?;
        let listening = async {
            let consumer = stream.create_consumer(config).await.map_err(unavailable)?;
            consumer.messages().await.map_err(unavailable)
        };
        self.link.ask(listening).await
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::new(ErrorKind::Unavailable, error)
}
