use std::ops::RangeInclusive;

/// What one node knows of all of them.
#[derive(Debug)]
pub(super) struct View(Vec<Member>);

/// A node, as one of them knows it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: String,
    epoch: String,
    slots: Vec<RangeInclusive<u16>>,
}

impl View {
    /// Reads the answer to `CLUSTER NODES`.
    pub(super) fn of(nodes: &str) -> Self {
        Self(nodes.lines().filter_map(Member::of).collect())
    }

    pub(super) fn serving(&self, slot: u16) -> Option<&Member> {
        self.0.iter().find(|member| member.slots.iter().any(|range| range.contains(&slot)))
    }

    /// Returns the epoch of each; `None` if two have the same, which they will mend.
    pub(super) fn epochs(&self) -> Option<Vec<(String, String)>> {
        let mut all: Vec<_> = self.0.iter().map(|it| (it.epoch.clone(), it.id.clone())).collect();
        all.sort();
        let are_different = all.windows(2).all(|pair| pair[0].0 != pair[1].0);
        are_different.then_some(all)
    }
}

impl Member {
    /// Reads a line: name, address, flags, primary, two times, epoch, state, and the slots; one on its way is in brackets.
    fn of(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let (&id, &epoch) = (words.first()?, words.get(6)?);
        let slots = words.get(8..).unwrap_or_default().iter().filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(first.parse().ok()?..=last.parse().ok()?)
        });
        Some(Self { id: id.to_owned(), epoch: epoch.to_owned(), slots: slots.collect() })
    }
}
