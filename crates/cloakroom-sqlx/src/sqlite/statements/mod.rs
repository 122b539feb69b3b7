//! Every statement on sessions, as text, built once for a store: so the driver's cache of prepared statements knows it
//! again.
//!
//! The comment at each field tells its parameters in their order, and what its rows hold.

mod end;
mod read;
mod sized;
mod write;

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

pub(super) use self::end::Ends;
pub(super) use self::read::Reads;
pub(super) use self::sized::Sized;
pub(super) use self::write::Writes;
use crate::namespace::Namespace;

#[derive(Debug)]
pub(super) struct Statements {
    pub(super) read: Reads,
    pub(super) write: Writes,
    pub(super) end: Ends,
}

impl Statements {
    pub(super) fn new(namespace: &Namespace) -> Self {
        let build = Build { namespace };
        Self { read: Reads::new(&build), write: Writes::new(&build), end: Ends::new(&build) }
    }
}

/// What makes a session that is there: not ended with everybody's, and not handed out as expired. The plus keeps the query
/// planner from looking for the epoch first.
const OPEN: &str = "+s.epoch = (SELECT epoch FROM cloakroom_state) AND s.claimed_until IS NULL";

/// How many values a list in a statement can have.
const LISTED: [usize; 4] = [1, 4, 16, 64];

/// Puts the namespace into statements.
struct Build<'a> {
    namespace: &'a Namespace,
}

impl Build<'_> {
    fn one(&self, template: impl AsRef<str>) -> SqlStr {
        let text: Arc<str> = self.namespace.apply(template.as_ref()).into();
        AssertSqlSafe(text).into_sql_str()
    }

    fn sized(&self, sizes: &[usize], template: impl Fn(usize) -> String) -> Sized {
        Sized::new(sizes.iter().map(|&size| (size, self.one(template(size)))).collect())
    }
}

/// The names of a session's attributes in one value. Names have no control characters, so that a line holds one name. What
/// lapses after the session's end is still there at its end.
fn names(now: &str) -> String {
    format!(
        "(SELECT group_concat(n.name, char(10)) FROM cloakroom_attributes n \
         WHERE n.session = s.handle AND (n.lapses_at IS NULL OR n.lapses_at > min({now}, s.expires_at)))"
    )
}

/// Writes so many parameters.
fn parameters(count: usize) -> String {
    vec!["?"; count].join(", ")
}

#[cfg(test)]
mod tests;
