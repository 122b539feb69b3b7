use cloakroom_core::{Name, Names};

/// What the requests of one route have read, and what follows from it for the next: a plain function of what was
/// observed, in that order, with neither a clock nor chance.
///
/// Of each name it keeps the *share* of requests that have read it: the mean of the first 16, and from then on each
/// request counts a sixteenth, so that what has changed is noticed within a dozen requests.
#[derive(Debug, Default)]
pub(super) struct History {
    /// How many requests were observed; those beyond the [`SPAN`] are not counted.
    observed: u32,
    /// Of how many more the forecast was exactly right. What that means for the shares is worked out when it matters.
    right: u32,
    /// Sorted by name.
    tracked: Vec<Tracked>,
    foreseen: Names,
    /// Counts the changes of the forecast.
    edition: u32,
}

/// What the next request is expected to read.
#[derive(Clone, Debug, Default)]
pub(super) struct Forecast {
    /// Sorted, each once.
    pub(super) names: Names,
    pub(super) edition: u32,
}

#[derive(Debug)]
struct Tracked {
    name: Name,
    /// Of [`ONE`].
    share: u32,
    /// What its value has on the average where there is one.
    bytes: u64,
    foreseen: bool,
}

/// What one request that used its session has read of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation<'a> {
    pub(super) read: &'a [Name],
    /// Whether it came to its end. One that was cut off might have read more: then what it did not read says nothing.
    pub(super) whole: bool,
}

/// How many names are remembered of a route. As many as a forecast can name.
pub(super) const NAMES: usize = 64;

/// An attribute with more bytes is large.
const LARGE: u64 = 8 << 10;

/// Over how many requests a share is a mean.
const SPAN: u32 = 16;

/// The share of a name that every request reads.
const ONE: u32 = 1 << 16;

/// What dividing may have taken from a share.
const ROUNDING: u32 = SPAN;

/// So many requests that all read the same have driven every share to its end.
const SATURATED: u32 = 256;

impl History {
    pub(super) fn forecast(&self) -> Forecast {
        Forecast { names: self.foreseen.clone(), edition: self.edition }
    }

    /// Takes note of a request that read what the forecast of this edition named, and nothing else. Returns `false` if
    /// there has been another one since: then it has to be told what the request has read.
    #[inline]
    pub(super) fn was_right(&mut self, edition: u32) -> bool {
        let current = edition == self.edition;
        if current {
            self.right = self.right.saturating_add(1);
        }
        current
    }

    /// Takes note of what a request has read. `bytes` tells the size of a value, as far as it is known.
    pub(super) fn observe(&mut self, observation: &Observation<'_>, bytes: impl Fn(&Name) -> Option<usize>) {
        self.settle();
        let span = self.next_span();
        for tracked in &mut self.tracked {
            let read = observation.read.contains(&tracked.name);
            if read || observation.whole {
                tracked.count(read, span);
            }
        }
        for name in observation.read {
            self.track(name, span);
        }
        for tracked in &mut self.tracked {
            tracked.measure(bytes(&tracked.name));
        }
        self.tracked.retain(|tracked| tracked.share > 0);
        self.decide();
    }

    /// Works out what it means that the forecast was right.
    fn settle(&mut self) {
        for _ in 0..std::mem::take(&mut self.right).min(SATURATED) {
            let span = self.next_span();
            for tracked in &mut self.tracked {
                tracked.count(tracked.foreseen, span);
            }
        }
    }

    /// Counts one more request, and returns how many a share is the mean of by now.
    fn next_span(&mut self) -> u32 {
        self.observed = (self.observed + 1).min(SPAN);
        self.observed
    }

    /// Begins to remember a name. Where there is no room, it takes the place of the one that is read the least, if that
    /// is read less.
    fn track(&mut self, name: &Name, span: u32) {
        let Err(mut index) = self.tracked.binary_search_by(|tracked| tracked.name.cmp(name)) else { return };
        let new = Tracked { name: name.clone(), share: ONE / span, bytes: 0, foreseen: false };
        if self.tracked.len() >= NAMES {
            let least = self.tracked.iter().enumerate().min_by_key(|(_, tracked)| tracked.share);
            let Some((least, _)) = least.filter(|(_, it)| !it.foreseen && it.share < new.share) else {
                return;
            };
            self.tracked.remove(least);
            index -= usize::from(least < index);
        }
        self.tracked.insert(index, new);
    }

    fn decide(&mut self) {
        let warm = self.observed >= SPAN;
        let mut changed = false;
        for tracked in &mut self.tracked {
            let foreseen = tracked.is_to_be_foreseen(warm);
            changed |= foreseen != tracked.foreseen;
            tracked.foreseen = foreseen;
        }
        let foreseen = || self.tracked.iter().filter(|tracked| tracked.foreseen);
        // One that is no longer remembered is gone from it too.
        if changed || foreseen().count() != self.foreseen.len() {
            self.foreseen = foreseen().map(|tracked| tracked.name.clone()).collect();
            self.edition = self.edition.wrapping_add(1);
        }
    }
}

impl Tracked {
    fn count(&mut self, read: bool, span: u32) {
        if read {
            self.share += (ONE - self.share) / span;
        } else {
            self.share -= self.share.div_ceil(span);
        }
    }

    fn measure(&mut self, bytes: Option<usize>) {
        let Some(bytes) = bytes else { return };
        let bytes = bytes as u64;
        self.bytes = if self.bytes == 0 { bytes } else { (self.bytes * 7 + bytes) / 8 };
    }

    /// Decides by the share, with a lower bound for a name that is foreseen already, so that one in between does not come
    /// and go. A large attribute must be worth it, and known well.
    fn is_to_be_foreseen(&self, warm: bool) -> bool {
        let (enter, stay) =
            if self.bytes > LARGE { (ONE / 16 * 15, ONE / 8 * 7) } else { (ONE / 2, ONE / 4) };
        let known = warm || self.bytes <= LARGE;
        known && self.share + ROUNDING >= if self.foreseen { stay } else { enter }
    }
}

#[cfg(test)]
mod tests;
