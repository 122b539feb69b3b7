use std::time::Duration;

use cloakroom_core::{
    Commit, Committed, Edit, Error, Freshness, Guard, Handle, Intent, Invalidate, Load, Loaded, Name, Opened,
    Outcome, Principal, Standing, TicketChange, TicketFate, Timestamp, Version,
};

use super::batch::Batch;
use super::known::Known;
use super::overlay::overlay;

/// What this node knows of one session, and what it holds back of it.
#[derive(Debug, Default)]
pub(super) struct State {
    known: Option<Known>,
    /// What is being written, or was and got no answer: it keeps its id until it has one.
    writing: Option<Batch>,
    /// What has gathered since.
    pending: Option<Batch>,
    /// How many operations wait to go to the store, or are there, that must not be passed by commits that are held back.
    pub(super) at_once: u32,
    /// When the background task is to write it.
    pub(super) due: Option<Timestamp>,
    /// How often in a row that has failed.
    pub(super) failures: u32,
    /// What was told to the account of all sessions: the age of the oldest commit, and the bytes.
    pub(super) accounted: Option<(Timestamp, usize)>,
    /// Counts how often what is known was dropped or put in doubt.
    doubts: u64,
    /// Changes that requests may have read here were refused or given up. Until one has asked for the latest, no expectation is
    /// taken for what it says: the revision in it may be that of what was lost, and since then of another node's commit.
    pub(super) lost: bool,
}

/// When the store was asked about a session, and what was known then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    at: Timestamp,
    doubts: u64,
}

/// What becomes of a commit.
#[derive(Debug)]
pub(super) enum Decision {
    /// It is held back.
    Held(Committed),
    /// It was taken before, and this was the answer.
    Repeated(Committed),
    /// It is for the store.
    AtOnce,
}

/// What becomes of a load's answer.
#[derive(Debug)]
pub(super) enum Look {
    /// It is the answer.
    Right,
    /// What is held back has to be written first.
    Unclear,
}

/// The versions of a session that this node knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Versions {
    /// The store's, when this node last looked.
    stored: Version,
    /// The last one that a request was told on this node, with what is held back.
    told: Version,
}

impl Versions {
    /// Returns how new the store's answer must be where a load asks for `asked`: no older than what this node has seen there,
    /// and no newer than it can be there. What is held back counts for the visitor, and not for a copy behind this store. What
    /// the visitor has seen beyond that is from another node.
    pub(super) fn not_older(self, asked: Freshness) -> Freshness {
        match asked {
            Freshness::AtLeast(seen) if seen > self.told => asked,
            Freshness::Any | Freshness::AtLeast(_) => Freshness::AtLeast(self.stored),
            Freshness::Latest => Freshness::Latest,
        }
    }
}

/// What was lost in a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) reason: &'static str,
    pub(super) commits: u32,
}

impl State {
    /// Takes a commit into this node's memory, if it can be decided here and now. `slack` is how long the write may take;
    /// `None`: there is no room.
    pub(super) fn take(&mut self, commit: &Commit, now: Timestamp, slack: Option<Duration>) -> Decision {
        let Some(known) = &mut self.known else { return Decision::AtOnce };
        if !can_wait(commit) {
            return Decision::AtOnce;
        }
        if let Some((version, ticket)) = known.record.repeated(commit) {
            let now = known.store_time(now);
            return Decision::Repeated(Committed { version, now, ticket, ended: Vec::new() });
        }
        let fits = self.at_once == 0 && self.pending.as_ref().is_none_or(|batch| batch.takes(commit));
        let decided = slack.filter(|_| fits).and_then(|slack| known.decide(commit, now, slack));
        let Some((record, committed)) = decided else { return Decision::AtOnce };
        match &mut self.pending {
            Some(batch) => batch.absorb(commit, now),
            none => match Batch::begin(commit, now, record.max_inactive_interval) {
                Ok(batch) => *none = Some(batch),
                Err(_) => return Decision::AtOnce,
            },
        }
        known.hold(&commit.changes, record);
        Decision::Held(committed)
    }

    /// Returns the longest that something of this session may be held back, if nothing else says so: a tenth of its max
    /// inactive interval.
    pub(super) fn longest_delay(&self) -> Duration {
        self.known.as_ref().map_or(Duration::ZERO, |known| known.record.max_inactive_interval / 10)
    }

    /// Returns the commit that is to be written next, if any: first what has got no answer yet.
    pub(super) fn next_write(&mut self, now: Timestamp) -> Option<Commit> {
        if self.writing.is_none() {
            self.writing = self.pending.take();
        }
        self.writing.as_ref().map(|batch| batch.commit(now))
    }

