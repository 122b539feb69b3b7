use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};

use super::*;

async fn row(sql: &'static str) -> SqliteRow {
    let mut connection: SqliteConnection = SqliteConnectOptions::new().connect().await.unwrap();
    sqlx::query(sql).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_large_value_is_not_copied_and_outlives_its_row() {
    let row = row("SELECT 'n', 1, NULL, zeroblob(4096)").await;
    let in_row = column::<&[u8]>(&row, 3).unwrap().as_ptr();
    let found = attribute(row, 0, &[]).unwrap().unwrap();
    assert_eq!(found.value.as_ptr(), in_row);
    assert_eq!(found.value.clone(), vec![0; 4096]);
}

#[tokio::test]
async fn a_small_value_lets_go_of_its_row() {
    let row = row("SELECT 'n', 1, NULL, zeroblob(4095)").await;
    let in_row = column::<&[u8]>(&row, 3).unwrap().as_ptr();
    let found = attribute(row, 0, &[]).unwrap().unwrap();
    assert_ne!(found.value.as_ptr(), in_row);
    assert_eq!(found.value.len(), 4095);
}

#[tokio::test]
async fn a_row_without_an_attribute_has_none() {
    assert_eq!(attribute(row("SELECT NULL, NULL, NULL, NULL").await, 0, &[]).unwrap(), None);
    assert!(sized_attribute(&row("SELECT NULL, NULL, NULL, NULL").await, 0).unwrap().is_none());
}

#[tokio::test]
async fn whatever_is_in_a_row_is_read_or_refused() {
    let damaged = [
        "SELECT x'ff', 1, NULL, x''",
        "SELECT 'a' || char(10), 1, NULL, x''",
        "SELECT 'n', -1, NULL, x''",
        "SELECT 'n', 'text', NULL, x''",
        "SELECT 'n', NULL, NULL, x''",
        "SELECT 'n', 1, -1, x''",
        "SELECT 'n', 1, 'text', x''",
        "SELECT 'n', 1, NULL, NULL",
        "SELECT 'n', 1, NULL, 17",
    ];
    for sql in damaged {
        assert!(attribute(row(sql).await, 0, &[]).is_err(), "{sql}");
    }
    for sql in ["SELECT x'01', x'0102', NULL", "SELECT NULL, NULL, NULL", "SELECT 1, 2, 3"] {
        assert!(Candidate::read(&row(sql).await).is_err(), "{sql}");
        assert!(info(&row(sql).await).is_err(), "{sql}");
    }
}

#[tokio::test]
async fn names_are_sorted_and_none_is_an_empty_list() {
    let listed = names(&row("SELECT 'b' || char(10) || 'a b' || char(10) || 'a'").await, 0).unwrap();
    assert_eq!(listed.iter().map(Name::as_str).collect::<Vec<_>>(), ["a", "a b", "b"]);
    assert_eq!(names(&row("SELECT NULL").await, 0).unwrap(), []);
}
