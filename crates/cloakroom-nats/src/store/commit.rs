use cloakroom_core::{
    Bind, Commit, Committed, Creation, Error, ErrorKind, Gone, Handle, Intent, Name, Outcome, Record,
    TicketChange, TicketFate, Timestamp, Verdict, Version,
};

use super::parts::Parts;
use super::{NatsStore, at};
use crate::error::Failure;
use crate::jet::Guarded;
use crate::pauses::Pauses;
use crate::wire::{Due, Manifest, Place};

pub(super) const COMMIT: &str = "commit";

impl NatsStore {
    pub(super) async fn commit_session(&self, commit: &Commit) -> Result<Outcome, Error> {
        match binds(commit) {
            None => self.apply(commit).await,
            Some(bind) => Box::pin(self.sign_in(commit, bind)).await,
        }
    }

    /// Applies a commit to its session, whoever it signs in.
    pub(super) async fn apply(&self, commit: &Commit) -> Result<Outcome, Error> {
        let mut parts = Parts::new(self, commit);
        let outcome = match &commit.intent {
            Intent::Create(creation) => self.create(commit, creation, &mut parts).await?,
            Intent::Change => self.change(commit, &mut parts).await?,
        };
        match outcome {
            Applied::Stored(outcome) => Ok(outcome),
            Applied::Answered(outcome) => {
                parts.discard();
                Ok(outcome)
            }
        }
    }

    async fn create(
        &self,
        commit: &Commit,
        creation: &Creation,
        parts: &mut Parts<'_>,
    ) -> Result<Applied, Error> {
        if self.jet.is_short() {
            return Err(Error::of(ErrorKind::Full, COMMIT));
        }
        let (mut guard, mut left, mut is_queued) = (Guarded::First, Vec::new(), false);
        let mut pauses = Pauses::default();
        loop {
            let now = self.clock.now(&self.jet).await.map_err(at(COMMIT))?;
            let record = match Record::create(commit, creation, now) {
                Ok(record) => record,
                Err(over) => return Ok(Applied::Answered(Outcome::OverLimit(over))),
            };
            let (version, due) = (record.version, record.expires_at());
            let mut manifest = Manifest { born: 0, leased_until: None, record, attributes: Vec::new() };
            let missing = parts.edit(&mut manifest, now.minus(commit.age));
            let handle = commit.guard.handle;
            let queue = async { if is_queued { Ok(()) } else { self.queue(handle, due, now).await } };
            self.before_the_session(COMMIT, parts.store(COMMIT, &missing), queue).await?;
            is_queued = true;
            parts.tell(&mut manifest);
            if self.store_manifest(guard, handle, &manifest).await? {
                self.remove_parts_later(handle, left);
                self.note_again(handle, due).await;
                return Ok(Applied::Stored(committed((version, TicketFate::Kept), now)));
            }
            pauses.pause().await;
            let current = self.current(COMMIT, handle).await?;
            if let Some(manifest) = current.manifest {
                let known = manifest.record.repeated(commit).map(|known| committed(known, current.now));
                return Ok(Applied::Answered(known.unwrap_or(Outcome::Taken)));
            }
            guard = Guarded::after(current.last.as_ref().map(|last| last.sequence));
            left = current.last.map(|last| last.left).unwrap_or_default();
        }
    }

    /// Notes once more when a new session may expire, if that has come to pass already: a sweep may have found the note before the
    /// session, and taken it away.
    async fn note_again(&self, handle: Handle, due: Timestamp) {
        if let Ok(now) = self.clock.now(&self.jet).await
            && now >= due
        {
            self.look_later(handle, due, now);
        }
    }

    async fn change(&self, commit: &Commit, parts: &mut Parts<'_>) -> Result<Applied, Error> {
        let handle = commit.guard.handle;
        let mut pauses = Pauses::default();
        loop {
            let current = self.current(COMMIT, handle).await?;
            let now = current.now;
            let Some((mut manifest, last)) = current.open() else {
                return Ok(Applied::Answered(Outcome::Gone(Gone::Absent)));
            };
            let before = Before::of(&manifest);
            let committed = match decide(commit, &mut manifest, now) {
                Verdict::Answer(outcome) => return Ok(Applied::Answered(outcome)),
                Verdict::Apply(committed) => committed,
            };
            let missing = parts.edit(&mut manifest, now.minus(commit.age));
            let due = manifest.record.expires_at();
            let queue = async { if due < before.due { self.queue(handle, due, now).await } else { Ok(()) } };
            self.before_the_session(COMMIT, parts.store(COMMIT, &missing), queue).await?;
            parts.tell(&mut manifest);
            if self.store_manifest(Guarded::After(last.sequence), handle, &manifest).await? {
                self.clean_up(handle, before, &manifest);
                return Ok(Applied::Stored(Outcome::Committed(committed)));
            }
            pauses.pause().await;
        }
    }

    /// Stores a session as it is after a commit; returns whether it was as it was read.
    async fn store_manifest(
        &self,
        guard: Guarded,
        handle: Handle,
        manifest: &Manifest,
    ) -> Result<bool, Error> {
        let kind = format!("c{}", manifest.record.version.0);
        let stored = self.replace(guard, handle, &kind, manifest.encode().into()).await;
        stored.map(|sequence| sequence.is_some()).map_err(at(COMMIT))
    }

    /// Notes when a session may expire.
    pub(super) async fn queue(&self, handle: Handle, due: Timestamp, now: Timestamp) -> Result<(), Failure> {
        let due = Due { handle, at: due };
        let subject = self.subjects.line(due.line(now));
        self.jet.store(&subject, due.encode().into()).await.map(drop)
    }

    /// Removes values that nobody needs any more, and the session from the index of whoever was signed in before.
    fn clean_up(&self, handle: Handle, before: Before, manifest: &Manifest) {
        let kept: std::collections::HashSet<Place> = manifest.places().collect();
        let superseded = before.places.into_iter().filter(|it| !kept.contains(it)).collect();
        self.remove_parts_later(handle, superseded);
        if let Some(principal) = before.principal.filter(|it| Some(it) != manifest.record.principal.as_ref())
        {
            self.leave_later(principal, vec![handle]);
        }
    }
}

/// What became of a commit.
enum Applied {
    Stored(Outcome),
    Answered(Outcome),
}

/// What a session was before a commit.
struct Before {
    places: Vec<Place>,
    principal: Option<cloakroom_core::Principal>,
    due: Timestamp,
}

impl Before {
    fn of(manifest: &Manifest) -> Self {
        Self {
            places: manifest.places().collect(),
            principal: manifest.record.principal.clone(),
            due: manifest.record.expires_at(),
        }
    }
}

/// Decides on a commit, and changes the record if it is to be applied.
pub(super) fn decide(commit: &Commit, manifest: &mut Manifest, now: Timestamp) -> Verdict {
    manifest.drop_lapsed(now);
    let mut record = manifest.record.clone();
    let verdict = record.apply(commit, now, |name: &Name| Some(manifest.get(name.as_str())?.size()));
    manifest.record = record;
    verdict
}

pub(super) fn committed((version, ticket): (Version, TicketFate), now: Timestamp) -> Outcome {
    Outcome::Committed(Committed { version, now, ticket, ended: Vec::new() })
}

/// Returns who a commit signs in.
fn binds(commit: &Commit) -> Option<&Bind> {
    match (&commit.intent, &commit.changes.ticket) {
        (Intent::Create(creation), _) => creation.bind.as_ref(),
        (Intent::Change, Some(TicketChange::SignIn { bind, .. })) => Some(bind),
        (Intent::Change, _) => None,
    }
}
