use bytes::Bytes;
use cloakroom_core::{Name, Names, StoredAttribute, Timestamp, Version, Wanted};
use smallvec::SmallVec;

/// What a request knows of the attributes in the store. A load is kept as it came: most requests have only one.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Sorted by name.
    present: Vec<StoredAttribute>,
    /// What was looked for. What of it is not `present` is absent.
    looked_for: SmallVec<[Names; 1]>,
    /// Whether everything was looked for.
    complete: bool,
}

/// So many lists of names are kept as they came: most requests have one or two. Among more, those that a later one contains
/// are dropped.
const FEW: usize = 4;

/// An attribute as the store last showed it.
#[derive(Debug)]
pub(super) enum Stored<'a> {
    Unknown,
    Absent,
    Present(&'a StoredAttribute),
}

impl Known {
    /// Of a session that has no attributes.
    pub(super) fn nothing() -> Self {
        Self { complete: true, ..Self::default() }
    }

    /// Returns whether the store has no attribute that is not known of.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Returns whether the store has no attribute at all.
    pub(super) fn is_nothing(&self) -> bool {
        self.complete && self.present.is_empty()
    }

    #[inline]
    pub(super) fn of(&self, name: &str) -> Stored<'_> {
        match self.find(name) {
            Ok(index) => Stored::Present(&self.present[index]),
            Err(_) if self.complete || self.was_looked_for(name) => Stored::Absent,
            Err(_) => Stored::Unknown,
        }
    }

    #[inline]
    pub(super) fn of_mut(&mut self, name: &str) -> Option<&mut StoredAttribute> {
        let index = self.find(name).ok()?;
        Some(&mut self.present[index])
    }

    pub(super) fn present(&self) -> impl Iterator<Item = &Name> {
        self.present.iter().map(|attribute| &attribute.name)
    }

    /// Returns the names of which it is known whether they are there.
    pub(super) fn names(&self) -> Vec<Name> {
        let looked_for = self.looked_for.iter().flat_map(|names| names.iter());
        let mut names: Vec<_> = looked_for.chain(self.present()).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Takes note of what a load of `wanted` showed.
    pub(super) fn loaded(&mut self, wanted: &Wanted, found: Vec<StoredAttribute>) {
        match wanted {
            Wanted::Nothing => return,
            Wanted::Named(names) => {
                self.present.retain(|attribute| !names.contains(&attribute.name));
                if self.looked_for.len() > FEW {
                    self.looked_for.retain(|known| !known.iter().all(|name| names.contains(name)));
                }
                self.looked_for.push(names.clone());
            }
            Wanted::Everything => *self = Self::nothing(),
        }
        if self.present.is_empty() {
            self.present = found;
        } else {
            self.present.extend(found);
        }
        if self.present.len() > 1 {
            self.present.sort_unstable_by(|one, two| one.name.cmp(&two.name));
            self.present.dedup_by(|one, two| one.name == two.name);
        }
    }

    /// Takes note of what a commit of this version stored under a name, or that it removed it.
    pub(super) fn committed(
        &mut self,
        name: &Name,
        value: Option<(Bytes, Option<Timestamp>)>,
        version: Version,
    ) {
        let found = self.find(name.as_str());
        match (found, value) {
            (Ok(index), Some((value, lapses_at))) => {
                let stored = &mut self.present[index];
                (stored.value, stored.revision, stored.lapses_at) = (value, version, lapses_at);
            }
            (Err(index), Some((value, lapses_at))) => {
                let name = name.clone();
                let stored = StoredAttribute { name, value, revision: version, lapses_at };
                self.present.insert(index, stored);
            }
            (Ok(index), None) => {
                let removed = self.present.remove(index).name;
                self.note_absent(removed);
            }
            (Err(_), None) => self.note_absent(name.clone()),
        }
    }

    fn note_absent(&mut self, name: Name) {
        if !self.was_looked_for(name.as_str()) {
            self.looked_for.push(Names::from([name]));
        }
    }

    /// Forgets what is known of some names.
    pub(super) fn forget(&mut self, changed: impl Fn(&Name) -> bool) {
        self.complete = false;
        self.present.retain(|attribute| !changed(&attribute.name));
        for names in &mut self.looked_for {
            *names = names.iter().filter(|name| !changed(name)).cloned().collect();
        }
    }

    fn was_looked_for(&self, name: &str) -> bool {
        self.looked_for.iter().flat_map(|names| names.iter()).any(|known| known.as_str() == name)
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.present.binary_search_by(|attribute| attribute.name.as_str().cmp(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &'static str) -> Name {
        Name::new(text).unwrap()
    }

    fn stored(name: &'static str, version: u64) -> StoredAttribute {
        let (name, revision) = (self::name(name), Version(version));
        StoredAttribute { name, value: Bytes::new(), revision, lapses_at: None }
    }

    fn named(names: &[&'static str]) -> Wanted {
        Wanted::Named(names.iter().map(|text| name(text)).collect())
    }

    fn revision(known: &Known, name: &str) -> Option<u64> {
        match known.of(name) {
            Stored::Present(stored) => Some(stored.revision.0),
            Stored::Absent => Some(0),
            Stored::Unknown => None,
        }
    }

    #[test]
    fn a_later_load_replaces_what_an_earlier_one_showed_of_the_same_names() {
        let mut known = Known::default();
        known.loaded(&named(&["b", "a", "c"]), vec![stored("b", 1), stored("a", 1)]);
        known.loaded(&named(&["d", "b", "d"]), vec![stored("d", 2), stored("d", 2)]);
        let seen = ["a", "b", "c", "d", "e"].map(|name| revision(&known, name));
        assert_eq!(seen, [Some(1), Some(0), Some(0), Some(2), None]);
        assert_eq!(known.names(), ["a", "b", "c", "d"].map(name));
        known.loaded(&Wanted::Everything, vec![stored("c", 3)]);
        assert_eq!(["a", "c", "e"].map(|name| revision(&known, name)), [Some(0), Some(3), Some(0)]);
    }

    #[test]
    fn commits_are_noted_and_what_is_forgotten_is_unknown() {
        let mut known = Known::default();
        known.loaded(&named(&["a", "b"]), vec![stored("a", 1)]);
        known.committed(&name("b"), Some((Bytes::new(), None)), Version(2));
        known.committed(&name("c"), Some((Bytes::new(), None)), Version(2));
        known.committed(&name("a"), None, Version(2));
        known.committed(&name("d"), None, Version(2));
        assert_eq!(
            ["a", "b", "c", "d"].map(|name| revision(&known, name)),
            [Some(0), Some(2), Some(2), Some(0)]
        );
        known.forget(|name| name.as_str() < "c");
        assert_eq!(["a", "b", "c", "d"].map(|name| revision(&known, name)), [None, None, Some(2), Some(0)]);
        let mut known = Known::nothing();
        assert!(known.is_nothing() && revision(&known, "a") == Some(0));
        known.forget(|_| true);
        assert!(!known.is_complete() && revision(&known, "a").is_none());
    }

    #[test]
    fn what_is_read_or_removed_again_and_again_takes_no_more_room() {
        let mut known = Known::default();
        for round in 0..100 {
            known.loaded(&named(&["a"]), vec![stored("a", round)]);
            known.loaded(&named(&["a", "b"]), vec![stored("a", round)]);
            known.committed(&name("a"), None, Version(round));
            known.committed(&name("c"), None, Version(round));
            known.committed(&name("d"), Some((Bytes::new(), None)), Version(round));
            known.committed(&name("d"), None, Version(round));
        }
        assert!(known.looked_for.len() <= FEW + 1, "{}", known.looked_for.len());
        let seen = ["a", "b", "c", "d", "e"].map(|name| revision(&known, name));
        assert_eq!(seen, [Some(0), Some(0), Some(0), Some(0), None]);
    }
}
