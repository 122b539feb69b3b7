use cloakroom_core::{Bind, Commit, Edit, Error, ErrorKind, Intent, Outcome, TicketChange};

use redis::Cmd;

use super::RedisStore;
use crate::keys::Of;
use crate::scripts::Script;
use crate::wire::{Answer, Around, attributes, bytes, decode_answer, head};

pub(super) const COMMIT: &str = "commit";

impl RedisStore {
    pub(super) async fn commit_session(&self, commit: &Commit) -> Result<Outcome, Error> {
        match binds(commit) {
            // In a box, so that the future of what is usual is small.
            Some(bind) => Box::pin(self.sign_in(commit, bind)).await,
            None => match self.apply(commit, Around::default(), None).await? {
                Answer::Outcome(outcome) => Ok(outcome),
                Answer::WouldCommit | Answer::PlaceLost => Err(Error::of(ErrorKind::Other, COMMIT)),
            },
        }
    }

    /// Calls the script that applies a commit. `principal` is the key of the principal's sessions, where these are on the
    /// same server and are to be told of the session.
    pub(super) async fn apply(
        &self,
        commit: &Commit,
        around: Around,
        principal: Option<&[u8]>,
    ) -> Result<Answer, Error> {
        let is_new = matches!(commit.intent, Intent::Create(_));
        let script = if is_new { &self.scripts.create } else { &self.scripts.change };
        let call = self.call_of_commit(script, commit, around, principal)?;
        let acknowledged = self.commits_wait.filter(|_| !around.is_question);
        let reply = self.run(COMMIT, script, &call, acknowledged).await?;
        let answer = bytes(reply).and_then(|reply| decode_answer(reply, commit));
        answer.map_err(|malformed| malformed.during(COMMIT))
    }

    fn call_of_commit(
        &self,
        script: &Script,
        commit: &Commit,
        around: Around,
        principal: Option<&[u8]>,
    ) -> Result<Cmd, Error> {
        let is_new = matches!(commit.intent, Intent::Create(_));
        let needs_index = is_new || principal.is_some() || commit.changes.max_inactive_interval.is_some();
        let keys = self.keys.session(commit.guard.handle);
        let count = 2 + usize::from(needs_index) + usize::from(principal.is_some());
        let edits = &commit.changes.attributes;
        let mut call = script.call(count, 1 + 3 * edits.len(), 400 + values(commit));
        call.arg(keys.session()).arg(keys.epoch());
        if needs_index {
            call.arg(keys.bucket(Of::Index));
        }
        if let Some(principal) = principal {
            call.arg(principal);
        }
        call.arg(head(commit, around, if is_new { epoch()? } else { 0 }));
        attributes(&mut call, edits);
        Ok(call)
    }
}

/// Returns who signs in with this commit.
fn binds(commit: &Commit) -> Option<&Bind> {
    match (&commit.intent, &commit.changes.ticket) {
        (Intent::Create(creation), _) => creation.bind.as_ref(),
        (Intent::Change, Some(TicketChange::SignIn { bind, .. })) => Some(bind),
        (Intent::Change, _) => None,
    }
}

/// Returns how many bytes the commit's names and values have.
fn values(commit: &Commit) -> usize {
    let size = |edit: &Edit| match edit {
        Edit::Set { value, .. } => value.len(),
        Edit::Remove => 0,
    };
    commit.changes.attributes.iter().map(|change| change.name.as_str().len() + size(&change.edit)).sum()
}

/// Draws the name of an epoch, in case that the bucket has none.
fn epoch() -> Result<u64, Error> {
    getrandom::u64()
        .map_err(|error| Error::new(ErrorKind::Other, COMMIT, std::io::Error::other(error.to_string())))
}
