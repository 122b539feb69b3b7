use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    AttributeChange, Changes, Edit, Expect, Name, StoredAttribute, Timestamp, Version, Wanted,
};
use smallvec::SmallVec;

use super::known::{Known, Stored};
use super::ttl::StoreTime;
use crate::at_rest::{Opener, Unopened};

/// What a request knows of its session's attributes, and what it did to them.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    known: Known,
    /// Sorted by name.
    edits: SmallVec<[Edited; 1]>,
    /// The names that an `Attr` is alive of.
    borrowed: SmallVec<[Name; 1]>,
    /// Set by `clear`, to the edit it was.
    cleared: Option<u64>,
    /// Whether a commit is under way, or its outcome is not known: until that is settled nothing equals what is stored.
    unsettled: bool,
    /// When the store was last seen, if anything in it lapses by itself.
    time: Option<StoreTime>,
    /// Counts the edits, so that those made while a commit is under way are told from those that it carries.
    last_edit: u64,
    /// The last edit that a commit has taken with it.
    last_begun: u64,
    /// Opens what was loaded, if it is encrypted.
    opener: Opener,
}

#[derive(Debug)]
struct Edited {
    name: Name,
    number: u64,
    edit: Edit,
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
        Self { known: Known::nothing(), ..Self::default() }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.known.is_complete()
    }

    #[inline]
    pub(super) fn see(&self, name: &str) -> Seen {
        match self.edit_of(name) {
            Some(Edit::Set { value, .. }) => return Seen::Value(value.clone()),
            Some(Edit::Remove) => return Seen::Absent,
            None if self.cleared.is_some() => return Seen::Absent,
            None => {}
        }
        match self.known.of(name) {
            // The store says whether it is still there: its clock decides.
            Stored::Present(stored) if stored.lapses_at.is_some_and(|at| self.has_passed(at)) => {
                Seen::Unknown
            }
            Stored::Present(stored) => Seen::Value(stored.value.clone()),
            Stored::Absent => Seen::Absent,
            Stored::Unknown => Seen::Unknown,
        }
    }

    /// Returns whether a moment has passed at the store, as far as this machine's clock tells.
    #[cold]
    fn has_passed(&self, moment: Timestamp) -> bool {
        self.time.is_some_and(|time| time.has_passed(moment))
    }

    /// Returns what the request sees under a name, opened if it is encrypted.
    #[inline]
    pub(super) fn look(&mut self, name: &str) -> Seen {
        self.unseal(name);
        self.see(name)
    }

    #[inline]
    fn unseal(&mut self, name: &str) {
        if self.opener.is_needed()
            && let Some(stored) = self.known.of_mut(name)
        {
            self.opener.open(stored);
        }
    }

    /// Returns whether what the request sees under a name is what it has found in the store.
    pub(super) fn is_as_found(&self, name: &str) -> bool {
        !self.has_edit(name) && !self.is_complete()
    }

    /// Returns what the store must hold under a name for it to be as it was last seen; `None` if it never was.
    pub(super) fn expectation(&self, name: &str) -> Option<Expect> {
        match self.known.of(name) {
            Stored::Present(stored) => Some(Expect::Revision(stored.revision)),
            Stored::Absent => Some(Expect::Absent),
            Stored::Unknown => None,
        }
    }

    /// Sets a value. One that equals what is stored is no edit, unless either lapses by itself.
    pub(super) fn set(&mut self, name: &Name, value: Bytes, ttl: Option<Duration>) {
        self.unseal(name.as_str());
        let stored = self.known.of(name.as_str());
        let same =
            matches!(stored, Stored::Present(stored) if stored.value == value && stored.lapses_at.is_none());
        let unchanged = same && self.cleared.is_none() && !self.unsettled && ttl.is_none();
        self.edit(name, (!unchanged).then_some(Edit::Set { value, ttl }));
    }

    /// Returns how long a value that is changed in place is kept: as long as the one that is there, or `fresh` where
    /// there is none.
    pub(super) fn ttl_in_place(&self, name: &str, fresh: Option<Duration>) -> Option<Duration> {
        match self.edit_of(name) {
            Some(Edit::Set { ttl, .. }) => return *ttl,
            Some(Edit::Remove) => return fresh,
            None if self.cleared.is_some() => return fresh,
            None => {}
        }
        match (self.known.of(name), &self.time) {
            (Stored::Present(stored), Some(time)) => stored.lapses_at.map(|at| time.left_until(at)),
            (Stored::Present(_), None) => None,
            _ => fresh,
        }
    }

    pub(super) fn remove(&mut self, name: &Name) {
        let absent =
            self.cleared.is_some() || matches!(self.expectation(name.as_str()), Some(Expect::Absent));
        let needless = absent && !self.unsettled;
        self.edit(name, (!needless).then_some(Edit::Remove));
    }

    pub(super) fn clear(&mut self) {
        let number = self.next_edit();
        self.edits.clear();
        let needless = self.known.is_nothing() && !self.unsettled;
        self.cleared = (!needless).then_some(number);
    }

    /// Takes this value, provided that it is still there and only this request knows of it. Returns whether it was taken.
    pub(super) fn take_local(&mut self, name: &Name, expected: &Bytes) -> bool {
        let local = self.cleared.is_some() || self.expectation(name.as_str()) == Some(Expect::Absent);
        if !local || self.unsettled {
            return false;
        }
        let Ok(index) = self.find(name.as_str()) else { return false };
        let taken = matches!(&self.edits[index].edit, Edit::Set { value, .. } if value == expected);
        if taken {
            self.edits.remove(index);
        }
        taken
    }

    /// Drops the edit of a name up to `upto`, unless the store may know of it.
    pub(super) fn drop_local(&mut self, name: &Name, upto: u64) {
        if !self.unsettled {
            self.edits.retain(|edited| edited.number > upto || edited.name != *name);
        }
    }

    pub(super) fn has_edit(&self, name: &str) -> bool {
        self.cleared.is_some() || self.edit_of(name).is_some()
    }

    pub(super) fn has_edits(&self) -> bool {
        self.cleared.is_some() || !self.edits.is_empty()
    }

    /// Returns whether the edits set anything: only then is there a reason to make a session.
    pub(super) fn sets(&self) -> bool {
        self.edits.iter().any(|edited| matches!(edited.edit, Edit::Set { .. }))
    }

    /// Returns the last edit so far.
    pub(super) fn last_edit(&self) -> u64 {
        self.last_edit
    }

    /// Returns the edits for a commit, which is under way from now on.
    pub(super) fn begin_commit(&mut self) -> Edits {
        self.unsettled = true;
        let mut changes = Vec::with_capacity(self.edits.len());
        for Edited { name, edit, .. } in &self.edits {
            changes.push(AttributeChange { name: name.clone(), edit: edit.clone(), expect: None });
        }
        self.last_begun = self.last_edit;
        Edits { clear: self.cleared.is_some(), changes, upto: self.last_edit }
    }

    /// Adds what the store holds besides to the changes of a commit, each with the time that is left to it. What cannot be
    /// decrypted stays as it is.
    pub(super) fn carry_all(&mut self, changes: &mut Changes) {
        let kept: Vec<_> =
            self.known.present().filter(|name| !self.has_edit(name.as_str())).cloned().collect();
        for name in kept {
            let Seen::Value(value) = self.look(name.as_str()) else { continue };
            if Unopened::of(&value).is_none() {
                let edit = Edit::Set { value, ttl: self.ttl_in_place(name.as_str(), None) };
                changes.attributes.push(AttributeChange { name, edit, expect: None });
            }
        }
    }

    /// Takes note that a commit stored these changes, which include the edits up to `upto`, with this version, at the
    /// store's time `now`.
    pub(super) fn committed(&mut self, changes: &Changes, upto: u64, version: Version, now: Timestamp) {
        self.drop_edits(upto);
        if changes.clear {
            self.known = Known::nothing();
        }
        for AttributeChange { name, edit, .. } in &changes.attributes {
            let value = match edit {
                Edit::Set { value, ttl } => Some((value.clone(), *ttl)),
                Edit::Remove => None,
            };
            self.stored(name, value, version, now);
        }
    }

    fn stored(
        &mut self,
        name: &Name,
        value: Option<(Bytes, Option<Duration>)>,
        version: Version,
        now: Timestamp,
    ) {
        if matches!(value, Some((_, Some(_)))) {
            self.time = Some(StoreTime::seen(now));
        }
        let value = value.map(|(value, ttl)| (value, ttl.map(|ttl| now.plus(ttl))));
        self.known.committed(name, value, version);
    }

    /// Drops the edits up to `upto`, and returns whether there were any.
    pub(super) fn drop_edits(&mut self, upto: u64) -> bool {
        self.unsettled = false;
        let before = self.edits.len();
        self.edits.retain(|edited| edited.number > upto);
        self.cleared.take_if(|number| *number <= upto).is_some() || self.edits.len() < before
    }

    /// Drops all edits, and returns whether any of them is not in a commit that is under way.
    pub(super) fn give_up(&mut self, under_way: bool) -> bool {
        let begun = if under_way && self.unsettled { self.last_begun } else { 0 };
        let edits = std::mem::take(&mut self.edits);
        let cleared = self.cleared.take();
        cleared.is_some_and(|number| number > begun) || edits.iter().any(|edited| edited.number > begun)
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
        self.known
            .forget(|name| changes.clear || changes.attributes.iter().any(|change| change.name == *name));
    }

    /// Takes note that one attribute alone is stored as given, which includes the edits up to `upto`.
    pub(super) fn committed_one(
        &mut self,
        name: &Name,
        value: Option<(Bytes, Option<Duration>)>,
        upto: u64,
        version: Version,
        now: Timestamp,
    ) {
        self.unsettled = false;
        self.edits.retain(|edited| edited.number > upto || edited.name != *name);
        let cleared = self.cleared.is_some_and(|number| number <= upto);
        // A clear that is still to come would remove it: it is set again together with that.
        if let (true, None, Some((value, ttl))) = (cleared, self.edit_of(name.as_str()), &value) {
            let (value, ttl) = (value.clone(), *ttl);
            self.edit(name, Some(Edit::Set { value, ttl }));
        }
        self.stored(name, value, version, now);
    }

    /// Returns how many bytes an attribute has in the store, as far as is known.
    pub(super) fn stored_bytes(&mut self, name: &str) -> Option<usize> {
        self.unseal(name);
        match self.known.of(name) {
            Stored::Present(stored) => Some(stored.value.len()),
            Stored::Absent => Some(0),
            Stored::Unknown => None,
        }
    }

    /// Returns how many bytes an attribute that exists has in the store, as far as is known.
    pub(super) fn found_bytes(&self, name: &str) -> Option<usize> {
        match self.known.of(name) {
            Stored::Present(stored) => Some(stored.value.len()),
            Stored::Absent | Stored::Unknown => None,
        }
    }

    /// Takes note of what a load of `wanted` showed, at the store's time `now`, and of what opens it.
    pub(super) fn loaded(
        &mut self,
        wanted: &Wanted,
        mut found: Vec<StoredAttribute>,
        now: Timestamp,
        opener: Opener,
    ) {
        opener.prepare(&mut found);
        self.opener = opener;
        if found.iter().any(|attribute| attribute.lapses_at.is_some()) {
            self.shown_lapsing(&mut found, now);
        }
        self.known.loaded(wanted, found);
    }

    /// Takes note of the store's time for what lapses. What has lapsed by that time is absent.
    #[cold]
    fn shown_lapsing(&mut self, found: &mut Vec<StoredAttribute>, now: Timestamp) {
        found.retain(|attribute| attribute.lapses_at.is_none_or(|at| now < at));
        self.time = Some(StoreTime::seen(now));
    }

    /// Returns what the request has read and not changed.
    pub(super) fn read_and_unchanged(&self) -> impl Iterator<Item = Name> {
        self.known.names().into_iter().filter(|name| self.edit_of(name.as_str()).is_none())
    }

    /// Returns the names under which a value is seen, given those in the store.
    pub(super) fn names(&self, stored: Vec<Name>) -> Vec<Name> {
        let edited = self.edits.iter().map(|edited| &edited.name);
        let known = edited.chain(self.known.present());
        let seen = known.filter(|name| matches!(self.see(name.as_str()), Seen::Value(_))).cloned();
        let unseen = stored.into_iter().filter(|name| self.see(name.as_str()) == Seen::Unknown);
        let mut names: Vec<_> = seen.chain(unseen).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Borrows a name for an `Attr`; `false` if it is borrowed already.
    pub(super) fn borrow(&mut self, name: &Name) -> bool {
        let free = !self.borrowed.contains(name);
        if free {
            self.borrowed.push(name.clone());
        }
        free
    }

    pub(super) fn give_back(&mut self, name: &Name) {
        if let Some(index) = self.borrowed.iter().position(|borrowed| borrowed == name) {
            self.borrowed.swap_remove(index);
        }
    }

    fn next_edit(&mut self) -> u64 {
        self.last_edit += 1;
        self.last_edit
    }

    /// Replaces what was done to a name.
    fn edit(&mut self, name: &Name, edit: Option<Edit>) {
        let number = self.next_edit();
        match (self.find(name.as_str()), edit) {
            (Ok(index), Some(edit)) => {
                let edited = &mut self.edits[index];
                (edited.number, edited.edit) = (number, edit);
            }
            (Err(index), Some(edit)) => {
                self.edits.insert(index, Edited { name: name.clone(), number, edit });
            }
            (Ok(index), None) => drop(self.edits.remove(index)),
            (Err(_), None) => {}
        }
    }

    fn edit_of(&self, name: &str) -> Option<&Edit> {
        let index = self.find(name).ok()?;
        Some(&self.edits[index].edit)
    }

    #[inline]
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.edits.binary_search_by(|edited| edited.name.as_str().cmp(name))
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
        attributes.loaded(
            &Wanted::Named([name("a"), name("b")].into()),
            vec![stored("a", "1")],
            Timestamp::default(),
            Opener::default(),
        );
        attributes
    }

    fn commit(attributes: &mut Attributes, edits: Edits) {
        let changes = Changes { clear: edits.clear, attributes: edits.changes, ..Changes::default() };
        attributes.committed(&changes, edits.upto, Version(2), Timestamp::default());
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
        attributes.committed_one(&name("a"), Some(("2".into(), None)), 1, Version(2), Timestamp::default());
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
