//! The kit itself: its list is complete, and its report says what happened.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use cloakroom_testkit::{Harness, ReferenceHarness, ReferenceStore, list, run_all, run_matching};

/// Reads the names of all public cases from the source.
fn written() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cases");
    let files = std::fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("a file").path());
    files.flat_map(|path| cases_in(&path)).collect()
}

fn cases_in(path: &Path) -> Vec<String> {
    let group = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
    let source = std::fs::read_to_string(path).expect("source");
    let names = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
    let names = names.map(|rest| rest.split('<').next().expect("a name"));
    names.map(|name| format!("{group}::{name}")).collect()
}

#[test]
fn every_case_is_listed_once() {
    let listed: Vec<_> = list::<ReferenceHarness>().iter().map(|case| case.name().to_owned()).collect();
    let once: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), once.len());
    assert_eq!(once, written());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_names_every_case_in_the_order_of_the_list() {
    let report = run_all(ReferenceHarness::new).await;
    let told: Vec<_> = report.verdicts().iter().map(|verdict| verdict.name()).collect();
    let listed: Vec<_> = list::<ReferenceHarness>().iter().map(|case| case.name()).collect();
    assert_eq!(told, listed);
    assert!(report.is_passed(), "{report}");
    assert_eq!(report.to_string(), format!("{} passed, 0 failed", listed.len()));
}

/// Shares one store between what should be two namespaces.
struct Shared(ReferenceHarness);

impl Harness for Shared {
    type Store = ReferenceStore;

    async fn store(&self) -> ReferenceStore {
        self.0.store().await
    }

    async fn neighbour(&self) -> ReferenceStore {
        self.0.store().await
    }

    fn unit(&self) -> Duration {
        self.0.unit()
    }

    async fn advance(&self, by: Duration) {
        self.0.advance(by).await;
    }

    fn is_exact(&self) -> bool {
        true
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_tells_what_a_failed_case_said() {
    let make = || async { Shared(ReferenceHarness::new().await) };
    let wanted = ["namespaces::a_ticket_opens_nothing_in_another", "health::a_ping_is_answered"];
    let report = run_matching(make, |name| wanted.contains(&name)).await;
    assert!(!report.is_passed());
    let failures: Vec<_> = report.failures().collect();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].name(), wanted[0]);
    let said = failures[0].failure().unwrap();
    assert!(said.starts_with("expected Absent, got Open("), "{said}");
    let shown = report.to_string();
    assert!(shown.starts_with(&format!("{}: {said}", wanted[0])), "{shown}");
    assert!(shown.ends_with("1 passed, 1 failed"), "{shown}");
}

#[tokio::test]
async fn a_run_can_be_a_task() {
    let run = run_matching(ReferenceHarness::new, |name| name.starts_with("health::"));
    assert!(tokio::spawn(run).await.unwrap().is_passed());
}

/// Makes no store, but hangs.
#[tokio::test(start_paused = true)]
async fn a_case_that_hangs_fails() {
    let make = || async {
        std::future::pending::<()>().await;
        ReferenceHarness::new().await
    };
    let report = run_matching(make, |name| name == "health::a_ping_is_answered").await;
    let failure = report.failures().next().and_then(|verdict| verdict.failure()).unwrap();
    assert!(failure.contains("not over within 180s"), "{failure}");
}
