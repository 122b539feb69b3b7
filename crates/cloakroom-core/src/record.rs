use std::time::Duration;

use crate::commit::{AtLimit, Committed, MaxSessions};
use crate::commit::{
    Changes, Commit, Conflict, Creation, Edit, Expect, Gone, Outcome, TicketChange, TicketFate,
};
use crate::ended::EndReason;
use crate::limits::{Limit, Limits, OverLimit};
use crate::load::{Loaded, Meta, Standing, Touch};
use crate::recent::RecentCommits;
use crate::text::{Label, Name, Principal};
use crate::ticket::{Handle, Proof, Seed};
use crate::time::{Timestamp, Version};

/// What a store keeps of a session beside its attributes, and the rules that follow from it.
///
/// The rules are plain functions of the record and a time, so that every store decides alike. Times are the store's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The proof of the current ticket.
    pub proof: Proof,
    /// The ticket immediately before it.
    pub previous: Option<Previous>,
    /// When the current ticket was issued.
    pub ticket_issued_at: Timestamp,
    /// Counts the commits.
    pub version: Version,
    /// When the session was created.
    pub created_at: Timestamp,
    /// The last recorded access; never goes backward.
    pub accessed_at: Timestamp,
    /// How long the session lives without an access.
    pub max_inactive_interval: Duration,
    /// When it ends, whatever the activity.
    pub ends_at: Option<Timestamp>,
    /// Who is signed in.
    pub principal: Option<Principal>,
    /// When they signed in.
    pub signed_in_at: Option<Timestamp>,
    /// What the application calls it.
    pub label: Option<Label>,
    /// The number of attributes.
    pub attributes: u32,
    /// The bytes of all names and values.
    pub bytes: u64,
    /// When the first attribute with a time to live lapses, or earlier. From then on a commit must first remove what
    /// has lapsed, count it out of `attributes` and `bytes`, and set this anew.
    pub next_lapse: Option<Timestamp>,
    /// The answers to the last few commits.
    pub recent: RecentCommits,
}

/// The ticket immediately before a session's current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Its proof.
    pub proof: Proof,
    /// Until when it is remembered.
    pub until: Timestamp,
    /// What replaced it.
    pub replaced_by: Replacement,
}

impl Previous {
    /// Returns whether a proof is that of the ticket before, or of the one that is remembered with it.
    fn covers(&self, proof: &Proof) -> bool {
        self.proof == *proof
            || matches!(&self.replaced_by, Replacement::SignIn(Some(asked)) if asked == proof)
    }
}

/// What replaced a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Replacement {
    /// A renewal: the ticket still opens the session. The seed is kept until the browser first shows the new ticket;
    /// then it is known to have arrived, and nobody need be given it again.
    Renewal(Option<Seed>),
    /// A sign-in: the ticket opens nothing. Where the sign-in came with the ticket before a renewal, that one is remembered
    /// too: then either may be in the browser.
    SignIn(Option<Proof>),
}

/// What a ticket may do with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Admission {
    /// It is the current ticket.
    Current,
    /// It is the one before a renewal, within the grace; with the seed as long as the new ticket was not seen in use.
    Previous(Option<Seed>),
    /// It is the one before a sign-in, within the grace: it may do nothing.
    Superseded,
    /// It opens nothing, or the session has ended.
    Refused,
}

impl Admission {
    /// Returns the standing of a ticket that opens the session.
    ///
    /// # Errors
    ///
    /// The answer to a load by one that does not.
    pub fn standing(self) -> Result<Standing, Loaded> {
        match self {
            Self::Current => Ok(Standing::Current),
            Self::Previous(seed) => Ok(Standing::Previous(seed)),
            Self::Superseded => Err(Loaded::Superseded),
            Self::Refused => Err(Loaded::Absent),
        }
    }
}

/// What an attribute is before a commit, as far as the rules need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The bytes of its value.
    pub value: u64,
    /// The version of the commit that last wrote it.
    pub revision: Version,
}

/// What is to be done with a commit to an existing session.
#[derive(Clone, Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Verdict {
    /// The record has been changed: store it, together with the attributes, and answer [`Outcome::Committed`].
    Apply(Committed),
    /// The record is as it was: store nothing and answer this.
    Answer(Outcome),
}

