use std::time::Duration;

use tokio::time::sleep;

/// The longest the first pause may be.
const FIRST: Duration = Duration::from_millis(2);

/// How often that doubles.
const DOUBLINGS: u32 = 5;

/// Pauses before something is tried again that somebody else has done at the same time: of a random length, so that they do not
/// meet again, and longer each time, up to 64 ms.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    taken: u32,
}

impl Pauses {
    pub(crate) async fn pause(&mut self) {
        let chance = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        sleep(self.longest().mul_f64(chance)).await;
        self.taken += 1;
    }

    fn longest(&self) -> Duration {
        FIRST * 2_u32.pow(self.taken.min(DOUBLINGS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_grow_and_stay_bounded() {
        let longest = |taken| Pauses { taken }.longest().as_millis();
        assert_eq!([longest(0), longest(1), longest(5), longest(u32::MAX)], [2, 4, 64, 64]);
    }
}
