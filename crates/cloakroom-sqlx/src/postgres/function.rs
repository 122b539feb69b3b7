use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use super::place::Place;

/// A function of the schema, and the statement that calls it.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// The statement with parameters, built once: so the driver's cache of prepared statements knows it again.
    pub(super) prepared: SqlStr,
    /// The statement up to its arguments.
    pub(super) begins: Arc<str>,
}

impl Function {
    fn new(place: &Place, name: &str, parameters: usize) -> Self {
        let begins = place.apply(&format!("SELECT cloakroom.{name}("));
        let list: Vec<_> = (1..=parameters).map(|number| format!("${number}")).collect();
        let prepared: Arc<str> = format!("{begins}{})", list.join(",")).into();
        Self { prepared: AssertSqlSafe(prepared).into_sql_str(), begins: begins.into() }
    }
}

/// Every function that the store calls. Each returns bytes; the functions' own text tells which.
#[derive(Debug)]
pub(super) struct Functions {
    pub(super) load: Function,
    pub(super) commit: Function,
    pub(super) end_by_ticket: Function,
    pub(super) end_by_handle: Function,
    pub(super) end_all_of: Function,
    pub(super) end_everyones: Function,
    pub(super) sessions_of: Function,
    pub(super) sweep: Function,
    pub(super) acknowledge: Function,
}

impl Functions {
    pub(super) fn new(place: &Place) -> Self {
        Self {
            load: Function::new(place, "load_1", 5),
            commit: Function::new(place, "commit_1", 11),
            end_by_ticket: Function::new(place, "end_by_ticket_1", 2),
            end_by_handle: Function::new(place, "end_by_handle_1", 2),
            end_all_of: Function::new(place, "end_all_of_1", 2),
            end_everyones: Function::new(place, "end_everyones_1", 0),
            sessions_of: Function::new(place, "sessions_of_1", 1),
            sweep: Function::new(place, "sweep_1", 4),
            acknowledge: Function::new(place, "acknowledge_1", 1),
        }
    }
}
