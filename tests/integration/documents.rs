//! What the documents say of the tests: `docs/security.md` names only tests that there are, and leaves no row out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where the tests are whose names begin so; the longest prefix that fits counts.
const FOLDERS: [(&str, &str); 16] = [
    ("http::", "tests/integration/http"),
    ("middleware::", "tests/integration/middleware"),
    ("faults::", "tests/integration/faults"),
    ("conformance::", "crates/cloakroom-testkit/src/cases"),
    ("core::", "crates/cloakroom-core/src"),
    ("cloakroom::", "crates/cloakroom/src"),
    ("near_cache::", "crates/cloakroom/tests/near_cache"),
    ("redis::", "crates/cloakroom-redis/tests/redis"),
    ("file::", "crates/cloakroom-file/tests/file"),
    ("nats::", "crates/cloakroom-nats/tests/nats"),
    ("sqlite::", "crates/cloakroom-sqlx/tests/sqlite"),
    ("postgres::", "crates/cloakroom-sqlx/tests/postgres"),
    ("mysql::", "crates/cloakroom-sqlx/tests/mysql"),
    ("demo::web::", "examples/demo/src/web"),
    ("demo::", "examples/demo/tests/browser"),
    ("identity::", "examples/identity/src"),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(repository().join(path)).ok()
}

/// Returns what stands in backticks and is the whole name of a test.
fn names(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    quoted.filter(|name| name.matches("::").count() >= 2 && name.split("::").all(is_word)).collect()
}

/// Returns whether there is such a test.
fn exists(name: &str) -> bool {
    let Some((prefix, folder)) = FOLDERS.iter().find(|(prefix, _)| name.starts_with(prefix)) else {
        return false;
    };
    let (module, test) = name[prefix.len()..].rsplit_once("::").unwrap_or_else(|| panic!("{name}"));
    let file = format!("{folder}/{}", module.replace("::", "/"));
    let places = [format!("{file}.rs"), format!("{file}/mod.rs"), format!("{file}/tests.rs")];
    let declared = [format!("fn {test}("), format!("fn {test}<")];
    places.iter().filter_map(read).any(|source| declared.iter().any(|it| source.contains(it)))
}

/// Returns the rows of the tables that have a test each: the number, and what the last column says.
fn rows(document: &str) -> Vec<(&str, &str)> {
    let lines = document.lines().skip_while(|line| *line != "## ASVS 5.0, chapter V7");
    let cells = lines.filter_map(|line| {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
        Some((line.split(" | ").next()?, line.rsplit(" | ").next()?))
    });
    cells.filter(|(row, _)| *row != "row").collect()
}

#[test]
fn every_test_that_the_page_on_security_names_is_there() {
    let document = read("docs/security.md").unwrap();
    let names = names(&document);
    assert!(names.len() > 150, "these are the names: {names:?}");
    let missing: BTreeSet<_> = names.into_iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "docs/security.md names tests that are not there: {missing:#?}");
}

#[test]
fn every_row_names_a_test_or_says_why_there_is_none() {
    let document = read("docs/security.md").unwrap();
    let rows = rows(&document);
    let silent: Vec<_> = rows
        .iter()
        .filter(|(_, test)| names(test).is_empty() && !test.starts_with("as ") && !test.starts_with("none: "))
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
    let mut expected: Vec<String> = V7.split(' ').map(str::to_owned).collect();
    expected.extend((1..=32).map(|number| format!("C{number}")));
    expected.extend((1..=10).map(|number| format!("R{number}")));
    let there: Vec<_> = rows.iter().map(|(row, _)| *row).collect();
    for row in expected {
        assert_eq!(there.iter().filter(|it| **it == row).count(), 1, "{row}");
    }
}

/// The rows of chapter V7 of OWASP ASVS 5.0.
const V7: &str = "7.1.1 7.1.2 7.1.3 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.5.3 7.6.1 7.6.2";

#[test]
fn a_name_that_is_wrong_is_noticed() {
    assert!(exists("middleware::interleaving::two_updates_both_count"));
    for wrong in ["middleware::interleaving::no_such_test", "middleware::nowhere::it", "elsewhere::a::b"] {
        assert!(!exists(wrong), "{wrong}");
    }
    assert_eq!(names("`a::b::c`, `http::`, `cloakroom:*`, `X::y::z`, plain a::b::c"), ["a::b::c"]);
}
