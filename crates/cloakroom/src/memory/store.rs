use cloakroom_core::{
    About, Admission, Bind, Commit, Committed, Creation, Ended, Error, ErrorKind, Feed, Gone, Guard, Handle,
    Intent, Invalidate, Invalidated, Load, Loaded, Outcome, OverLimit, Principal, Record, SessionInfo, Store,
    Sweep, TicketChange, TicketFate, Timestamp, Verdict, Version,
};

use super::held::Held;
use super::principals::Principals;
use super::shard::{Left, Shard};
use super::{Inner, MemoryStore, lock};

impl Store for MemoryStore {
    const AT_ONCE: bool = true;

    fn about(&self) -> About {
        About { backend: "memory", namespace: std::sync::Arc::clone(&self.inner.namespace) }
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        let now = self.inner.clock.now();
        let mut shard = self.inner.shard(load.guard.handle);
        let Some(held) = shard.peek_mut(&load.guard.handle).filter(|held| !held.is_closed()) else {
            return Ok(Loaded::Absent);
        };
        let admission = held.record.admit(&load.guard.proof, now);
        let standing = match admission.standing() {
            Ok(standing) => standing,
            Err(answer) => return Ok(answer),
        };
        let opened = held.open(standing, now, &load.select);
        held.record.access(admission, now, load.touch);
        shard.used(&load.guard.handle);
        Ok(Loaded::Open(opened))
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        self.inner.commit(commit)
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        Ok(match invalidate {
            Invalidate::Ticket(guard) => self.inner.invalidate_ticket(guard),
            Invalidate::Handle { handle, owner } => self.inner.invalidate_handle(*handle, owner.as_ref()),
            Invalidate::Principal { principal, except } => {
                self.inner.invalidate_principal(principal, *except)
            }
            Invalidate::Everyone => self.inner.invalidate_everyone(),
        })
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        let now = self.inner.clock.now();
        let handles = self.inner.principals().of(principal);
        let mut sessions: Vec<_> =
            handles.into_iter().filter_map(|handle| self.inner.info(handle, principal, now)).collect();
        sessions.sort_by_key(|session| (session.signed_in_at, session.handle));
        Ok(sessions)
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        let now = self.inner.clock.now();
        let mut ended = Vec::new();
        for shard in &self.inner.shards {
            lock(shard).sweep(sweep, now, &mut ended);
        }
        if sweep.lease.is_none() {
            let left: Vec<Left> = ended.iter().map(|it| (it.handle, it.principal.clone())).collect();
            self.inner.unlist(&left);
        }
        Ok(ended)
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        let now = self.inner.clock.now();
        let left: Vec<Left> =
            handles.iter().filter_map(|handle| self.inner.shard(*handle).acknowledge(handle, now)).collect();
        self.inner.unlist(&left);
        Ok(())
    }

    async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }

    /// None: nobody but this process changes a session.
    fn feed(&self) -> Option<Feed> {
        None
    }
}

