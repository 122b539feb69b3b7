use async_nats::jetstream::consumer::push::OrderedConfig;
use async_nats::jetstream::consumer::{DeliverPolicy, push};
use cloakroom_core::ErrorKind;

use super::Jet;
use crate::error::Failure;
use crate::subjects::Kept;

/// What is heard of what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// From now on, and without what the messages hold.
    OnlyHeaders,
    /// Everything that is there, and from now on.
    Everything,
}

impl Jet {
    /// Listens to what is stored of sessions.
    pub(crate) async fn changes(&self, filter: &str, contents: Contents) -> Result<push::Ordered, Failure> {
        let deliver_policy = match contents {
            Contents::OnlyHeaders => DeliverPolicy::New,
            Contents::Everything => DeliverPolicy::LastPerSubject,
        };
        let config = OrderedConfig {
            deliver_subject: self.link.inbox(),
            filter_subject: filter.to_owned(),
            headers_only: contents == Contents::OnlyHeaders,
            deliver_policy,
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