    /// Takes note of the answer to what was written, and returns what it means for the commits held back.
    ///
    /// # Errors
    ///
    /// When there are no random bytes; then the same is written again.
    pub(super) fn written(
        &mut self,
        commit: &Commit,
        outcome: &Outcome,
        asked: Timestamp,
    ) -> Result<Option<Lost>, Error> {
        let later = self.pending.as_ref().map_or(0, |batch| batch.count().get());
        match outcome {
            Outcome::Committed(committed) => {
                self.writing = None;
                if let Some(known) = &mut self.known {
                    known.written(committed, asked, commit.age, [commit.stands_for.get(), later]);
                }
                Ok(None)
            }
            Outcome::Gone(_) => Ok(self.give_up("gone")),
            Outcome::OverLimit(_) => self.refuse("over_limit"),
            Outcome::Conflict(_) | Outcome::Taken => self.refuse("refused"),
        }
    }

    /// Drops all that is held back: the session has ended.
    pub(super) fn give_up(&mut self, reason: &'static str) -> Option<Lost> {
        self.forget();
        let batches = [self.writing.take(), self.pending.take()];
        let commits = batches.iter().flatten().map(|batch| batch.count().get()).sum();
        (commits > 0).then_some(Lost { reason, commits })
    }

    /// Drops what the store refuses. That the commits were told their versions stands: the version counts on, so that no
    /// other commit is told the same.
    fn refuse(&mut self, reason: &'static str) -> Result<Option<Lost>, Error> {
        self.doubt();
        let Some(batch) = &mut self.writing else { return Ok(None) };
        if !batch.has_changes() {
            self.writing = None;
            return Ok(None);
        }
        batch.empty()?;
        self.lost = true;
        Ok(Some(Lost { reason, commits: batch.count().get() }))
    }

    /// Returns whether a load can be answered with what is held back put over it, as far as is known before.
    pub(super) fn can_load(&self) -> bool {
        let is_exact = self.known.as_ref().is_some_and(|known| known.exact);
        self.writing.is_none() && (self.pending.is_none() || is_exact)
    }

    /// Returns the session's versions, if something is held back.
    pub(super) fn held_versions(&self) -> Option<Versions> {
        self.versions().filter(|_| self.pending.is_some())
    }

    /// Returns the session's versions, as far as they are known.
    pub(super) fn versions(&self) -> Option<Versions> {
        let known = self.known.as_ref().filter(|known| known.base.0 > 0)?;
        Some(Versions { stored: known.base, told: known.record.version })
    }

    /// Returns whether the store may take the session for expired, by what it has recorded.
    pub(super) fn may_look_expired(&self, now: Timestamp) -> bool {
        self.known.as_ref().is_none_or(|known| known.may_look_expired(now))
    }

    /// Begins to ask the store, at this node's `now`.
    pub(super) fn ask(&self, now: Timestamp) -> Asked {
        Asked { at: now, doubts: self.doubts }
    }

    /// Takes note of a load's answer, and puts what is held back over it. Nothing was written since the load began; but the
    /// session may have ended, of which an answer from before knows nothing.
    pub(super) fn loaded(&mut self, load: &Load, answer: &mut Loaded, asked: Asked) -> Look {
        let look = self.look(load, answer, asked);
        self.lost &= !(matches!(look, Look::Right) && load.freshness == Freshness::Latest);
        look
    }

    fn look(&mut self, load: &Load, answer: &mut Loaded, asked: Asked) -> Look {
        let is_ours = self.is_theirs(&load.guard);
        match answer {
            Loaded::Open(opened) => {
                let Some(batch) = &self.pending else {
                    if asked.doubts == self.doubts {
                        self.see(load, opened, asked.at);
                    }
                    return Look::Right;
                };
                let Some(known) = self.known.as_mut().filter(|known| known.exact) else {
                    return Look::Unclear;
                };
                if known.base != opened.meta.version {
                    return Look::Unclear;
                }
                if opened.standing == Standing::Current {
                    known.see_again(load, opened, asked.at, Some(&|name| batch.changes(name)));
                }
                overlay(opened, &load.select, batch, known, asked.at);
                Look::Right
            }
            Loaded::Absent | Loaded::Superseded if is_ours && self.pending.is_some() => Look::Unclear,
            Loaded::Absent | Loaded::Superseded => {
                if is_ours {
                    self.forget();
                }
                Look::Right
            }
        }
    }

