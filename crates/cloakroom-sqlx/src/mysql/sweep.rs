use std::collections::HashMap;

use cloakroom_core::{Ended, Error, Handle, Sweep, Timestamp, Wanted};
use sqlx::mysql::MySqlRow;

use super::MySqlStore;
use super::deadlock::Attempts;
use super::principal::handles;
use super::row::{attribute, handle, number, readable};
use super::script::{Answer, Script, of_handle, of_handles, of_names};
use super::session::{Names, SESSION_AND_RECORD, Session, select_names, sorted};
use super::statements::NOW;
use super::step::{Closing, Step};
use crate::record::{FORMAT, millis};

const SWEEP: &str = "sweep";
const ACKNOWLEDGE: &str = "acknowledge";

/// How many sessions that ended with everybody's a sweep removes at least, if there are that many.
const PAST_AT_LEAST: u32 = 1000;

/// How often a sweep looks again that has found only sessions whose end has moved.
const LOOKS: u32 = 64;

/// The sessions, found by when they are due.
const BY_DUE: &str = "cloakroom_sessions s FORCE INDEX (due)";

/// The record of each.
const RECORD: &str = "cloakroom_attributes a FORCE INDEX (PRIMARY) ON a.session = s.handle AND a.name = x''";

/// Ended with everybody's.
const PAST: &str = "s.epoch < (SELECT epoch FROM cloakroom_state WHERE id = 1)";

/// May have expired, and is claimed by nobody who may still acknowledge it.
fn due() -> String {
    format!("s.epoch = (SELECT epoch FROM cloakroom_state WHERE id = 1) AND s.due_at <= {NOW}")
}

/// What one look at the sessions that are due has come to.
struct Look {
    ended: Vec<Ended>,
    /// There may be more that are due.
    is_full: bool,
}

impl MySqlStore {
    /// Hands out sessions. Where all that was due has been accessed since, looks at the next.
    pub(super) async fn sweep_with_retries(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.ready(SWEEP).await?;
        let mut attempts = Attempts::new(SWEEP);
        let mut looks = LOOKS;
        loop {
            let look = match attempts.settle(self.sweep_once(sweep).await) {
                None => continue,
                Some(look) => look?,
            };
            looks -= 1;
            if !look.ended.is_empty() || !look.is_full || looks == 0 {
                return Ok(look.ended);
            }
            attempts = Attempts::new(SWEEP);
        }
    }

    async fn sweep_once(&self, sweep: &Sweep) -> Result<Look, sqlx::Error> {
        if !self.is_sweep_due().await? {
            return Ok(Look { ended: Vec::new(), is_full: false });
        }
        let mut opening = self.opening();
        let now_at = opening.push_now();
        let past_at = opening.push(&format!(
            "SELECT s.handle FROM {BY_DUE} WHERE {PAST} LIMIT {} FOR UPDATE SKIP LOCKED",
            sweep.limit.max(PAST_AT_LEAST)
        ));
        let due_at = opening.push(&format!(
            "SELECT s.handle, a.lapses_at, a.value FROM {BY_DUE} STRAIGHT_JOIN {RECORD} WHERE {} AND SUBSTRING(a.value, 1, 1) <= x'{FORMAT:02x}' \
             ORDER BY s.due_at LIMIT {} FOR UPDATE SKIP LOCKED",
            due(),
            sweep.limit
        ));
        let (step, answers) = opening.send(self.links.acquire().await?, now_at).await?;
        let past = handles(&answers[past_at])?;
        step.hand_out(&answers[due_at].rows, past, sweep).await
    }

    /// Looks whether there is anything to sweep, without locking anything.
    async fn is_sweep_due(&self) -> Result<bool, sqlx::Error> {
        let mut script = Script::default();
        let due = due();
        script.push(
            &self.namespace,
            &format!(
                "SELECT EXISTS (SELECT 1 FROM cloakroom_sessions s WHERE {PAST}) \
                 OR EXISTS (SELECT 1 FROM cloakroom_sessions s WHERE {due})"
            ),
        );
        let answers = self.links.acquire().await?.run(script).await?;
        answers
            .first()
            .and_then(|answer| answer.rows.first())
            .map_or(Ok(false), |row| Ok(number(row, 0, "due")? > 0))
    }

    pub(super) async fn acknowledge_all(&self, sessions: &[Handle]) -> Result<(), Error> {
        self.ready(ACKNOWLEDGE).await?;
        if sessions.is_empty() {
            return Ok(());
        }
        let mut attempts = Attempts::new(ACKNOWLEDGE);
        loop {
            if let Some(result) = attempts.settle(self.acknowledge_once(sessions).await) {
                return result;
            }
        }
    }

