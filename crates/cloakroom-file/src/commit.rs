use std::fs;
use std::path::Path;

use cloakroom_core::{
    Bind, Changes, Commit, Committed, Creation, Edit, Gone, Intent, Outcome, OverLimit, Record, TicketChange,
    TicketFate, Timestamp, Verdict, Version,
};

use crate::error::Result;
use crate::files;
use crate::format::{Header, NewValue, Salt};
use crate::inner::Inner;
use crate::job::Caller;
use crate::session::{Edits, create};

/// What is to be done for a commit.
enum Step {
    /// It is stored.
    Stored(Committed),
    /// Nothing is stored, and this is the answer.
    Answered(Outcome),
}

/// A sign-in, and why it must be refused, if it must.
type SignIn<'a> = Option<(&'a Bind, Option<OverLimit>)>;

impl Inner {
    /// Applies a commit. Who signs in has the principal's lock from before the other sessions are counted until those that
    /// must end have ended.
    pub(crate) fn commit(&self, commit: &Commit, caller: &Caller) -> Result<Outcome> {
        let Some(bind) = bind_of(commit) else {
            return Ok(match self.store(commit, None, caller)? {
                Step::Stored(committed) => Outcome::Committed(committed),
                Step::Answered(outcome) => outcome,
            });
        };
        let _lock = self.lock_principal(&bind.principal, caller)?;
        let room = self.room_for(bind, commit.guard.handle, caller)?;
        let mut committed = match self.store(commit, Some((bind, room.refusal)), caller)? {
            Step::Stored(committed) => committed,
            // A retry: the first try may have failed before the others had ended.
            Step::Answered(Outcome::Committed(committed))
                if room.is_theirs && committed.ticket != TicketFate::AlreadySignedIn =>
            {
                committed
            }
            Step::Answered(outcome) => return Ok(outcome),
        };
        committed.ended = self.end_each(&room.ending, &bind.principal)?;
        Ok(Outcome::Committed(committed))
    }

    fn store(&self, commit: &Commit, sign_in: SignIn<'_>, caller: &Caller) -> Result<Step> {
        let step = match &commit.intent {
            Intent::Create(creation) => self.create(commit, creation, sign_in, caller)?,
            Intent::Change => self.change(commit, sign_in, caller)?,
        };
        if let Step::Answered(Outcome::Committed(_)) = &step {
            self.settle(commit.guard.handle)?;
        }
        Ok(step)
    }

    fn create(
        &self,
        commit: &Commit,
        creation: &Creation,
        sign_in: SignIn<'_>,
        caller: &Caller,
    ) -> Result<Step> {
        let handle = commit.guard.handle;
        self.make_folder(&self.place.folder_of(handle))?;
        let Some(_lock) = self.lock(handle, caller)? else {
            return Ok(Step::Answered(Outcome::Gone(Gone::Absent)));
        };
        let existing = self.find(handle)?;
        let now = self.now()?;
        if let Some(session) = existing {
            return Ok(Step::Answered(as_first(&session.record, commit, now).unwrap_or(Outcome::Taken)));
        }
        let record = match Record::create(commit, creation, now) {
            Ok(record) => record,
            Err(over) => return Ok(Step::Answered(Outcome::OverLimit(over))),
        };
        if let Some((bind, refusal)) = sign_in {
            if let Some(over) = refusal {
                return Ok(Step::Answered(Outcome::OverLimit(over)));
            }
            self.add_entry(&bind.principal, handle)?;
        }
        let edits = edits(&commit.changes, now.minus(commit.age), record.version);
        let header = Header { handle, epoch: self.epoch()?, salt: Salt::of(commit.id) };
        create(&self.keeping(handle), header, &record, &edits)?;
        let ticket = TicketFate::Kept;
        Ok(Step::Stored(Committed { version: record.version, now, ticket, ended: Vec::new() }))
    }

    fn change(&self, commit: &Commit, sign_in: SignIn<'_>, caller: &Caller) -> Result<Step> {
        let handle = commit.guard.handle;
        let gone = Step::Answered(Outcome::Gone(Gone::Absent));
        let Some(_lock) = self.lock(handle, caller)? else { return Ok(gone) };
        let Some(mut session) = self.find(handle)?.filter(|it| it.is_open()) else {
            return Ok(gone);
        };
        let now = self.now()?;
        let lapsed = session.drop_lapsed(now);
        let mut record = session.record.clone();
        let committed = match record.apply(commit, now, |name| session.size(name)) {
            Verdict::Answer(outcome) => return Ok(Step::Answered(outcome)),
            Verdict::Apply(committed) => committed,
        };
        let sign_in = sign_in.filter(|_| committed.ticket == TicketFate::Changed);
        if let Some((bind, refusal)) = &sign_in {
            if let Some(over) = refusal {
                return Ok(Step::Answered(Outcome::OverLimit(over.clone())));
            }
            self.add_entry(&bind.principal, handle)?;
        }
        let mut edits: Edits = lapsed.into_iter().map(|name| (name, None)).collect();
        edits.extend(self::edits(&commit.changes, now.minus(commit.age), record.version));
        session.write(&self.keeping(handle), &record, commit.changes.clear, &edits)?;
        if let (Some((bind, _)), Some(before)) = (&sign_in, &session.record.principal)
            && *before != bind.principal
        {
            self.remove_entry(before, handle);
        }
        Ok(Step::Stored(committed))
    }

    /// Makes a folder of the store's own.
    pub(crate) fn make_folder(&self, folder: &Path) -> Result<()> {
        let is_new = files::folder(folder)?;
        if let (true, true, Some(parent)) = (is_new, self.is_durable, folder.parent()) {
            // Whoever finds it takes it for one that is on disk.
            files::sync_folder(parent).inspect_err(|_| drop(fs::remove_dir(folder)))?;
        }
        Ok(())
    }
}

/// Returns who a commit signs in.
fn bind_of(commit: &Commit) -> Option<&Bind> {
    match (&commit.intent, &commit.changes.ticket) {
        (Intent::Create(creation), _) => creation.bind.as_ref(),
        (Intent::Change, Some(TicketChange::SignIn { bind, .. })) => Some(bind),
        (Intent::Change, _) => None,
    }
}

/// Answers a create whose handle exists: as the first time, if it is a retry.
fn as_first(record: &Record, commit: &Commit, now: Timestamp) -> Option<Outcome> {
    let (version, ticket) = record.repeated(commit)?;
    Some(Outcome::Committed(Committed { version, now, ticket, ended: Vec::new() }))
}

fn edits(changes: &Changes, at: Timestamp, revision: Version) -> Edits {
    let edit = |edit: &Edit| match edit {
        Edit::Remove => None,
        Edit::Set { value, .. } => {
            Some(NewValue { value: value.clone(), revision, lapses_at: edit.lapses_at(at) })
        }
    };
    changes.attributes.iter().map(|change| (change.name.clone(), edit(&change.edit))).collect()
}
