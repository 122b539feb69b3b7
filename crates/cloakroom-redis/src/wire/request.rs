use std::num::NonZeroU32;
use std::time::Duration;

use cloakroom_core::{
    AttributeChange, Bind, Changes, Commit, Creation, Edit, Expect, Intent, Label, Load, TicketChange, Touch,
};
use redis::Cmd;

use super::{MAX_MILLIS, millis};

/// How a script is told that no interval is to be set, that nobody signs in, and the like.
const NONE: u64 = 0;

const KEEP: u8 = 0;
const RENEW: u8 = 1;
const SIGN_IN: u8 = 2;
const CREATE: u8 = 3;

/// Writes the terms of a load; see `load.lua`.
pub(crate) fn load_terms(load: &Load, wants_all: bool) -> [u8; 41] {
    let mut terms = [0; 41];
    terms[..32].copy_from_slice(load.guard.proof.as_bytes());
    terms[32] = wants_all.into();
    terms[33] = load.select.names.into();
    if let Touch::AtMostEvery(every) = load.touch {
        terms[34] = 1;
        // Rounded up, as whole milliseconds are compared with it.
        let whole = every.as_nanos().div_ceil(1_000_000);
        let whole = u64::try_from(whole).unwrap_or(MAX_MILLIS).min(MAX_MILLIS);
        terms[35..].copy_from_slice(&whole.to_be_bytes()[2..]);
    }
    terms
}

/// What a commit's script is told beside the commit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Around {
    /// Whether the answer alone is asked for, and nothing is to be done.
    pub(crate) is_question: bool,
    /// Until when a place is kept for a sign-in, in microseconds; zero where it needs none.
    pub(crate) place_until: u64,
}

/// Writes the head of a commit; see `asked.lua`.
pub(crate) fn head(commit: &Commit, around: Around, epoch: u64) -> Vec<u8> {
    let mut out = Head(Vec::with_capacity(160));
    let (changes, limits) = (&commit.changes, &commit.limits);
    out.bytes(&commit.id.as_bytes()[..8]);
    out.bytes(commit.guard.proof.as_bytes());
    out.number(limits.attribute_bytes.min(MAX_MILLIS));
    out.number(limits.session_bytes.min(MAX_MILLIS));
    out.bytes(&limits.attributes.to_be_bytes());
    if is_usual(commit, around) {
        return out.0;
    }
    out.number(millis(commit.age));
    let is_several = commit.stands_for > NonZeroU32::MIN;
    let flags = u8::from(changes.clear) | u8::from(is_several) << 1;
    out.bytes(&[flags, around.is_question.into(), expectations(&changes.attributes)]);
    let interval = match &commit.intent {
        Intent::Create(creation) => {
            Some(changes.max_inactive_interval.unwrap_or(creation.max_inactive_interval))
        }
        Intent::Change => changes.max_inactive_interval,
    };
    out.number(interval.map_or(NONE, some_millis));
    out.bytes(&[kind(commit)]);
    if is_several {
        out.bytes(&commit.stands_for.get().to_be_bytes());
    }
    match (&commit.intent, &changes.ticket) {
        (Intent::Create(creation), _) => out.creation(creation, around, epoch),
        (Intent::Change, Some(change)) => out.ticket(change, around),
        (Intent::Change, None) => {}
    }
    out.bytes(changes.label.as_ref().map_or("", Label::as_str).as_bytes());
    out.0
}

/// Returns whether a commit only sets values, now, and so needs no more than the beginning of a head.
fn is_usual(commit: &Commit, around: Around) -> bool {
    let Changes { clear, attributes, max_inactive_interval, ticket, label } = &commit.changes;
    let is_more = *clear || max_inactive_interval.is_some() || ticket.is_some() || label.is_some();
    let is_alone = commit.stands_for == NonZeroU32::MIN && !around.is_question;
    let is_change = matches!(commit.intent, Intent::Change);
    is_change && is_alone && !is_more && millis(commit.age) == 0 && are_only_set(attributes)
}

