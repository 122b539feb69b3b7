use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{AttributeChange, Changes, Edit, Expect, Name, StoredAttribute, Version, Wanted};
use smallvec::SmallVec;

/// What a request knows of its session's attributes, and what it did to them.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// Sorted by name.
    entries: SmallVec<[Entry; 1]>,
    /// Whether a name that is not in `entries` is known to be absent.
    complete: bool,
    /// Set by `clear`, to the edit it was.
    cleared: Option<u64>,
    /// Whether a commit is under way, or its outcome is not known: until that is settled nothing equals what is stored.
    unsettled: bool,
    /// Counts the edits, so that those made while a commit is under way are told from those that it carries.
    edits: u64,
}

#[derive(Debug)]
struct Entry {
    name: Name,
    stored: Stored,
    edit: Option<(u64, Edit)>,
    borrowed: bool,
}

/// An attribute as the store last showed it.
#[derive(Clone, Debug)]
enum Stored {
    Unknown,
    Absent,
    Present { value: Bytes, revision: Version },
}

/// What a request sees under a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Value(Bytes),
    Absent,
    Unknown,
}

/// The edits of a commit, and the last edit that they include.
#[derive(Debug)]
pub(super) struct Edits {
    pub(super) clear: bool,
    pub(super) changes: Vec<AttributeChange>,
    pub(super) upto: u64,
}