    async fn acknowledge_once(&self, sessions: &[Handle]) -> Result<(), sqlx::Error> {
        let mut opening = self.opening();
        for session in sorted(sessions) {
            opening.push(&format!(
                "DELETE s FROM {SESSION_AND_RECORD} WHERE s.handle = {} AND a.lapses_at IS NOT NULL",
                of_handle(session)
            ));
        }
        opening.commit(self.links.acquire().await?).await
    }
}

impl Step<'_> {
    /// Hands out what has expired. What cannot be read is removed, and so is what ended with everybody's.
    async fn hand_out(
        mut self,
        due: &[MySqlRow],
        past: Vec<Handle>,
        sweep: &Sweep,
    ) -> Result<Look, sqlx::Error> {
        let found = due.iter().map(|row| handle(row, 0)).collect::<Result<Vec<_>, _>>()?;
        let mut sweeping = Sweeping { removed: past, ..Sweeping::default() };
        if !found.is_empty() {
            let lists = of_handles(&found);
            let mut names = self.ask(&questions(&lists, sweep)).await?;
            let values = names.split_off(lists.len().min(names.len()));
            let (names, mut values) = (Names::new(&names)?, by_session(values)?);
            for (row, handle) in due.iter().zip(&found) {
                sweeping.sort(row, *handle, &names, values.remove(handle).unwrap_or_default(), self.now);
            }
        }
        let is_full = due.len() >= sweep.limit as usize;
        let ended = sweeping.finish(self, sweep).await?;
        Ok(Look { ended, is_full })
    }
}

/// Asks for the names of the sessions in each list, and then for the values that are wanted.
fn questions(lists: &[String], sweep: &Sweep) -> Vec<String> {
    let which = match &sweep.select.values {
        Wanted::Nothing => None,
        Wanted::Named(names) => Some(format!(" AND name IN ({})", of_names(names.iter()))),
        Wanted::Everything => Some(String::new()),
    };
    let values = |list: &String| {
        which.as_ref().map(|which| {
            format!(
                "SELECT session, name, revision, lapses_at, value FROM cloakroom_attributes \
                 WHERE session IN ({list}) AND name > x''{which}"
            )
        })
    };
    let names = lists.iter().map(|list| select_names(list));
    names.chain(lists.iter().filter_map(values)).collect()
}

/// Sorts what a sweep has found.
#[derive(Default)]
struct Sweeping {
    removed: Vec<Handle>,
    moved: Vec<Session>,
    ended: Vec<Ended>,
}

impl Sweeping {
    /// Only of a session that has expired all must be readable: a live one is left as it is.
    fn sort(
        &mut self,
        row: &MySqlRow,
        handle: Handle,
        names: &Names<'_>,
        values: Vec<MySqlRow>,
        now: Timestamp,
    ) {
        let Some(session) = readable(Session::read_record(row)) else {
            return self.removed.push(handle);
        };
        if session.record.is_live(now) {
            return self.moved.push(session);
        }
        match readable(session.with_names(names, now).and_then(|session| told(session, values))) {
            None => self.removed.push(handle),
            Some(ended) => self.ended.push(ended),
        }
    }

    async fn finish(self, step: Step<'_>, sweep: &Sweep) -> Result<Vec<Ended>, sqlx::Error> {
        let now = step.now;
        let expired: Vec<_> = self.ended.iter().map(|ended| ended.handle).collect();
        let mut closing = step.closing();
        closing.push_end(self.removed);
        for session in &self.moved {
            closing.push_move(session);
        }
        match sweep.lease {
            None => closing.push_end(expired),
            Some(lease) => closing.push_claim(&expired, millis(now.plus(lease))),
        }
        closing.commit().await?;
        Ok(self.ended)
    }
}

/// Sorts rows by the handle in their first column.
fn by_session(answers: Vec<Answer>) -> Result<HashMap<Handle, Vec<MySqlRow>>, sqlx::Error> {
    let mut sorted: HashMap<_, Vec<_>> = HashMap::new();
    for row in answers.into_iter().flat_map(|answer| answer.rows) {
        sorted.entry(handle(&row, 0)?).or_default().push(row);
    }
    Ok(sorted)
}

/// Tells of a session with its values.
fn told(session: Session, values: Vec<MySqlRow>) -> Result<Ended, sqlx::Error> {
    let (end, reason) = (session.record.expires_at(), session.record.end_reason());
    let attributes = values.into_iter().map(|row| attribute(row, 1, &[]));
    let mut attributes = attributes.collect::<Result<Vec<_>, _>>()?;
    attributes.retain(|it| it.lapses_at.is_none_or(|lapses_at| end < lapses_at));
    Ok(Ended { attributes, ..session.ended(reason) })
}

impl Closing<'_> {
    /// Has a sweep look at a session that has been accessed when it will have expired.
    fn push_move(&mut self, session: &Session) {
        self.push(&format!(
            "UPDATE cloakroom_sessions SET due_at = {} WHERE handle = {}",
            millis(session.record.expires_at()),
            of_handle(session.handle)
        ));
    }
}
