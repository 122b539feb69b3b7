use cloakroom_core::{Admission, Error, ErrorKind, Load, Loaded, Opened, Timestamp};
use futures_util::future::try_join;

use super::current::Last;
use super::{NatsStore, at};
use crate::jet::Guarded;
use crate::wire::{Damaged, Manifest};

const LOAD: &str = "load";

/// The header that tells what a message of a session is, for those who listen.
pub(super) const KIND: &str = "Cloakroom";

/// A message that leaves the session's version.
pub(super) const UNCHANGED: &str = "t";

impl NatsStore {
    pub(super) async fn load_session(&self, load: &Load) -> Result<Loaded, Error> {
        let mut before = None;
        loop {
            let current = self.current(LOAD, load.guard.handle).await?;
            let (Some(manifest), Some(last)) = (current.manifest, current.last) else {
                return Ok(Loaded::Absent);
            };
            let admission = manifest.record.admit(&load.guard.proof, current.now);
            let standing = match admission.standing() {
                Ok(standing) => standing,
                Err(answer) => return Ok(answer),
            };
            let values = self.values(LOAD, &manifest, &load.select, current.now);
            let touch = self.touch(load, &manifest, &last, admission, current.now);
            let (attributes, ()) = try_join(values, touch).await?;
            if let Some(attributes) = attributes {
                let names = load.select.names.then(|| names(&manifest, current.now));
                let meta = manifest.record.meta();
                let opened = Opened { standing, now: current.now, meta, attributes, names };
                return Ok(Loaded::Open(Box::new(opened)));
            }
            // A commit has replaced a value since the session was read. If none has, it is lost.
            let version = Some(manifest.record.version);
            if std::mem::replace(&mut before, version) == version {
                return Err(Damaged::Lost.during(LOAD));
            }
        }
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
        let subject = self.subjects.session(load.guard.handle);
        let body = touched.encode().into();
        let guard = Guarded::After(last.sequence);
        match self.jet.store_after(guard, &subject, (KIND, UNCHANGED), body).await.map_err(at(LOAD)) {
            Err(error) if !is_urgent && may_pass(error.kind()) => {
                tracing::warn!(handle = %load.guard.handle, %error, "an access could not be recorded, and is left to the next load");
                Ok(())
            }
            result => result.map(drop),
        }
    }
}

fn may_pass(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Full)
}

/// Lists the attributes that are there, sorted.
pub(super) fn names(manifest: &Manifest, now: Timestamp) -> Vec<cloakroom_core::Name> {
    manifest.attributes.iter().filter(|it| it.is_there(now)).map(|it| it.name.clone()).collect()
}
