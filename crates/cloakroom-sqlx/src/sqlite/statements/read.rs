use sqlx::SqlStr;

use super::{Build, OPEN, names};

/// What loads and commits read.
///
/// "Attribute" stands for four columns: name, revision, `lapses_at`, and the value or its size. Where a row has a record
/// and an attribute, there is a row for each attribute, or for each name that was asked for, or else one without any.
///
/// Several names are one parameter, a list in JSON: so the text is the same for any number of them, and it takes SQLite
/// less than to make an index of `IN (?, ?)`.
#[derive(Debug)]
pub(in crate::sqlite) struct Reads {
    /// Handle → record.
    pub(in crate::sqlite) record: SqlStr,
    /// Now, handle → record, names.
    pub(in crate::sqlite) record_names: SqlStr,
    /// Name, handle → record, attribute.
    pub(in crate::sqlite) record_value: SqlStr,
    /// Names, handle → record, attribute.
    pub(in crate::sqlite) record_values: SqlStr,
    /// 1 names, 2 handle, 3 now → record, attribute, names.
    pub(in crate::sqlite) record_values_names: SqlStr,
    /// Handle → record, attribute.
    pub(in crate::sqlite) record_all_values: SqlStr,
    /// Name, handle → record, attribute with its size.
    pub(in crate::sqlite) record_size: SqlStr,
    /// Names, handle → record, attribute with its size.
    pub(in crate::sqlite) record_sizes: SqlStr,
    /// Handle → record, also of a session that has ended.
    pub(in crate::sqlite) ended_record: SqlStr,
    /// Handle → attribute.
    pub(in crate::sqlite) all_values: SqlStr,
    /// Names, handle → attribute.
    pub(in crate::sqlite) values: SqlStr,
    /// Handle → when the first attribute lapses.
    pub(in crate::sqlite) next_lapse: SqlStr,
    /// Principal → record, handle.
    pub(in crate::sqlite) sessions_of: SqlStr,
    /// → the layout of the tables.
    pub(in crate::sqlite) layout: SqlStr,
}

const SESSIONS: &str = "cloakroom_sessions s";
const EACH: &str = "cloakroom_sessions s CROSS JOIN json_each(?) wanted";
const ATTRIBUTE: &str = "LEFT JOIN cloakroom_attributes a ON a.session = s.handle";
const VALUE: &str = "a.name, a.revision, a.lapses_at, a.value";
const SIZE: &str = "a.name, a.revision, a.lapses_at, length(a.value)";

impl Reads {
    pub(super) fn new(build: &Build<'_>) -> Self {
        let session =
            |columns: &str| format!("SELECT {columns} FROM {SESSIONS} WHERE s.handle = ? AND {OPEN}");
        Self {
            record: build.one(session("s.record")),
            record_names: build.one(session(&format!("s.record, {}", names("?")))),
            record_value: build.one(joined(VALUE, SESSIONS, "AND a.name = ?")),
            record_values: build.one(joined(VALUE, EACH, "AND a.name = wanted.value")),
            record_values_names: build.one(joined_with_names()),
            record_all_values: build.one(joined(VALUE, SESSIONS, "")),
            record_size: build.one(joined(SIZE, SESSIONS, "AND a.name = ?")),
            record_sizes: build.one(joined(SIZE, EACH, "AND a.name = wanted.value")),
            ended_record: build.one(format!("SELECT s.record FROM {SESSIONS} WHERE s.handle = ?")),
            all_values: build.one(format!("SELECT {VALUE} FROM cloakroom_attributes a WHERE a.session = ?")),
            values: build.one(format!(
                "SELECT {VALUE} FROM json_each(?) wanted CROSS JOIN cloakroom_attributes a \
                 ON a.name = wanted.value WHERE a.session = ?"
            )),
            next_lapse: build.one("SELECT min(lapses_at) FROM cloakroom_attributes WHERE session = ?"),
            sessions_of: build
                .one(format!("SELECT s.record, s.handle FROM {SESSIONS} WHERE s.principal = ? AND {OPEN}")),
            layout: build.one("SELECT layout FROM cloakroom_state"),
        }
    }
}

fn joined(attribute: &str, from: &str, which: &str) -> String {
    format!("SELECT s.record, {attribute} FROM {from} {ATTRIBUTE} {which} WHERE s.handle = ? AND {OPEN}")
}

/// The names come with each row, but are looked up once.
fn joined_with_names() -> String {
    format!(
        "SELECT s.record, {VALUE}, (SELECT group_concat(n.name, char(10)) FROM cloakroom_attributes n \
         WHERE n.session = ?2 AND (n.lapses_at IS NULL OR n.lapses_at > ?3)) \
         FROM {SESSIONS} CROSS JOIN json_each(?1) wanted {ATTRIBUTE} AND a.name = wanted.value \
         WHERE s.handle = ?2 AND {OPEN}"
    )
}
