use cloakroom_core::{Error, ErrorKind, Handle};

use super::Shared;
use super::content::content_from_bytes;
use super::listener::Moved;
use crate::memory::{BroughtBack, Content};
use crate::telemetry;

const ACTIVATE: &str = "activate";

impl Shared {
    /// Brings a session's attributes back into memory, if they are on disk.
    ///
    /// When this returns they may be on disk again: whoever needs them has to look.
    ///
    /// # Errors
    ///
    /// When the depot fails, or no longer has them.
    pub(super) async fn activate(&self, handle: Handle) -> Result<(), Error> {
        let turn = usize::from(handle.as_bytes()[1]) % self.turns.len();
        let _turn = self.turns[turn].lock().await;
        let Some(parcel) = self.memory.parcel(handle) else { return Ok(()) };
        let content = self.read(parcel).await?;
        let _entered = self.enter(ACTIVATE).await?;
        let tell = |session| self.tell(Moved::Activated(session));
        let brought = match content {
            Some(content) => self.memory.bring_back(handle, parcel, content, tell),
            // A session that has ended since has taken its parcel along.
            None if self.memory.parcel(handle) != Some(parcel) => BroughtBack::NotAway,
            None => BroughtBack::Damaged,
        };
        match brought {
            BroughtBack::Here => {
                telemetry::activated();
                self.wake_if_over(handle);
                Ok(())
            }
            BroughtBack::NotAway => Ok(()),
            BroughtBack::Damaged => {
                tracing::error!(session.handle = %handle, "what was passivated of a session is damaged or gone");
                Err(Error::of(ErrorKind::Corrupt, ACTIVATE))
            }
        }
    }

    async fn read(&self, parcel: u64) -> Result<Option<Content>, Error> {
        let bytes = self.depot.get(parcel).await.inspect_err(|_| telemetry::depot_failed("get"))?;
        Ok(bytes.and_then(|bytes| content_from_bytes(&bytes)))
    }
}
