use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, SqlStr};

use super::{Ends, Reads, Statements, Writes};
use crate::namespace::Namespace;
use crate::sqlite::schema;

/// What a statement may go through from one end to the other: tables of one row, and lists that it was given.
const SMALL: [&str; 4] = ["SCAN cloakroom_state", "SCAN wanted", "SCAN json_each", "SCAN CONSTANT ROW"];
const VALUES: &str = "VALUES CLAUSE";

fn all(statements: &Statements) -> Vec<&SqlStr> {
    [reads(&statements.read), writes(&statements.write), ends(&statements.end)].concat()
}

fn reads(read: &Reads) -> Vec<&SqlStr> {
    let Reads {
        record,
        record_names,
        record_value,
        record_values,
        record_values_names,
        record_all_values,
        record_size,
        record_sizes,
        ended_record,
        all_values,
        values,
        next_lapse,
        sessions_of,
        layout,
    } = read;
    vec![
        record,
        record_names,
        record_value,
        record_values,
        record_values_names,
        record_all_values,
        record_size,
        record_sizes,
        ended_record,
        all_values,
        values,
        next_lapse,
        sessions_of,
        layout,
    ]
}

fn writes(write: &Writes) -> Vec<&SqlStr> {
    let Writes { insert, update, update_bound, touch, remove, clear, remove_lapsed, store } = write;
    let single = [insert, update, update_bound, touch, remove, clear, remove_lapsed];
    single.into_iter().chain(store.all()).collect()
}

fn ends(end: &Ends) -> Vec<&SqlStr> {
    let Ends {
        candidate,
        candidates_of,
        expired,
        is_sweep_due,
        next_epoch,
        delete_past_epochs,
        delete,
        seal,
        claim,
        acknowledge,
    } = end;
    let single = [candidate, candidates_of, expired, is_sweep_due, next_epoch, delete_past_epochs];
    let sized = [delete, seal, claim, acknowledge];
    single.into_iter().chain(sized.into_iter().flat_map(|sized| sized.all())).collect()
}

async fn plan(connection: &mut SqliteConnection, sql: &SqlStr) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", sql.as_str()));
    let rows = sqlx::query(explain).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

#[tokio::test]
async fn no_statement_goes_through_a_whole_table() {
    let mut connection = SqliteConnectOptions::new().connect().await.unwrap();
    let namespace = Namespace::default();
    sqlx::raw_sql(AssertSqlSafe(schema::text(&namespace))).execute(&mut connection).await.unwrap();
    for sql in all(&Statements::new(&namespace)) {
        for step in plan(&mut connection, sql).await {
            let is_small = SMALL.iter().any(|small| step.starts_with(small)) || step.ends_with(VALUES);
            assert!(!step.starts_with("SCAN") || is_small, "{step}\n{}", sql.as_str());
            assert!(!step.contains("TEMP B-TREE"), "{step}\n{}", sql.as_str());
        }
    }
}

#[tokio::test]
async fn a_principals_sessions_are_found_by_the_principal() {
    let mut connection = SqliteConnectOptions::new().connect().await.unwrap();
    let namespace = Namespace::default();
    sqlx::raw_sql(AssertSqlSafe(schema::text(&namespace))).execute(&mut connection).await.unwrap();
    let statements = Statements::new(&namespace);
    for sql in [&statements.read.sessions_of, &statements.end.candidates_of] {
        let plan = plan(&mut connection, sql).await.join("; ");
        assert!(plan.contains("USING INDEX cloakroom_sessions_principal"), "{plan}");
    }
}

#[test]
fn every_table_has_the_namespace() {
    let shop = Statements::new(&Namespace::new("shop").unwrap());
    for sql in all(&shop) {
        assert!(sql.as_str().contains("shop_") && !sql.as_str().contains("cloakroom"), "{}", sql.as_str());
    }
}
