//! The prepared statements: those whose parameters must not be part of a text that is logged, and those that are worth
//! preparing.
//!
//! The comment at each tells its parameters in their order, and what its rows hold. "Attribute" stands for five columns:
//! name, revision, `lapses_at`, value, and the time now; the record is the attribute without a name.

use std::sync::Arc;

use cloakroom_core::Name;
use sqlx::mysql::MySqlArguments;
use sqlx::{AssertSqlSafe, MySql, SqlSafeStr as _, SqlStr};

use crate::namespace::Namespace;

pub(super) type Query = sqlx::query::Query<'static, MySql, MySqlArguments>;

/// The server's time when the statement began, in milliseconds since 1970, whatever the time zone.
pub(super) const NOW: &str = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000";

/// The server's time when a row was found, once its lock was waited for.
const NOW_LOCKED: &str = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6) + INTERVAL \
                          TIMESTAMPDIFF(MICROSECOND, NOW(6), SYSDATE(6)) MICROSECOND) DIV 1000";

/// How many names a statement can have: so there are few statements to prepare.
const NAMED: [usize; 6] = [1, 4, 16, 64, 256, 1024];

/// How many attributes a statement can store.
const STORED: [usize; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 64];

/// As many attributes one statement stores, whatever they are.
pub(super) const STORED_AT_ONCE: usize = 8;

#[derive(Debug)]
pub(super) struct Statements {
    /// Handle → attribute, all.
    pub(super) all: SqlStr,
    /// Handle, names → attribute; the record and these.
    pub(super) named: Sized,
    /// Handle, names, handle → attribute; those without a value are only names.
    pub(super) named_names: Sized,
    /// Handle, names → attribute, size; without values, except for the record's.
    pub(super) sizes: Sized,
    /// Handle, revision, record; then handle, name, revision, `lapses_at`, value of each attribute; then the record that must
    /// be there, and until when. Fails, and stores nothing, if it is not, or it is too late.
    pub(super) store: Sized,
    /// Record, handle, the record that must be there, and until when.
    pub(super) touch: SqlStr,
    /// Principal → handle, `lapses_at`, record, now.
    pub(super) sessions_of: SqlStr,
}

const OPEN: &str = "s.epoch = (SELECT epoch FROM cloakroom_state WHERE id = 1)";
/// As expressions, and named in a letter: with each answer the server tells of each column what it is called, in which table
/// of which database, which would be most of the answer.
const COLUMNS: &str = "COALESCE(a.name) AS n, COALESCE(a.revision) AS r, COALESCE(a.lapses_at) AS l";
const FROM: &str = "FROM cloakroom_sessions s JOIN cloakroom_attributes a ON a.session = s.handle";

impl Statements {
    pub(super) fn new(namespace: &Namespace) -> Self {
        let build = Build { namespace };
        let attribute = format!("SELECT {COLUMNS}, COALESCE(a.value) AS v, {NOW} AS t {FROM}");
        let of_one = format!("{attribute} WHERE s.handle = ? AND {OPEN}");
        let names = format!(
            "UNION ALL SELECT a.name, NULL, a.lapses_at, NULL, NULL {FROM} \
             WHERE s.handle = ? AND {OPEN} AND a.name > x''"
        );
        let size = format!(
            "SELECT {COLUMNS}, IF(a.name = x'', a.value, NULL) AS v, {NOW} AS t, LENGTH(a.value) AS s {FROM} \
             WHERE s.handle = ? AND {OPEN}"
        );
        Self {
            all: build.one(&of_one),
            named: build.sized(&NAMED, |count| format!("{of_one} AND a.name IN (x''{})", places(count))),
            named_names: build
                .sized(&NAMED, |count| format!("{of_one} AND a.name IN (x''{}) {names}", places(count))),
            sizes: build.sized(&NAMED[..3], |count| format!("{size} AND a.name IN (x''{})", places(count))),
            store: build.sized(&STORED, store),
            touch: build.one(&format!(
                "UPDATE cloakroom_attributes SET value = ? \
                 WHERE session = ? AND name = x'' AND value = ? AND lapses_at IS NULL AND {NOW_LOCKED} < ?",
            )),
            sessions_of: build.one(&format!(
                "SELECT s.handle, a.lapses_at, a.value, {NOW} {FROM} AND a.name = x'' \
                 WHERE s.principal = ? AND {OPEN}"
            )),
        }
    }
}

fn places(count: usize) -> String {
    ", ?".repeat(count)
}

/// The sum is out of range: that is how a statement fails whose record is not the one that must be there. (The size keeps
/// the server from working it out ahead.) Where there is none at all, its session is missing, and the foreign key fails.
fn store(count: usize) -> String {
    let attributes = ", (?, ?, ?, ?, ?)".repeat(count);
    format!(
        "INSERT INTO cloakroom_attributes (session, name, revision, lapses_at, value) \
         VALUES (?, x'', ?, NULL, ?){attributes} ON DUPLICATE KEY UPDATE \
         revision = IF(name > x'' OR (value = ? AND lapses_at IS NULL AND {NOW_LOCKED} < ?), VALUES(revision), \
         9223372036854775807 + CAST(LENGTH(VALUES(value)) AS SIGNED)), \
         lapses_at = VALUES(lapses_at), value = VALUES(value)"
    )
}

/// Puts the namespace into statements.
struct Build<'a> {
    namespace: &'a Namespace,
}

impl Build<'_> {
    fn one(&self, template: &str) -> SqlStr {
        let text: Arc<str> = self.namespace.apply(template).into();
        AssertSqlSafe(text).into_sql_str()
    }

    fn sized(&self, sizes: &[usize], template: impl Fn(usize) -> String) -> Sized {
        Sized(sizes.iter().map(|&size| (size, self.one(&template(size)))).collect())
    }
}

/// One statement in several sizes, smallest first.
#[derive(Debug)]
pub(super) struct Sized(Box<[(usize, SqlStr)]>);

impl Sized {
    /// Returns the smallest statement with room for `count` values, if there is one.
    pub(super) fn with_room_for(&self, count: usize) -> Option<(usize, Query)> {
        let found = self.0.iter().find(|(size, _)| *size >= count);
        found.map(|(size, sql)| (*size, query(sql)))
    }

    /// Returns the largest statement that `count` values fill.
    pub(super) fn filled_by(&self, count: usize) -> (usize, Query) {
        let (size, sql) = self.0.iter().rfind(|(size, _)| *size <= count).unwrap_or(&self.0[0]);
        (*size, query(sql))
    }
}

pub(super) fn query(sql: &SqlStr) -> Query {
    sqlx::query(sql.clone())
}

/// Binds the names, and that of the record in places that are left.
pub(super) fn bind_names<'a>(query: Query, names: impl IntoIterator<Item = &'a Name>, room: usize) -> Query {
    let filled = names.into_iter().map(Name::as_str).chain(std::iter::repeat(""));
    filled.take(room).fold(query, |query, name| query.bind(name.as_bytes()))
}