fn kind(commit: &Commit) -> u8 {
    match (&commit.intent, &commit.changes.ticket) {
        (Intent::Create(_), _) => CREATE,
        (Intent::Change, None) => KEEP,
        (Intent::Change, Some(TicketChange::Renew { .. })) => RENEW,
        (Intent::Change, Some(TicketChange::SignIn { .. })) => SIGN_IN,
    }
}

/// Returns whether any attribute is expected to be something, or all are only set.
fn expectations(changes: &[AttributeChange]) -> u8 {
    if changes.iter().any(|change| change.expect.is_some()) {
        1
    } else if are_only_set(changes) {
        2
    } else {
        0
    }
}

/// Returns whether all that is done is that values are set which do not lapse, whatever was there.
fn are_only_set(changes: &[AttributeChange]) -> bool {
    let is_set = |change: &AttributeChange| {
        change.expect.is_none() && matches!(change.edit, Edit::Set { ttl: None, .. })
    };
    !changes.is_empty() && changes.iter().all(is_set)
}

/// Returns a duration as a script is told it where zero means that there is none.
fn some_millis(duration: Duration) -> u64 {
    millis(duration).max(1)
}

struct Head(Vec<u8>);

impl Head {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Writes a number of 48 bits.
    fn number(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes()[2..]);
    }

    fn creation(&mut self, creation: &Creation, around: Around, epoch: u64) {
        self.number(creation.max_lifetime.map_or(NONE, some_millis));
        self.bytes(&epoch.to_be_bytes());
        self.principal(creation.bind.as_ref(), around);
    }

    fn ticket(&mut self, change: &TicketChange, around: Around) {
        match change {
            TicketChange::Renew { proof, seed, grace } => {
                self.bytes(proof.as_bytes());
                self.number(millis(*grace));
                self.bytes(seed.as_bytes());
            }
            TicketChange::SignIn { proof, grace, bind } => {
                self.bytes(proof.as_bytes());
                self.number(millis(*grace));
                self.principal(Some(bind), around);
            }
        }
    }

    fn principal(&mut self, bind: Option<&Bind>, around: Around) {
        let principal = bind.map_or("", |bind| bind.principal.as_str());
        self.bytes(&around.place_until.to_be_bytes());
        // A principal has at most 256 bytes.
        self.bytes(&u16::try_from(principal.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.bytes(principal.as_bytes());
    }
}

/// Adds the changed attributes to a call: of each the name, how it is edited unless all are only set, and the value.
pub(crate) fn attributes(command: &mut Cmd, changes: &[AttributeChange]) {
    let are_only_set = are_only_set(changes);
    for change in changes {
        command.arg(change.name.as_str());
        if !are_only_set {
            let edit = edit(change);
            command.arg(&edit.bytes[..edit.length]);
        }
        let value: &[u8] = match &change.edit {
            Edit::Set { value, .. } => value,
            Edit::Remove => &[],
        };
        command.arg(value);
    }
}

fn edit(change: &AttributeChange) -> EditBytes {
    let mut edit = EditBytes { bytes: [0; 14], length: 2 };
    edit.bytes[1] = match change.expect {
        None => 0,
        Some(Expect::Absent) => 1,
        Some(Expect::Revision(revision)) => {
            edit.number(revision.0);
            2
        }
    };
    if let Edit::Set { ttl, .. } = &change.edit {
        edit.bytes[0] = 1;
        if let Some(ttl) = ttl {
            edit.number(millis(*ttl));
        }
    }
    edit
}

struct EditBytes {
    bytes: [u8; 14],
    length: usize,
}

impl EditBytes {
    fn number(&mut self, number: u64) {
        self.bytes[self.length..self.length + 6].copy_from_slice(&number.to_be_bytes()[2..]);
        self.length += 6;
    }
}
