//! The kit reports every store that is broken on purpose, and names the cases that must catch it.

use std::collections::BTreeSet;

use cloakroom_testkit::broken::{BrokenHarness, Flaw};
use cloakroom_testkit::run_matching;

#[tokio::test(start_paused = true)]
async fn every_flaw_is_caught_by_the_cases_that_are_for_it() {
    for &flaw in Flaw::ALL {
        let expected = flaw.caught_by();
        assert!(!expected.is_empty(), "{flaw:?}: no case is named");
        let make = move || BrokenHarness::new(flaw);
        let report = run_matching(make, |name| expected.contains(&name)).await;
        let failed: BTreeSet<_> = report.failures().map(|verdict| verdict.name()).collect();
        assert_eq!(failed, expected.iter().copied().collect(), "{flaw:?}: {report}");
    }
}