impl Attributes {
    /// The attributes of a session that has none.
    pub(super) fn none() -> Self {
        Self { complete: true, ..Self::default() }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn see(&self, name: &str) -> Seen {
        let Ok(index) = self.find(name) else {
            return self.unseen();
        };
        let entry = &self.entries[index];
        match (&entry.edit, &entry.stored) {
            (Some((_, Edit::Set { value, .. })), _) => Seen::Value(value.clone()),
            (Some((_, Edit::Remove)), _) => Seen::Absent,
            (None, _) if self.cleared.is_some() => Seen::Absent,
            (None, Stored::Present { value, .. }) => Seen::Value(value.clone()),
            (None, Stored::Absent) => Seen::Absent,
            (None, Stored::Unknown) => self.unseen(),
        }
    }

    fn unseen(&self) -> Seen {
        if self.complete || self.cleared.is_some() { Seen::Absent } else { Seen::Unknown }
    }

    /// Returns what the store must hold under a name for it to be as it was last seen; `None` if it never was.
    pub(super) fn expectation(&self, name: &str) -> Option<Expect> {
        match self.find(name).map(|index| &self.entries[index].stored) {
            Ok(Stored::Present { revision, .. }) => Some(Expect::Revision(*revision)),
            Ok(Stored::Absent) => Some(Expect::Absent),
            Ok(Stored::Unknown) | Err(_) => self.complete.then_some(Expect::Absent),
        }
    }

    /// Sets a value. One that equals what is stored is no edit.
    pub(super) fn set(&mut self, name: &Name, value: Bytes, ttl: Option<Duration>) {
        let (cleared, unsettled) = (self.cleared.is_some(), self.unsettled);
        let edit = self.next_edit();
        let entry = self.entry(name);
        let same = matches!(&entry.stored, Stored::Present { value: stored, .. } if *stored == value);
        let unchanged = same && !cleared && !unsettled && ttl.is_none();
        entry.edit = (!unchanged).then_some((edit, Edit::Set { value, ttl }));
    }

    pub(super) fn remove(&mut self, name: &Name) {
        let absent =
            self.cleared.is_some() || matches!(self.expectation(name.as_str()), Some(Expect::Absent));
        let needless = absent && !self.unsettled;
        let edit = self.next_edit();
        self.entry(name).edit = (!needless).then_some((edit, Edit::Remove));
    }

    pub(super) fn clear(&mut self) {
        let edit = self.next_edit();
        self.entries.iter_mut().for_each(|entry| entry.edit = None);
        let nothing = self.entries.iter().all(|entry| !matches!(entry.stored, Stored::Present { .. }));
        let needless = self.complete && nothing && !self.unsettled;
        self.cleared = (!needless).then_some(edit);
    }

    /// Takes a value that only this request knows of; `None` if there is none, or the store may know of it.
    pub(super) fn take_local(&mut self, name: &Name) -> Option<Bytes> {
        let local = self.cleared.is_some() || self.expectation(name.as_str()) == Some(Expect::Absent);
        if !local || self.unsettled {
            return None;
        }
        match self.entry(name).edit.take_if(|(_, edit)| matches!(edit, Edit::Set { .. }))? {
            (_, Edit::Set { value, .. }) => Some(value),
            (_, Edit::Remove) => None,
        }
    }

    pub(super) fn has_edit(&self, name: &str) -> bool {
        self.cleared.is_some() || self.find(name).is_ok_and(|index| self.entries[index].edit.is_some())
    }

    pub(super) fn has_edits(&self) -> bool {
        self.cleared.is_some() || self.entries.iter().any(|entry| entry.edit.is_some())
    }

    /// Returns whether the edits set anything: only then is there a reason to make a session.
    pub(super) fn sets(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.edit, Some((_, Edit::Set { .. }))))
    }

    /// Returns the last edit so far.
    pub(super) fn last_edit(&self) -> u64 {
        self.edits
    }

    /// Returns the edits for a commit, which is under way from now on.
    pub(super) fn begin_commit(&mut self) -> Edits {
        self.unsettled = true;
        let change = |entry: &Entry| {
            let (_, edit) = entry.edit.as_ref()?;
            Some(AttributeChange { name: entry.name.clone(), edit: edit.clone(), expect: None })
        };
        let changes = self.entries.iter().filter_map(change).collect();
        Edits { clear: self.cleared.is_some(), changes, upto: self.edits }
    }

    /// Takes note that a commit stored these changes, which include the edits up to `upto`, with this version.
    pub(super) fn committed(&mut self, changes: &Changes, upto: u64, version: Version) {
        self.unsettled = false;
        self.cleared.take_if(|edit| *edit <= upto);
        if changes.clear {
            self.complete = true;
            self.entries.iter_mut().for_each(|entry| entry.stored = Stored::Absent);
        }
        for change in &changes.attributes {
            let entry = self.entry(&change.name);
            entry.edit.take_if(|(edit, _)| *edit <= upto);
            entry.stored = match &change.edit {
                Edit::Set { value, .. } => Stored::Present { value: value.clone(), revision: version },
                Edit::Remove => Stored::Absent,
            };
        }
    }

    /// Drops the edits up to `upto`, and returns whether there were any.
    pub(super) fn drop_edits(&mut self, upto: u64) -> bool {
        self.unsettled = false;
        let mut dropped = self.cleared.take_if(|edit| *edit <= upto).is_some();
        for entry in &mut self.entries {
            dropped |= entry.edit.take_if(|(edit, _)| *edit <= upto).is_some();
        }
        dropped
    }

    /// Takes note that a commit of one attribute is under way.
    pub(super) fn begin_one(&mut self) {
        self.unsettled = true;
    }

    /// Takes note that a commit was not applied.
    pub(super) fn refused(&mut self) {
        self.unsettled = false;
    }

    /// Takes note that nobody knows whether a commit was applied: what it changed has to be read again.
    pub(super) fn unknown(&mut self, changes: &Changes) {
        let changed =
            |name: &Name| changes.clear || changes.attributes.iter().any(|change| change.name == *name);
        self.complete = false;
        for entry in self.entries.iter_mut().filter(|entry| changed(&entry.name)) {
            entry.stored = Stored::Unknown;
        }
    }

    /// Takes note that one attribute alone is stored as given, which includes the edits up to `upto`.
    pub(super) fn committed_one(&mut self, name: &Name, value: Option<Bytes>, upto: u64, version: Version) {
        self.unsettled = false;
        let cleared = self.cleared.is_some_and(|edit| edit <= upto);
        let edit = self.next_edit();
        let entry = self.entry(name);
        entry.edit.take_if(|(edit, _)| *edit <= upto);
        // A clear that is still to come would remove it: it is set again together with that.
        if entry.edit.is_none() && cleared {
            entry.edit = value.clone().map(|value| (edit, Edit::Set { value, ttl: None }));
        }
        entry.stored = value.map_or(Stored::Absent, |value| Stored::Present { value, revision: version });
    }

    /// Returns how many bytes an attribute has in the store, as far as is known.
    pub(super) fn stored_bytes(&self, name: &str) -> Option<usize> {
        match self.find(name).map(|index| &self.entries[index].stored) {
            Ok(Stored::Present { value, .. }) => Some(value.len()),
            Ok(Stored::Absent) => Some(0),
            Ok(Stored::Unknown) | Err(_) => self.complete.then_some(0),
        }
    }

    /// Takes note of what a load of `wanted` showed.
    pub(super) fn loaded(&mut self, wanted: &Wanted, found: Vec<StoredAttribute>) {
        if matches!(wanted, Wanted::Everything) {
            self.complete = true;
            self.entries.iter_mut().for_each(|entry| entry.stored = Stored::Absent);
        }
        if let Wanted::Named(names) = wanted {
            for name in names.iter().filter(|name| found.iter().all(|found| found.name != **name)) {
                self.entry(name).stored = Stored::Absent;
            }
        }
        for StoredAttribute { name, value, revision, .. } in found {
            self.entry(&name).stored = Stored::Present { value, revision };
        }
    }

    /// Returns what the request has read and not changed.
    pub(super) fn read_and_unchanged(&self) -> impl Iterator<Item = &Name> {
        let read = |entry: &&Entry| entry.edit.is_none() && !matches!(entry.stored, Stored::Unknown);
        self.entries.iter().filter(read).map(|entry| &entry.name)
    }

    /// Returns the names under which a value is seen, given those in the store.
    pub(super) fn names(&self, stored: Vec<Name>) -> Vec<Name> {
        let seen = self.entries.iter().map(|entry| &entry.name);
        let seen = seen.filter(|name| matches!(self.see(name.as_str()), Seen::Value(_))).cloned();
        let unseen = stored.into_iter().filter(|name| self.see(name.as_str()) == Seen::Unknown);
        let mut names: Vec<_> = seen.chain(unseen).collect();
        names.sort_unstable();
        names
    }

    /// Borrows a name for an `Attr`; `false` if it is borrowed already.
    pub(super) fn borrow(&mut self, name: &Name) -> bool {
        !std::mem::replace(&mut self.entry(name).borrowed, true)
    }

    pub(super) fn give_back(&mut self, name: &Name) {
        self.entry(name).borrowed = false;
    }

    fn next_edit(&mut self) -> u64 {
        self.edits += 1;
        self.edits
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.name.as_str().cmp(name))
    }

    fn entry(&mut self, name: &Name) -> &mut Entry {
        let index = match self.find(name.as_str()) {
            Ok(index) => index,
            Err(index) => {
                let entry =
                    Entry { name: name.clone(), stored: Stored::Unknown, edit: None, borrowed: false };
                self.entries.insert(index, entry);
                index
            }
        };
        &mut self.entries[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &'static str) -> Name {
        Name::new(text).unwrap()
    }

    fn stored(name: &'static str, value: &'static str) -> StoredAttribute {
        let value = Bytes::from_static(value.as_bytes());
        StoredAttribute { name: self::name(name), value, revision: Version(1), lapses_at: None }
    }

    fn with_one() -> Attributes {
        let mut attributes = Attributes::default();
        attributes.loaded(&Wanted::Named([name("a"), name("b")].into()), vec![stored("a", "1")]);
        attributes
    }

    fn commit(attributes: &mut Attributes, edits: Edits) {
        let changes = Changes { clear: edits.clear, attributes: edits.changes, ..Changes::default() };
        attributes.committed(&changes, edits.upto, Version(2));
    }

    #[test]
    fn what_was_not_loaded_is_unknown_and_what_was_loaded_and_not_found_is_absent() {
        let attributes = with_one();
        assert_eq!(attributes.see("a"), Seen::Value("1".into()));
        assert_eq!(attributes.see("b"), Seen::Absent);
        assert_eq!(attributes.see("c"), Seen::Unknown);
        assert_eq!(Attributes::none().see("c"), Seen::Absent);
    }

    #[test]
    fn an_equal_value_is_no_edit_and_undoes_one() {
        let mut attributes = with_one();
        attributes.set(&name("a"), "2".into(), None);
        assert!(attributes.has_edits());
        attributes.set(&name("a"), "1".into(), None);
        assert!(!attributes.has_edits());
        attributes.remove(&name("b"));
        assert!(!attributes.has_edits(), "removing what is absent is no edit");
    }

    #[test]
    fn a_clear_hides_what_is_stored_and_is_kept_with_later_sets() {
        let mut attributes = with_one();
        attributes.clear();
        assert_eq!(attributes.see("a"), Seen::Absent);
        assert_eq!(attributes.see("c"), Seen::Absent);
        attributes.set(&name("a"), "1".into(), None);
        let edits = attributes.begin_commit();
        assert!(edits.clear);
        assert_eq!(edits.changes.len(), 1, "an equal value must be written again after a clear");
        commit(&mut attributes, edits);
        assert!(!attributes.has_edits());
        assert_eq!(attributes.see("a"), Seen::Value("1".into()));
        assert_eq!(attributes.see("c"), Seen::Absent);
    }

    #[test]
    fn what_is_stored_at_once_outlives_a_clear_before_it() {
        let mut attributes = with_one();
        attributes.clear();
        attributes.committed_one(&name("a"), Some("2".into()), 1, Version(2));
        assert_eq!(attributes.see("a"), Seen::Value("2".into()));
        let edits = attributes.begin_commit();
        assert!(edits.clear && edits.changes.len() == 1);
    }

    #[test]
    fn an_edit_made_during_a_commit_stays_one() {
        let mut attributes = with_one();
        attributes.set(&name("a"), "2".into(), None);
        let edits = attributes.begin_commit();
        attributes.set(&name("a"), "1".into(), None);
        commit(&mut attributes, edits);
        assert!(attributes.has_edits(), "though it sets what was stored before");
        assert_eq!(attributes.see("a"), Seen::Value("1".into()));
    }

    #[test]
    fn names_merge_what_is_stored_with_the_edits() {
        let mut attributes = with_one();
        attributes.set(&name("c"), "3".into(), None);
        attributes.remove(&name("a"));
        let names = attributes.names(vec![name("a"), name("z")]);
        assert_eq!(names, [name("c"), name("z")]);
    }
}
