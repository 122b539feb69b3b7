//! What clients and subjects agree on; see `benches/subjects.md`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What the measured route answers.
pub const BODY: &str = "hello, world\n";
/// What the counter holds at first; its encoding stays of one length.
pub const START: u64 = 1_000_000;
/// The number that each filling begins with.
pub const FIRST: u64 = 10_000_000;
/// How many digits it has.
const DIGITS: usize = 8;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "a subject must serve each")]
pub enum Workload {
    /// Nothing with the session.
    Unused,
    /// Reads the counter.
    ReadOne,
    /// Adds 1 to the counter.
    ChangeOne,
    /// Reads the counter and four fillings; adds 1 to the counter and to the first filling.
    ReadFiveChangeTwo,
    /// Adds 1 to the first filling.
    ChangeLarge,
    /// Adds 1 to every filling.
    TouchAll,
    /// Makes a session with the counter.
    NewSession,
}

/// What the store holds under a ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The counter.
    pub counter: u64,
    /// How many attributes there are, with the counter.
    pub attributes: u64,
    /// The length of the fillings.
    pub bytes: u64,
    /// The sum of the fillings' numbers.
    pub sum: u64,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Unused,
        Self::ReadOne,
        Self::ChangeOne,
        Self::ReadFiveChangeTwo,
        Self::ChangeLarge,
        Self::TouchAll,
        Self::NewSession,
    ];

    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::ReadOne => "read-one",
            Self::ChangeOne => "change-one",
            Self::ReadFiveChangeTwo => "read-five-change-two",
            Self::ChangeLarge => "change-large",
            Self::TouchAll => "touch-all",
            Self::NewSession => "new-session",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|workload| workload.name() == name);
        found.ok_or_else(|| format!("no workload is called {name:?}"))
    }
}

impl Stored {
    /// Counts a filling's text.
    pub fn add(&mut self, text: &str) {
        self.attributes += 1;
        self.bytes += text.len() as u64;
        self.sum += number(text).unwrap_or_default();
    }
}

/// Returns the name of a filling.
#[must_use]
pub fn name(index: u64) -> String {
    format!("filling-{index:04}")
}

/// Returns the text of a filling.
#[must_use]
pub fn filling(bytes: usize) -> String {
    let mut text = FIRST.to_string();
    text.extend(std::iter::repeat_n('x', bytes.saturating_sub(DIGITS)));
    text
}

/// Returns the number that a filling begins with; `None` if it begins otherwise.
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    text.get(..DIGITS)?.parse().ok()
}

/// Adds 1 to the number that a filling begins with; `None` if it begins otherwise.
pub fn increment(text: &mut String) -> Option<()> {
    let next = number(text)? + 1;
    text.replace_range(..DIGITS, &format!("{next:0DIGITS$}"));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filling_keeps_its_length() {
        let mut text = filling(12);
        assert_eq!(text, "10000000xxxx");
        increment(&mut text).unwrap();
        assert_eq!(text, "10000001xxxx");
        assert_eq!(number("1"), None);
        assert_eq!(filling(100_000).len(), 100_000);
    }

    #[test]
    fn what_is_stored_is_summed_up() {
        let mut stored = Stored::default();
        stored.add("10000001xxxx");
        stored.add("10000000");
        assert_eq!(stored, Stored { counter: 0, attributes: 2, bytes: 20, sum: 20_000_001 });
    }

    #[test]
    fn workloads_are_known_by_their_names() {
        for workload in Workload::ALL {
            assert_eq!(workload.to_string().parse(), Ok(workload));
            assert_eq!(serde_json::to_value(workload).unwrap(), workload.name());
        }
        assert!("".parse::<Workload>().is_err());
    }
}
