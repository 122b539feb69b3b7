use std::fmt;

/// A number of bytes, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd)]
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes @ 0..1_000 => write!(f, "{bytes} B"),
            bytes @ 1_000..100_000 => write!(f, "{:.1} kB", bytes as f64 / 1_000.0),
            bytes => write!(f, "{} kB", bytes / 1_000),
        }
    }
}

impl std::ops::Add for Bytes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::iter::Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), std::ops::Add::add)
    }
}

impl Bytes {
    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Returns this as a part of `whole`, in percent.
    pub(crate) fn percent_of(self, whole: Self) -> u64 {
        if self.is_none() { 0 } else { (self.0 * 100 / whole.0.max(1)).clamp(1, 100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_easily() {
        let shown = |bytes| Bytes(bytes).to_string();
        assert_eq!(shown(999), "999 B");
        assert_eq!(shown(16_384), "16.4 kB");
        assert_eq!(shown(262_144), "262 kB");
    }

    #[test]
    fn a_part_is_seen_however_small() {
        assert_eq!(Bytes(0).percent_of(Bytes(0)), 0);
        assert_eq!(Bytes(1).percent_of(Bytes(10_000)), 1);
        assert_eq!(Bytes(50).percent_of(Bytes(100)), 50);
        assert_eq!(Bytes(300).percent_of(Bytes(100)), 100);
    }
}
