use std::collections::HashMap;
use std::path::Path;

use benches::Result;

/// What callgrind counted, by function.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) functions: HashMap<String, Costs>,
}

/// What one function cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Costs {
    /// Instructions of the function itself, and of what was inlined into it.
    pub(crate) own: u64,
    /// The same, and those of the functions that it called. Too many where functions call each other in a circle.
    pub(crate) inclusive: u64,
    /// How often it was called.
    pub(crate) calls: u64,
}

/// The functions by which a program asks for memory.
const ALLOCATORS: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

impl Tally {
    /// Reads what callgrind wrote.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader::default();
        for line in text.lines() {
            reader
                .line(line)
                .ok_or_else(|| format!("a line of callgrind's that is not understood: {line}"))?;
        }
        Ok(reader.tally)
    }

    /// Returns what is counted here beyond what `less` counts.
    pub(crate) fn beyond(mut self, less: &Self) -> Self {
        for (function, costs) in &mut self.functions {
            let less = less.functions.get(function).copied().unwrap_or_default();
            costs.own = costs.own.saturating_sub(less.own);
            costs.inclusive = costs.inclusive.saturating_sub(less.inclusive);
            costs.calls = costs.calls.saturating_sub(less.calls);
        }
        self
    }

    pub(crate) fn instructions(&self) -> u64 {
        self.functions.values().map(|costs| costs.own).sum()
    }

    pub(crate) fn allocations(&self) -> u64 {
        let calls = |name: &str| self.functions.get(name).map_or(0, |costs| costs.calls);
        ALLOCATORS.into_iter().map(calls).sum()
    }
}

/// Reads the format that valgrind's manual calls the callgrind format: names are written once, then by number.
#[derive(Debug, Default)]
struct Reader {
    tally: Tally,
    names: HashMap<String, String>,
    function: String,
    called: Option<String>,
    calls: u64,
}

impl Reader {
    fn line(&mut self, line: &str) -> Option<()> {
        if let Some(name) = line.strip_prefix("fn=") {
            self.function = self.name(name)?;
        } else if let Some(name) = line.strip_prefix("cfn=") {
            self.called = Some(self.name(name)?);
        } else if let Some(calls) = line.strip_prefix("calls=") {
            self.calls = calls.split(' ').next()?.parse().ok()?;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let instructions = line.split(' ').nth(1)?.parse().ok()?;
            self.cost(instructions);
        }
        Some(())
    }

    fn cost(&mut self, instructions: u64) {
        let caller = self.tally.functions.entry(self.function.clone()).or_default();
        caller.inclusive += instructions;
        match self.called.take() {
            None => caller.own += instructions,
            Some(called) => self.tally.functions.entry(called).or_default().calls += self.calls,
        }
    }

    fn name(&mut self, text: &str) -> Option<String> {
        let (number, name) = text.split_once(')')?;
        if name.is_empty() {
            return self.names.get(number).cloned();
        }
        let name = name.trim_start().to_owned();
        self.names.insert(number.to_owned(), name.clone());
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: &str = "\
version: 1
events: Ir
fl=(1) src/main.rs
fn=(1) main
16 400
cfn=(2) malloc
calls=3 50
16 300
fi=(2) src/inlined.rs
+1 20

fn=(2)
* 100
totals: 820
";

    #[test]
    fn own_and_inclusive_costs_and_calls_are_told_apart() {
        let tally = Tally::parse(FEW).unwrap();
        let main = tally.functions["main"];
        assert_eq!((main.own, main.inclusive, main.calls), (420, 720, 0));
        assert_eq!(tally.functions["malloc"].own, 100);
        assert_eq!((tally.instructions(), tally.allocations()), (520, 3));
    }

    #[test]
    fn what_two_runs_share_cancels_out() {
        let more = FEW.replace("calls=3", "calls=5").replace("* 100", "* 150");
        let tally = Tally::parse(&more).unwrap().beyond(&Tally::parse(FEW).unwrap());
        assert_eq!((tally.instructions(), tally.allocations()), (50, 2));
    }

    #[test]
    fn a_line_that_is_not_understood_is_an_error() {
        assert!(Tally::parse("fn=(7)\n").is_err());
        assert!(Tally::parse("12 many\n").is_err());
    }
}