impl Record {
    /// Makes the record of a new session, or says which limit it passes.
    ///
    /// Whether the handle is taken, and how many sessions the principal has, is for the store to check.
    ///
    /// # Errors
    ///
    /// When the session would be over a limit.
    pub fn create(commit: &Commit, creation: &Creation, now: Timestamp) -> Result<Self, OverLimit> {
        let at = now.minus(commit.age);
        let bound = creation.bind.as_ref();
        let mut record = Self {
            proof: commit.guard.proof,
            previous: None,
            ticket_issued_at: at,
            version: Version(0),
            created_at: at,
            accessed_at: at,
            max_inactive_interval: creation.max_inactive_interval,
            ends_at: creation.max_lifetime.map(|lifetime| at.plus(lifetime)),
            principal: bound.map(|bind| bind.principal.clone()),
            signed_in_at: bound.map(|_| at),
            label: None,
            attributes: 0,
            bytes: 0,
            next_lapse: None,
            recent: RecentCommits::default(),
        };
        let totals = record.totals_after(&commit.changes, &commit.limits, |_| None)?;
        record.absorb(commit, at, totals, TicketFate::Kept);
        Ok(record)
    }

    /// Returns when the session ends unless it is accessed.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        let inactive = self.accessed_at.plus(self.max_inactive_interval);
        self.ends_at.map_or(inactive, |end| end.min(inactive))
    }

    /// Returns whether the session is live: `now < last access + max inactive interval`, and
    /// `now < created + max lifetime` where one is set.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at()
    }

    /// Returns why a session that is no longer live has ended.
    #[must_use]
    pub fn end_reason(&self) -> EndReason {
        if self.ends_at == Some(self.expires_at()) { EndReason::MaxLifetime } else { EndReason::Inactive }
    }

    /// Decides what the ticket of this proof may do.
    #[must_use]
    pub fn admit(&self, proof: &Proof, now: Timestamp) -> Admission {
        if !self.is_live(now) {
            return Admission::Refused;
        }
        if self.proof == *proof {
            return Admission::Current;
        }
        match self.previous.as_ref().filter(|previous| now < previous.until && previous.covers(proof)) {
            None => Admission::Refused,
            Some(Previous { replaced_by: Replacement::Renewal(seed), .. }) => Admission::Previous(*seed),
            Some(Previous { replaced_by: Replacement::SignIn(_), .. }) => Admission::Superseded,
        }
    }

    /// Decides what the ticket of this proof may end: where the session has expired, what it could in the session's last moment. So
    /// whoever could have ended it then can still close it to commits that were held back.
    ///
    /// [`Superseded`](Admission::Superseded) is said of a live session alone.
    #[must_use]
    pub fn admit_to_end(&self, proof: &Proof, now: Timestamp) -> Admission {
        let last_moment = self.expires_at().minus(Duration::from_millis(1));
        match self.admit(proof, now.min(last_moment)) {
            Admission::Superseded if !self.is_live(now) => Admission::Refused,
            admission => admission,
        }
    }

    /// Records an access by a ticket that was admitted, if it is due, and returns whether the record has changed and
    /// must be stored.
    ///
    /// An access is due when the last recorded one is older than what `touch` asks, which is never more than a tenth of
    /// the max inactive interval; and, whatever the throttle, when a renewed ticket is shown for the first time. (A commit
    /// does not show that: it may be that of the very request that renewed the ticket.) The last access never goes
    /// backward.
    pub fn access(&mut self, admission: Admission, now: Timestamp, touch: Touch) -> bool {
        let Touch::AtMostEvery(every) = touch else {
            return false;
        };
        let since = now.since(self.accessed_at);
        let throttled = since < every && since * 10 < self.max_inactive_interval;
        let arrived = self.confirm_renewal(admission);
        if (throttled && !arrived) || now <= self.accessed_at {
            return arrived;
        }
        self.accessed_at = now;
        true
    }

    /// Forgets the seed of a renewal once the new ticket is in use, and returns whether it did.
    fn confirm_renewal(&mut self, admission: Admission) -> bool {
        match (admission, &mut self.previous) {
            (Admission::Current, Some(Previous { replaced_by: Replacement::Renewal(seed), .. })) => {
                seed.take().is_some()
            }
            _ => false,
        }
    }

    /// Decides on a commit that changes this session, and changes the record if it is to be applied.
    ///
    /// `held` tells what an attribute is now, lapsed ones removed (see [`Record::next_lapse`]). How many sessions the
    /// principal of a sign-in has is for the store to check, with [`MaxSessions::make_room`].
    pub fn apply(
        &mut self,
        commit: &Commit,
        now: Timestamp,
        held: impl Fn(&Name) -> Option<Size>,
    ) -> Verdict {
        if let Some((version, ticket)) = self.repeated(commit) {
            return Verdict::Answer(Outcome::Committed(Committed {
                version,
                now,
                ticket,
                ended: Vec::new(),
            }));
        }
        let at = now.minus(commit.age);
        let admission = self.admit(&commit.guard.proof, at);
        let fate = match self.ticket_fate(admission, commit) {
            // The ticket that asks may not write: its request may never have seen what it would write over.
            Ok(TicketFate::AlreadySignedIn) => {
                let ticket = TicketFate::AlreadySignedIn;
                let unchanged = Committed { version: self.version, now, ticket, ended: Vec::new() };
                return Verdict::Answer(Outcome::Committed(unchanged));
            }
            Ok(fate) => fate,
            Err(outcome) => return Verdict::Answer(outcome),
        };
        if let Some(name) = unexpected(&commit.changes, &held) {
            return Verdict::Answer(Outcome::Conflict(Conflict::Attribute(name)));
        }
        match self.totals_after(&commit.changes, &commit.limits, held) {
            Err(over) => Verdict::Answer(Outcome::OverLimit(over)),
            Ok(totals) => {
                self.absorb(commit, at, totals, fate);
                Verdict::Apply(Committed { version: self.version, now, ticket: fate, ended: Vec::new() })
            }
        }
    }

    /// Returns the first answer, if this commit was applied already. Only a ticket of this session is told.
    #[must_use]
    pub fn repeated(&self, commit: &Commit) -> Option<(Version, TicketFate)> {
        let known = self.recent.find(commit.id)?;
        let renewed_with = match &self.previous {
            Some(Previous { replaced_by: Replacement::Renewal(seed), .. }) => *seed,
            _ => None,
        };
        self.knows(&commit.guard.proof).then_some(match known {
            (version, TicketFate::AlreadyRenewed(_)) => (version, TicketFate::AlreadyRenewed(renewed_with)),
            known => known,
        })
    }

    /// Returns whether a proof is that of the current ticket or of one that is remembered with it: whatever else it may do,
    /// it was this session's.
    #[must_use]
    pub fn knows(&self, proof: &Proof) -> bool {
        self.proof == *proof || self.previous.as_ref().is_some_and(|it| it.covers(proof))
    }

    /// Returns the metadata as a load shows it.
    #[must_use]
    pub fn meta(&self) -> Meta {
        Meta {
            version: self.version,
            created_at: self.created_at,
            accessed_at: self.accessed_at,
            max_inactive_interval: self.max_inactive_interval,
            ends_at: self.ends_at,
            ticket_issued_at: self.ticket_issued_at,
            principal: self.principal.clone(),
            signed_in_at: self.signed_in_at,
            label: self.label.clone(),
            attributes: self.attributes,
            bytes: self.bytes,
        }
    }

    fn ticket_fate(&self, admission: Admission, commit: &Commit) -> Result<TicketFate, Outcome> {
        match (admission, &commit.changes.ticket) {
            (Admission::Refused, _) => Err(Outcome::Gone(Gone::Absent)),
            (Admission::Superseded, Some(TicketChange::SignIn { bind, .. })) => {
                if self.principal.as_ref() == Some(&bind.principal) {
                    Ok(TicketFate::AlreadySignedIn)
                } else {
                    Err(Outcome::Conflict(Conflict::Principal))
                }
            }
            (Admission::Superseded, _) => Err(Outcome::Gone(Gone::Superseded)),
            (Admission::Previous(seed), Some(TicketChange::Renew { .. })) => {
                Ok(TicketFate::AlreadyRenewed(seed))
            }
            (_, Some(_)) => Ok(TicketFate::Changed),
            (_, None) => Ok(TicketFate::Kept),
        }
    }

    fn totals_after(
        &self,
        changes: &Changes,
        limits: &Limits,
        held: impl Fn(&Name) -> Option<Size>,
    ) -> Result<(u32, u64), OverLimit> {
        let (mut count, mut bytes) = if changes.clear { (0, 0) } else { (self.attributes, self.bytes) };
        for change in &changes.attributes {
            let name = change.name.as_str().len() as u64;
            let before = held(&change.name);
            if let (Some(before), false) = (before, changes.clear) {
                count = count.saturating_sub(1);
                bytes = bytes.saturating_sub(name + before.value);
            }
            if let Edit::Set { value, .. } = &change.edit {
                let size = value.len() as u64;
                if size > limits.attribute_bytes && before.is_none_or(|before| size > before.value) {
                    let limit = Limit::AttributeBytes(change.name.clone());
                    return Err(OverLimit { limit, max: limits.attribute_bytes });
                }
                count += 1;
                bytes += name + size;
            }
        }
        if count > limits.attributes && count > self.attributes {
            return Err(OverLimit { limit: Limit::Attributes, max: limits.attributes.into() });
        }
        if bytes > limits.session_bytes && bytes > self.bytes {
            return Err(OverLimit { limit: Limit::SessionBytes, max: limits.session_bytes });
        }
        Ok((count, bytes))
    }

    fn absorb(&mut self, commit: &Commit, at: Timestamp, (count, bytes): (u32, u64), fate: TicketFate) {
        let changes = &commit.changes;
        self.version = Version(self.version.0 + u64::from(commit.stands_for.get()));
        self.accessed_at = self.accessed_at.max(at);
        self.attributes = count;
        self.bytes = bytes;
        if changes.clear {
            self.next_lapse = None;
        }
        let lapses = changes.attributes.iter().filter_map(|change| change.edit.lapses_at(at));
        self.next_lapse = lapses.chain(self.next_lapse).min();
        if let Some(interval) = changes.max_inactive_interval {
            self.max_inactive_interval = interval;
        }
        if let Some(label) = &changes.label {
            self.label = Some(label.clone());
        }
        if let (Some(change), TicketFate::Changed) = (&changes.ticket, fate) {
            self.change_ticket(change, commit.guard.proof, at);
        }
        self.recent.remember(commit.id, self.version, fate);
    }

    fn change_ticket(&mut self, change: &TicketChange, asks: Proof, at: Timestamp) {
        let (proof, grace, replaced_by) = match change {
            TicketChange::Renew { proof, seed, grace } => (*proof, *grace, Replacement::Renewal(Some(*seed))),
            TicketChange::SignIn { proof, grace, bind } => {
                self.principal = Some(bind.principal.clone());
                self.signed_in_at = Some(at);
                (*proof, *grace, Replacement::SignIn((asks != self.proof).then_some(asks)))
            }
        };
        self.previous = Some(Previous { proof: self.proof, until: at.plus(grace), replaced_by });
        self.proof = proof;
        self.ticket_issued_at = at;
    }
}

