//! The regression check: a few requests' instructions, each as a ratio to what no change of ours moves.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use benches::Result;

use crate::backend::Backend;
use crate::callgrind;
use crate::case::{Case, Kind};
use crate::program::Programs;

const REQUESTS: u64 = 1_000;
/// How much a ratio may grow within one process, where it moves by up to 0.5 % from build to build.
const WITHIN: f64 = 1.02;
/// The same with Redis, where it moves by up to 1 % from run to run.
const BETWEEN: f64 = 1.03;

/// What is checked, and what it is compared with in the same run. With SQL the figures move too much for that, by up to 5 %:
/// it depends on how much of an answer has come when it is looked for.
const CHECKED: [(&str, &str); 6] = [
    ("memory/cloakroom/unused/3k", "memory/nothing/unused/3k"),
    ("memory/cloakroom/read-one/3k", "memory/bare/unused/3k"),
    ("memory/cloakroom/change-one/3k", "memory/bare/unused/3k"),
    ("redis/cloakroom/read-one/3k", "redis/floor/read-one/3k"),
    ("redis/cloakroom/change-one/3k", "redis/floor/change-one/3k"),
    ("redis/cloakroom/read-five-change-two/3k", "redis/floor/read-five-change-two/3k"),
];

type Ratios = BTreeMap<String, f64>;

/// Fails if a ratio has grown beyond the one that is kept; or keeps those of now.
pub(crate) async fn run(is_update: bool) -> Result<ExitCode> {
    callgrind::check()?;
    let now = measure().await?;
    if is_update {
        std::fs::write(kept(), serde_json::to_string_pretty(&now)? + "\n")?;
        println!("written to {}", kept().display());
        return Ok(ExitCode::SUCCESS);
    }
    let before: Ratios = serde_json::from_str(&std::fs::read_to_string(kept())?)?;
    let mut has_grown = false;
    for (case, ratio) in &now {
        let before = before.get(case).copied().unwrap_or(f64::NAN);
        let tolerance = if case.parse::<Case>()?.store == Kind::Memory { WITHIN } else { BETWEEN };
        let said = verdict(before, *ratio, tolerance);
        has_grown |= said == GROWN;
        println!("{case}: {ratio:.3}, was {before:.3}: {said}");
    }
    Ok(if has_grown { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

const GROWN: &str = "GROWN";

fn verdict(before: f64, now: f64, tolerance: f64) -> &'static str {
    match now / before {
        change if change <= 1.0 / tolerance => "less; keep it: benches/run check --update",
        change if change <= tolerance => "as it was",
        _ => GROWN,
    }
}

async fn measure() -> Result<Ratios> {
    let programs = Programs::find(false)?;
    let mut counted: BTreeMap<Case, f64> = BTreeMap::new();
    let mut backends = BTreeMap::new();
    for name in CHECKED.iter().flat_map(|(ours, other)| [ours, other]) {
        let case: Case = name.parse()?;
        if counted.contains_key(&case) {
            continue;
        }
        let backend = match backends.entry(case.store) {
            Entry::Occupied(started) => started.into_mut(),
            Entry::Vacant(place) => place.insert(Backend::start(case.store)?),
        };
        eprintln!("counting {case}");
        let count = callgrind::count(&case, &programs, backend, REQUESTS).await?;
        counted.insert(case, count.instructions());
    }
    let ratio = |(ours, other): &(&str, &str)| -> Result<(String, f64)> {
        let count = |name: &str| Ok::<f64, String>(counted.get(&name.parse()?).copied().unwrap_or(f64::NAN));
        let ratio = count(ours)? / count(other)?;
        Ok(((*ours).to_owned(), (ratio * 1_000.0).round() / 1_000.0))
    };
    CHECKED.iter().map(ratio).collect()
}

/// Returns where the ratios are kept.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ratios.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_beyond_the_tolerance_is_told() {
        assert_eq!(verdict(1.0, 1.02, WITHIN), "as it was");
        assert_eq!(verdict(1.0, 1.021, WITHIN), GROWN);
        assert_eq!(verdict(1.0, f64::NAN, BETWEEN), GROWN);
        assert_eq!(verdict(f64::NAN, 1.0, BETWEEN), GROWN);
        assert!(verdict(1.0, 0.9, BETWEEN).starts_with("less"));
    }

    #[test]
    fn all_that_is_checked_are_cases() {
        for name in CHECKED.iter().flat_map(|(ours, other)| [ours, other]) {
            name.parse::<Case>().unwrap();
        }
    }
}
