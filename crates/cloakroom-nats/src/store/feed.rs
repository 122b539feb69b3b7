use cloakroom_core::{Error, ErrorKind, Feed, Notice, Version};
use futures_util::stream;
use tokio::sync::mpsc;

use super::NatsStore;
use super::end::ENDED;
use super::follow::{Change, Following, Heard};
use crate::error::{Disconnected, Failure};
use crate::jet::Contents;
use crate::subjects::{handle_of_session, is_epoch};

const FEED: &str = "feed";

/// How many notices wait for a slow listener. More wait at the server.
const WAITING: usize = 1024;

impl NatsStore {
    /// Starts a task that listens, and ends when the feed is dropped.
    pub(super) fn listen(&self) -> Feed {
        let (tell, told) = mpsc::channel(WAITING);
        let store = self.clone();
        tokio::spawn(async move {
            let listened = async { store.listen_to(&tell).await };
            let ended = tokio::select! {
                ended = listened => ended,
                () = store.jet.link().lost() => Err(Failure::new(ErrorKind::Unavailable, Disconnected).during(FEED)),
                () = tell.closed() => return,
            };
            if let Err(error) = ended {
                let _ = tell.send(Err(error)).await;
            }
        });
        Box::pin(stream::unfold(told, async |mut told| told.recv().await.map(|notice| (notice, told))))
    }

    /// Tells until there is an error, or nobody listens.
    async fn listen_to(&self, tell: &mpsc::Sender<Result<Notice, Error>>) -> Result<(), Error> {
        let mut following = Following::begin(self, Contents::OnlyHeaders).await?;
        loop {
            let notice = match following.next().await? {
                Heard::Change(change) => notice(&change),
                Heard::CaughtUp(moment) => Some(Notice::CaughtUp(moment)),
            };
            if let Some(notice) = notice
                && tell.send(Ok(notice)).await.is_err()
            {
                return Ok(());
            }
        }
    }
}

/// Returns what a message tells. A session is told of though a touch has left its version: that may have taken the place of a
/// commit's message.
fn notice(change: &Change) -> Option<Notice> {
    let subject = change.message.subject.as_str();
    if is_epoch(subject) {
        return Some(Notice::Ended { handle: None });
    }
    let (handle, kind) = (handle_of_session(subject)?, change.kind.as_deref()?);
    let version = kind.strip_prefix(['c', 't']).and_then(|version| version.parse().ok());
    match version {
        Some(version) => Some(Notice::Committed { handle, version: Version(version) }),
        None if kind == ENDED => Some(Notice::Ended { handle: Some(handle) }),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use cloakroom_core::{Handle, Timestamp};

    use super::*;
    use crate::jet::Message;
    use crate::store::load::unchanged;

    fn told(subject: &str, kind: &str) -> Option<Notice> {
        let (subject, stored_at) = (subject.to_owned(), Timestamp::default());
        let message = Message { sequence: 1, subject, stored_at, body: Bytes::new() };
        notice(&Change { message, kind: Some(kind.to_owned()) })
    }

    #[test]
    fn a_commit_is_told_though_a_touch_has_taken_its_place() {
        let handle = Handle::from_bytes([0xab; 16]);
        let subject = format!("cloakroom.s.shop.m.{}", "ab".repeat(16));
        let committed = Some(Notice::Committed { handle, version: Version(7) });
        assert_eq!(told(&subject, "c7"), committed);
        assert_eq!(told(&subject, &unchanged(Version(7))), committed);
        assert_eq!(told(&subject, ENDED), Some(Notice::Ended { handle: Some(handle) }));
        assert_eq!(told("cloakroom.s.shop.m.epoch", ""), Some(Notice::Ended { handle: None }));
        assert_eq!(told(&subject, "x7"), None);
    }
}
