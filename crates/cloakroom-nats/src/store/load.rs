use cloakroom_core::{Admission, Error, ErrorKind, Load, Loaded, Opened, Timestamp, Version};
use futures_util::future::try_join;

use super::current::{Current, Here, Last};
use super::{NatsStore, at};
use crate::jet::Guarded;
use crate::wire::{Damaged, Manifest};

const LOAD: &str = "load";

/// The header that tells what a message of a session is, for those who listen.
pub(super) const KIND: &str = "Cloakroom";

/// Returns what that header says in a message that leaves the session's version. It has the version all the same: the message
/// takes the place of the commit's, which somebody who listens may not have been told of yet.
pub(super) fn unchanged(version: Version) -> String {
    format!("t{}", version.0)
}

impl NatsStore {
    pub(super) async fn load_session(&self, load: &Load) -> Result<Loaded, Error> {
        // What is not here may be at the server.
        if let Some((copy, here)) = self.copy_for(LOAD, load).await?
            && let Seen::Answer(Loaded::Open(opened)) = self.see(load, copy, &here).await?
        {
            return Ok(Loaded::Open(opened));
        }
        let mut before = None;
        loop {
            let current = self.current(LOAD, load.guard.handle).await?;
            match self.see(load, current, &[]).await? {
                Seen::Answer(answer) => return Ok(answer),
                Seen::Changed(version) if before == Some(version) => return Err(Damaged::Lost.during(LOAD)),
                Seen::Changed(version) => before = Some(version),
            }
        }
    }

    /// Answers a load from a session as it was read.
    async fn see(&self, load: &Load, current: Current, here: &Here) -> Result<Seen, Error> {
        let now = current.now;
        let Some((manifest, last)) = current.open() else {
            return Ok(Seen::Answer(Loaded::Absent));
        };
        let admission = manifest.record.admit(&load.guard.proof, now);
        let standing = match admission.standing() {
            Ok(standing) => standing,
            Err(answer) => return Ok(Seen::Answer(answer)),
        };
        let values = self.values_beside(LOAD, load.guard.handle, &manifest, &load.select, now, here);
        let touch = self.touch(load, &manifest, &last, admission, now);
        let (Some(attributes), ()) = try_join(values, touch).await? else {
            return Ok(Seen::Changed(manifest.record.version));
        };
        let names = load.select.names.then(|| names(&manifest, now));
        let meta = manifest.record.meta();
        let opened = Opened { standing, now, meta, attributes, names };
        Ok(Seen::Answer(Loaded::Open(Box::new(opened))))
    }

    /// Records an access if it is due. If somebody else has stored the session meanwhile, they have accessed it too.
    async fn touch(
        &self,
        load: &Load,
        manifest: &Manifest,
        last: &Last,
        admission: Admission,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut record = manifest.record.clone();
        let is_urgent = now.since(record.accessed_at) >= record.max_inactive_interval / 2;
        if !record.access(admission, now, load.touch) {
            return Ok(());
        }
        let touched = Manifest { record, ..manifest.clone() };
        let (guard, kind) = (Guarded::After(last.sequence), unchanged(touched.record.version));
        let body = touched.encode().into();
        match self.replace(guard, load.guard.handle, &kind, body).await.map_err(at(LOAD)) {
            Err(error) if !is_urgent && may_pass(error.kind()) => {
                tracing::warn!(handle = %load.guard.handle, %error, "an access could not be recorded, and is left to the next load");
                Ok(())
            }
            result => result.map(drop),
        }
    }
}

/// What became of a load.
enum Seen {
    Answer(Loaded),
    /// A commit has replaced a value since the session was read in this version. If none has, it is lost.
    Changed(Version),
}

fn may_pass(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Full)
}

/// Lists the attributes that are there, sorted.
pub(super) fn names(manifest: &Manifest, now: Timestamp) -> Vec<cloakroom_core::Name> {
    manifest.attributes.iter().filter(|it| it.is_there(now)).map(|it| it.name.clone()).collect()
}
