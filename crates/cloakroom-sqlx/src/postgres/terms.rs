use std::time::Duration;

use cloakroom_core::{AtLimit, Bind, Commit, Intent, TicketChange};

use super::argument::Argument;

/// So much time is as good as for ever, and can still be added to a moment.
const EVER: i64 = 1 << 60;

/// More sessions of one principal than there can be.
const MOST_SESSIONS: u32 = u32::MAX >> 1;

/// Returns what most commits do not have: a list in the order of the function's `terms`, or NULL.
pub(super) fn terms(commit: &Commit) -> Argument<'_> {
    let mut terms = Terms::default();
    terms.set(0, (!commit.age.is_zero()).then(|| millis(commit.age)));
    terms.set(1, commit.changes.clear.then_some(true));
    if let Intent::Create(creation) = &commit.intent {
        terms.set(2, Some(true));
        terms.set(3, Some(millis(creation.max_inactive_interval)));
        terms.set(4, creation.max_lifetime.map(millis));
        terms.bind(creation.bind.as_ref());
    }
    if let Some(interval) = commit.changes.max_inactive_interval {
        terms.set(3, Some(millis(interval)));
    }
    terms.set(5, commit.changes.label.as_ref());
    terms.set(12, Some(commit.stands_for.get()).filter(|count| *count > 1));
    match &commit.changes.ticket {
        None => {}
        Some(TicketChange::Renew { proof, seed, grace }) => {
            terms.set(9, Some(hex::encode(proof.as_bytes())));
            terms.set(10, Some(millis(*grace)));
            terms.set(11, Some(hex::encode(seed.as_bytes())));
        }
        Some(TicketChange::SignIn { proof, grace, bind }) => {
            terms.bind(Some(bind));
            terms.set(9, Some(hex::encode(proof.as_bytes())));
            terms.set(10, Some(millis(*grace)));
        }
    }
    Argument::Terms(terms.0)
}

#[derive(Default)]
struct Terms(Option<Vec<Option<String>>>);

impl Terms {
    const COUNT: usize = 13;

    fn set(&mut self, at: usize, term: Option<impl ToString>) {
        if let Some(term) = term {
            self.0.get_or_insert_with(|| vec![None; Self::COUNT])[at] = Some(term.to_string());
        }
    }

    fn bind(&mut self, bind: Option<&Bind>) {
        let Some(bind) = bind else { return };
        self.set(6, Some(&bind.principal));
        if let Some(max) = bind.max_sessions {
            self.set(7, Some(max.count.min(MOST_SESSIONS)));
            self.set(8, Some(max.at_limit == AtLimit::Refuse));
        }
    }
}

/// Returns an interval as the functions take it.
pub(super) fn millis(interval: Duration) -> i64 {
    i64::try_from(interval.as_millis()).unwrap_or(EVER).min(EVER)
}
