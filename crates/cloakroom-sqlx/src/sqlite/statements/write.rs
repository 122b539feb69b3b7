use sqlx::SqlStr;

use super::{Build, Sized};

/// How many attributes one statement can store.
const STORED: [usize; 4] = [1, 2, 4, 16];

/// What commits and touches write.
#[derive(Debug)]
pub(in crate::sqlite) struct Writes {
    /// Record, `expires_at`, principal, handle. Does nothing if the handle is taken.
    pub(in crate::sqlite) insert: SqlStr,
    /// Record, `expires_at`, handle.
    pub(in crate::sqlite) update: SqlStr,
    /// Record, `expires_at`, principal, handle.
    pub(in crate::sqlite) update_bound: SqlStr,
    /// Record, `expires_at`, handle, and the record that must be there.
    pub(in crate::sqlite) touch: SqlStr,
    /// 1 handle, 2 revision, then name, `lapses_at` and value of each.
    pub(in crate::sqlite) store: Sized,
    /// Handle, names.
    pub(in crate::sqlite) remove: SqlStr,
    /// Handle.
    pub(in crate::sqlite) clear: SqlStr,
    /// Handle, now → the name and the size of each attribute that it has removed.
    pub(in crate::sqlite) remove_lapsed: SqlStr,
}

impl Writes {
    pub(super) fn new(build: &Build<'_>) -> Self {
        let update = "UPDATE cloakroom_sessions SET record = ?, expires_at = ?";
        let remove = "DELETE FROM cloakroom_attributes WHERE session = ?";
        Self {
            insert: build.one(
                "INSERT INTO cloakroom_sessions (record, expires_at, principal, handle, epoch) \
                 VALUES (?, ?, ?, ?, (SELECT epoch FROM cloakroom_state)) ON CONFLICT (handle) DO NOTHING",
            ),
            update: build.one(format!("{update} WHERE handle = ?")),
            update_bound: build.one(format!("{update}, principal = ? WHERE handle = ?")),
            touch: build.one(format!(
                "{update} WHERE handle = ? AND record = ? AND claimed_until IS NULL \
                 AND +epoch = (SELECT epoch FROM cloakroom_state)"
            )),
            store: build.sized(&STORED, store),
            remove: build.one(format!("{remove} AND name IN (SELECT value FROM json_each(?))")),
            clear: build.one(remove),
            remove_lapsed: build.one(format!("{remove} AND lapses_at <= ? RETURNING name, length(value)")),
        }
    }
}

fn store(size: usize) -> String {
    let row = |row: usize| format!("(?1, ?2, ?{}, ?{}, ?{})", 3 * row + 3, 3 * row + 4, 3 * row + 5);
    let rows: Vec<_> = (0..size).map(row).collect();
    format!(
        "INSERT INTO cloakroom_attributes (session, revision, name, lapses_at, value) VALUES {} \
         ON CONFLICT (session, name) DO UPDATE SET revision = excluded.revision, lapses_at = excluded.lapses_at, \
         value = excluded.value",
        rows.join(", ")
    )
}
