use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use super::place::Place;

/// A function of the schema, and the statement that calls it.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// The statement with parameters, built once: so the driver's cache of prepared statements knows it again.
    pub(super) prepared: SqlStr,
    /// The statement up to its arguments, and what comes after them, for where the server answers in text: the answer is
    /// hexadecimal there, whatever `bytea_output` is. In what comes after them `$1` stands for the first of them.
    pub(super) begins: Arc<str>,
    pub(super) ends: Arc<str>,
}

impl Function {
    fn new(place: &Place, name: &str, parameters: usize) -> Self {
        Self::around(place, name, parameters, |open, close| [format!("SELECT {open}"), close.to_owned()])
    }

    /// Makes a statement of what stands before the call of a function and after it. Both are made for what encodes the answer,
    /// which stands around it.
    fn around(
        place: &Place,
        name: &str,
        parameters: usize,
        sides: impl Fn(&str, &str) -> [String; 2],
    ) -> Self {
        let call = place.apply(&format!("cloakroom.{name}("));
        let list: Vec<_> = (1..=parameters).map(|number| format!("${number}")).collect();
        let [before, after] = sides("", "");
        let prepared: Arc<str> = format!("{before}{call}{}){after}", list.join(",")).into();
        let [before, after] = sides("encode(", ",'hex')");
        Self {
            prepared: AssertSqlSafe(prepared).into_sql_str(),
            begins: format!("{before}{call}").into(),
            ends: format!("){after}").into(),
        }
    }

    /// The same, which also tells the feeds of the sessions that the answer says have ended, from this place of the answer on,
    /// and of what else `tell` says.
    fn telling(place: &Place, name: &str, parameters: usize, ended_at: &str, tell: &str) -> Self {
        let (channel, tell_ended) = (place.channel(), place.apply("cloakroom.tell_1"));
        let tell = tell.replace("CHANNEL", &channel);
        Self::around(place, name, parameters, |open, close| {
            let told = format!("{tell_ended}(r, {ended_at}, '{channel}'), {tell}");
            let before = "WITH answer AS MATERIALIZED (SELECT ".to_owned();
            [before, format!(" AS r) SELECT {open}r{close}, {told} FROM answer")]
        })
    }
}

/// Where an answer to a commit has the sessions that had to end for it.
const AFTER_COMMIT: &str = "CASE WHEN octet_length(r) < 18 OR get_byte(r, 0) <> 0 THEN octet_length(r) \
                            WHEN get_byte(r, 17) = 4 THEN 34 ELSE 18 END";

const COMMITTED: &str = "CASE WHEN get_byte(r, 0) = 0 THEN pg_notify('CHANNEL', \
                         'C' || $1::uuid || encode(substring(r FROM 2 FOR 8), 'hex')) END";

const NOTHING: &str = "NULL";

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
    pub(super) fn new(place: &Place, tells: bool) -> Self {
        if tells { Self::telling(place) } else { Self::silent(place) }
    }

    /// Those that tell the feeds of what they do.
    fn telling(place: &Place) -> Self {
        let end = |name, parameters| Function::telling(place, name, parameters, "1", NOTHING);
        let everyone = |open: &str, close: &str| {
            [format!("SELECT {open}"), format!("{close}, pg_notify('{}', 'A')", place.channel())]
        };
        Self {
            commit: Function::telling(place, "commit_1", 11, AFTER_COMMIT, COMMITTED),
            end_by_ticket: end("end_by_ticket_1", 2),
            end_by_handle: end("end_by_handle_1", 2),
            end_all_of: end("end_all_of_1", 2),
            end_everyones: Function::around(place, "end_everyones_1", 0, everyone),
            ..Self::silent(place)
        }
    }

    fn silent(place: &Place) -> Self {
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