    fn see(&mut self, load: &Load, opened: &Opened, asked: Timestamp) {
        let version = opened.meta.version;
        match &mut self.known {
            Some(known) if known.base > version && !known.is_old(asked) => {}
            Some(known) if opened.standing != Standing::Current => known.exact &= known.base >= version,
            None if opened.standing != Standing::Current => {}
            Some(known) if known.base == version => known.see_again(load, opened, asked, None),
            known => {
                let recent = known.take().map(|known| known.record.recent);
                let mut seen = Known::seen(load, opened, asked);
                seen.record.recent = recent.unwrap_or_default();
                *known = Some(seen);
            }
        }
    }

    /// Takes note of the store's answer to a commit that was not held back. Nothing else is.
    pub(super) fn committed(&mut self, commit: &Commit, answer: &Result<Outcome, Error>, asked: Asked) {
        match (answer, &commit.intent) {
            (Ok(Outcome::Committed(committed)), Intent::Create(creation)) => match &mut self.known {
                Some(known) => known.start_over(),
                none if asked.doubts == self.doubts => {
                    *none = Known::created(commit, creation, committed, asked.at);
                }
                None => {}
            },
            (Ok(Outcome::Committed(committed)), Intent::Change) => match &mut self.known {
                Some(_) if committed.ticket == TicketFate::AlreadySignedIn => self.doubt(),
                Some(known) => known.applied(commit, committed, asked.at),
                None => {}
            },
            (Ok(Outcome::Gone(_)), _) if self.is_theirs(&commit.guard) => self.forget(),
            (Ok(_), _) => {}
            (Err(_), _) => self.doubt(),
        }
    }

    /// What is known may be wrong: nothing is held back before the next load has begun and ended.
    pub(super) fn doubt(&mut self) {
        self.doubts += 1;
        if let Some(known) = &mut self.known {
            known.exact = false;
        }
    }

    /// The session has ended: what is still held back of it will be refused, and nothing is known of its commits any more.
    pub(super) fn forget(&mut self) {
        self.doubts += 1;
        self.known = None;
    }

    /// Returns the age of the oldest commit that is held back, and the bytes; `None` if there is none.
    pub(super) fn held(&self) -> Option<(Timestamp, usize)> {
        let batches = || [&self.writing, &self.pending].into_iter().flatten();
        let first = batches().map(Batch::first).min()?;
        Some((first, batches().map(Batch::bytes).sum()))
    }

    /// Returns whether the session has ended for lack of an access, what is held back considered.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        [&self.writing, &self.pending].into_iter().flatten().all(|batch| batch.is_over(now))
    }

    /// Returns whether nothing is lost if this is forgotten.
    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        self.held().is_none() && self.known.as_ref().is_none_or(|known| known.is_old(now))
    }

    /// Returns whether this may be one of a principal's sessions, as far as is known.
    pub(super) fn may_belong_to(&self, principal: &Principal) -> bool {
        self.known.as_ref().is_none_or(|known| known.record.principal.as_ref() == Some(principal))
    }

    /// Returns whether this is one of the sessions that an end is asked for, as far as is known.
    pub(super) fn is_meant(&self, handle: Handle, invalidate: &Invalidate) -> bool {
        let owner = self.known.as_ref().and_then(|known| known.record.principal.as_ref());
        match invalidate {
            Invalidate::Ticket(guard) => self.is_theirs(guard),
            Invalidate::Handle { owner: wanted, .. } => wanted.is_none() || wanted.as_ref() == owner,
            Invalidate::Principal { principal, except } => {
                Some(principal) == owner && *except != Some(handle)
            }
            Invalidate::Everyone => true,
        }
    }

    /// Returns whether this is the ticket that was seen to be the current one.
    pub(super) fn is_theirs(&self, guard: &Guard) -> bool {
        self.known.as_ref().is_some_and(|known| known.record.proof == guard.proof)
    }
}

/// Returns whether a commit is of the kind that may be held back.
fn can_wait(commit: &Commit) -> bool {
    let changes = &commit.changes;
    let sets_terms = changes.max_inactive_interval.is_some() || changes.ticket.is_some();
    let is_plain = changes.attributes.iter().all(|change| change.expect.is_none() && !lapses(&change.edit));
    matches!(commit.intent, Intent::Change) && commit.age.is_zero() && !sets_terms && is_plain
}

fn lapses(edit: &Edit) -> bool {
    matches!(edit, Edit::Set { ttl: Some(_), .. })
}

/// Returns whether a commit to a session that has refused what was held back must not be applied: it expects attributes to be
/// as the requests have seen them.
pub(super) fn expects(commit: &Commit) -> Option<Name> {
    let expecting = commit.changes.attributes.iter().find(|change| change.expect.is_some());
    let signs_in = matches!(commit.changes.ticket, Some(TicketChange::SignIn { .. }));
    expecting.filter(|_| !signs_in).map(|change| change.name.clone())
}
