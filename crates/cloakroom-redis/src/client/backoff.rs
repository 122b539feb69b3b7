use std::time::Duration;

/// How long to wait after the first attempt to connect that fails, and at most. Short, as nobody is served meanwhile.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// Returns how long to wait after this many failed attempts in a row: longer each time, and by chance between half and the
/// whole of it, so that nodes which lost their connections together do not come back together.
pub(super) fn pause(failures: u32) -> Duration {
    let whole = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST);
    let chance = getrandom::u32().unwrap_or(u32::MAX);
    whole / 2 + (whole / 2).mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        for failures in 1..100 {
            let pause = pause(failures);
            assert!(pause >= FIRST / 2 && pause <= LONGEST, "{pause:?} after {failures}");
        }
        assert!(pause(1) <= FIRST);
        assert!(pause(50) >= LONGEST / 2);
    }
}
