//! What each peer's program does as `benches/subjects.md` says. A file of its own in each: they share no workspace.

use std::error::Error;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Value, json};

pub(crate) type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// What the measured route answers.
pub(crate) const BODY: &str = "hello, world\n";
/// The name of the small attribute.
pub(crate) const COUNTER: &str = "counter";
/// What it holds at first.
pub(crate) const START: u64 = 1_000_000;
/// The number that each filling begins with.
pub(crate) const FIRST: u64 = 10_000_000;
/// How many digits it has.
const DIGITS: usize = 8;
/// How long a session lasts without a request, in minutes.
pub(crate) const MINUTES: i64 = 30;

/// What a request does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Workload {
    Unused,
    ReadOne,
    ChangeOne,
    ReadFiveChangeTwo,
    ChangeLarge,
    TouchAll,
    NewSession,
}

/// What the program is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    List,
    Serve { subject: String, workload: Workload, url: String },
}

/// What the store holds of a session.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Stored {
    pub(crate) counter: u64,
    pub(crate) attributes: usize,
    pub(crate) bytes: usize,
    pub(crate) sum: u64,
}

impl Command {
    /// Reads the program's arguments.
    pub(crate) fn read() -> Result<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match arguments[..] {
            ["list"] => Ok(Self::List),
            ["serve", subject, workload, url] => Ok(Self::Serve {
                subject: subject.to_owned(),
                workload: workload.parse()?,
                url: url.to_owned(),
            }),
            _ => Err("usage: list | serve SUBJECT WORKLOAD STORE_URL".into()),
        }
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(match name {
            "unused" => Self::Unused,
            "read-one" => Self::ReadOne,
            "change-one" => Self::ChangeOne,
            "read-five-change-two" => Self::ReadFiveChangeTwo,
            "change-large" => Self::ChangeLarge,
            "touch-all" => Self::TouchAll,
            "new-session" => Self::NewSession,
            _ => return Err(format!("no workload is called {name:?}")),
        })
    }
}

impl Stored {
    pub(crate) fn set_counter(&mut self, counter: u64) {
        self.attributes += 1;
        self.counter = counter;
    }

    pub(crate) fn add_filling(&mut self, text: &str) {
        self.attributes += 1;
        self.bytes += text.len();
        self.sum += number(text).unwrap_or_default();
    }
}

/// Returns what `list` says of a subject on a store.
pub(crate) fn listed(subject: &str, version: &str, store: &str, comparable: bool, note: &str) -> Value {
    json!({"subject": subject, "version": version, "store": store, "comparable": comparable, "note": note})
}

/// Returns the name of a filling.
pub(crate) fn name(index: usize) -> String {
    format!("filling-{index:04}")
}

/// Returns the text of a filling.
pub(crate) fn filling(bytes: usize) -> String {
    format!("{FIRST:x<bytes$}")
}

/// Returns the number that a filling begins with.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.get(..DIGITS)?.parse().ok()
}

/// Adds 1 to the number that a filling begins with.
pub(crate) fn increment(text: &mut String) -> Option<()> {
    let next = number(text)? + 1;
    text.replace_range(..DIGITS, &format!("{next:0DIGITS$}"));
    Some(())
}