fn unexpected(changes: &Changes, held: impl Fn(&Name) -> Option<Size>) -> Option<Name> {
    let differs = changes.attributes.iter().find(|change| {
        let revision = || held(&change.name).map(|size| size.revision);
        match change.expect {
            None => false,
            Some(Expect::Absent) => revision().is_some(),
            Some(Expect::Revision(expected)) => revision() != Some(expected),
        }
    });
    differs.map(|change| change.name.clone())
}

impl Edit {
    /// Returns when the attribute lapses that this edit stores at `at`.
    #[must_use]
    pub fn lapses_at(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Set { ttl: Some(ttl), .. } => Some(at.plus(*ttl)),
            _ => None,
        }
    }
}

impl MaxSessions {
    /// Returns which of a principal's `others` (live sessions beside the one that signs in) must end to make room.
    ///
    /// # Errors
    ///
    /// When there is no room, and the sign-in is to be refused.
    pub fn make_room(&self, mut others: Vec<(Timestamp, Handle)>) -> Result<Vec<Handle>, OverLimit> {
        let room = (self.count.max(1) - 1) as usize;
        let excess = others.len().saturating_sub(room);
        if excess > 0 && self.at_limit == AtLimit::Refuse {
            return Err(OverLimit { limit: Limit::SessionsOfPrincipal, max: self.count.into() });
        }
        others.sort_unstable();
        Ok(others.into_iter().take(excess).map(|(_, handle)| handle).collect())
    }
}
