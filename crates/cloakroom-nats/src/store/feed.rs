use cloakroom_core::Feed;

use super::NatsStore;

impl NatsStore {
    pub(super) fn listen(&self) -> Feed {
        Box::pin(futures_util::stream::pending())
    }
}