impl Inner {
    fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let handle = commit.guard.handle;
        let now = self.clock.now();
        let Some(bind) = binds(commit) else {
            // The shard's lock ends with this statement: the index must not be locked under it.
            let (outcome, left) = self.commit_under(&mut self.shard(handle), commit, now)?;
            self.unlist(&left);
            return Ok(outcome);
        };
        let mut principals = self.principals();
        let room = match self.room_for(bind, handle, &principals, now) {
            Ok(room) => room,
            Err(over) => return Ok(self.answered(commit, now)?.unwrap_or(Outcome::OverLimit(over))),
        };
        let owner_before = self.shard(handle).peek(&handle).and_then(|held| held.record.principal.clone());
        let (mut outcome, left) = self.commit_under(&mut self.shard(handle), commit, now)?;
        if let Outcome::Committed(committed) = &mut outcome {
            list(&mut principals, bind, handle, owner_before.as_ref());
            if committed.ticket != TicketFate::AlreadySignedIn {
                committed.ended =
                    room.into_iter().filter_map(|other| self.end(other, &mut principals, now)).collect();
            }
        }
        drop(principals);
        self.unlist(&left);
        Ok(outcome)
    }

    /// Applies a commit to its shard, and returns which sessions had to leave memory for it.
    fn commit_under(
        &self,
        shard: &mut Shard,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<(Outcome, Vec<Left>), Error> {
        let verdict = match &commit.intent {
            Intent::Create(creation) => self.create(shard, commit, creation, now)?,
            Intent::Change => self.change(shard, commit, now)?,
        };
        Ok(match verdict {
            Verdict::Answer(outcome) => (outcome, Vec::new()),
            Verdict::Apply(committed) => {
                shard.used(&commit.guard.handle);
                (Outcome::Committed(committed), shard.make_room(now))
            }
        })
    }

    fn change(&self, shard: &mut Shard, commit: &Commit, now: Timestamp) -> Result<Verdict, Error> {
        let changed = shard.change(&commit.guard.handle, |held| {
            if held.is_closed() {
                return Some(Verdict::Answer(Outcome::Gone(Gone::Absent)));
            }
            let fits = !held.would_exceed(commit, self.max_bytes, now);
            fits.then(|| held.commit(commit, now))
        });
        match changed {
            None => shard.is_here_for(&commit.guard).map(|()| Verdict::Answer(Outcome::Gone(Gone::Absent))),
            Some(None) => Err(Error::of(ErrorKind::Full, "commit")),
            Some(Some(verdict)) => Ok(verdict),
        }
    }

    fn create(
        &self,
        shard: &mut Shard,
        commit: &Commit,
        creation: &Creation,
        now: Timestamp,
    ) -> Result<Verdict, Error> {
        let handle = commit.guard.handle;
        if let Some(held) = shard.peek(&handle) {
            shard.is_here_for(&commit.guard)?;
            let known = held.record.repeated(commit).map(|known| Outcome::Committed(committed(known, now)));
            return Ok(Verdict::Answer(known.unwrap_or(Outcome::Taken)));
        }
        let record = match Record::create(commit, creation, now) {
            Ok(record) => record,
            Err(over) => return Ok(Verdict::Answer(Outcome::OverLimit(over))),
        };
        let version = record.version;
        let held = Held::create(record, &commit.changes.attributes);
        if held.cost() > self.max_bytes {
            return Err(Error::of(ErrorKind::Full, "commit"));
        }
        shard.insert(handle, held);
        Ok(Verdict::Apply(committed((version, TicketFate::Kept), now)))
    }

    /// Returns the first answer to a commit that was applied already.
    fn answered(&self, commit: &Commit, now: Timestamp) -> Result<Option<Outcome>, Error> {
        let shard = self.shard(commit.guard.handle);
        shard.is_here_for(&commit.guard)?;
        let known = shard.peek(&commit.guard.handle).and_then(|held| held.record.repeated(commit));
        Ok(known.map(|known| Outcome::Committed(committed(known, now))))
    }

    /// Returns which other sessions must end when `bind` signs in to `handle`.
    fn room_for(
        &self,
        bind: &Bind,
        handle: Handle,
        principals: &Principals,
        now: Timestamp,
    ) -> Result<Vec<Handle>, OverLimit> {
        let Some(max) = bind.max_sessions else {
            return Ok(Vec::new());
        };
        let others = principals.of(&bind.principal).into_iter().filter(|other| *other != handle);
        let live = others.filter_map(|other| self.info(other, &bind.principal, now));
        max.make_room(live.map(|info| (info.signed_in_at.unwrap_or(info.created_at), info.handle)).collect())
    }

    fn info(&self, handle: Handle, principal: &Principal, now: Timestamp) -> Option<SessionInfo> {
        let shard = self.shard(handle);
        let held = shard.peek(&handle)?;
        let record = &held.record;
        let theirs = record.principal.as_ref() == Some(principal) && record.is_live(now) && !held.is_closed();
        theirs.then(|| SessionInfo {
            handle,
            created_at: record.created_at,
            accessed_at: record.accessed_at,
            signed_in_at: record.signed_in_at,
            label: record.label.clone(),
        })
    }

    fn invalidate_ticket(&self, guard: &Guard) -> Invalidated {
        let now = self.clock.now();
        let mut shard = self.shard(guard.handle);
        let ended = match shard.peek(&guard.handle).map(|held| held.record.admit_to_end(&guard.proof, now)) {
            Some(Admission::Current | Admission::Previous(_)) => shard.invalidate(guard.handle, now),
            Some(Admission::Superseded) => return Invalidated::Superseded,
            Some(Admission::Refused) | None => None,
        };
        drop(shard);
        self.done(ended)
    }

    fn invalidate_handle(&self, handle: Handle, owner: Option<&Principal>) -> Invalidated {
        let now = self.clock.now();
        let mut shard = self.shard(handle);
        let theirs = shard
            .peek(&handle)
            .is_some_and(|held| owner.is_none() || held.record.principal.as_ref() == owner);
        let ended = if theirs { shard.invalidate(handle, now) } else { None };
        drop(shard);
        self.done(ended)
    }

    fn done(&self, ended: Option<Ended>) -> Invalidated {
        if let Some(Ended { handle, principal: Some(principal), .. }) = &ended {
            self.principals().remove(principal, *handle);
        }
        Invalidated::Done(ended.into_iter().collect())
    }

    fn invalidate_principal(&self, principal: &Principal, except: Option<Handle>) -> Invalidated {
        let now = self.clock.now();
        let mut principals = self.principals();
        let theirs = principals.of(principal).into_iter().filter(|handle| Some(*handle) != except);
        let is_theirs = |handle: &Handle| {
            let shard = self.shard(*handle);
            shard.peek(handle).is_some_and(|held| held.record.principal.as_ref() == Some(principal))
        };
        let theirs: Vec<_> = theirs.filter(is_theirs).collect();
        Invalidated::Done(
            theirs.into_iter().filter_map(|handle| self.end(handle, &mut principals, now)).collect(),
        )
    }

    fn end(&self, handle: Handle, principals: &mut Principals, now: Timestamp) -> Option<Ended> {
        let ended = self.shard(handle).invalidate(handle, now)?;
        if let Some(principal) = &ended.principal {
            principals.remove(principal, handle);
        }
        Some(ended)
    }

    fn invalidate_everyone(&self) -> Invalidated {
        let mut principals = self.principals();
        // All locks at once: nobody sees some sessions ended and others not.
        let mut shards: Vec<_> = self.shards.iter().map(lock).collect();
        shards.iter_mut().for_each(|shard| shard.clear());
        principals.clear();
        Invalidated::Done(Vec::new())
    }
}

fn committed((version, ticket): (Version, TicketFate), now: Timestamp) -> Committed {
    Committed { version, now, ticket, ended: Vec::new() }
}

/// Returns who a commit signs in.
fn binds(commit: &Commit) -> Option<&Bind> {
    match (&commit.intent, &commit.changes.ticket) {
        (Intent::Create(creation), _) => creation.bind.as_ref(),
        (Intent::Change, Some(TicketChange::SignIn { bind, .. })) => Some(bind),
        (Intent::Change, _) => None,
    }
}

fn list(principals: &mut Principals, bind: &Bind, handle: Handle, owner_before: Option<&Principal>) {
    if let Some(before) = owner_before.filter(|before| **before != bind.principal) {
        principals.remove(before, handle);
    }
    principals.add(&bind.principal, handle);
}
