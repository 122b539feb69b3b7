use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cloakroom_core::{Name, Record, Timestamp};

use super::Session;
use crate::error::{Failure, Result};
use crate::files;
use crate::format::{Entry, FRAME, FRAMES_AT, Header, NewValue, Slot, frame_bytes};

/// A commit's changes to attributes; `None`: removed.
pub(crate) type Edits = BTreeMap<Name, Option<NewValue>>;

/// After how many frames one is written that lists all attributes, so that nobody has to read more heads than these.
const WHOLE_EVERY: u32 = 32;

/// How much garbage any session may have.
const SLACK: u64 = 16 << 10;

/// An entry without its name: see [`format`](crate::format).
const ENTRY: u64 = 2 + 1 + 8 + 4 + 4 + 8 + 8;

/// Where a session is kept, and how well. Whoever writes has the lock of its folder.
#[derive(Clone, Debug)]
pub(crate) struct Keeping {
    pub(crate) path: PathBuf,
    /// Whether a commit is waited for until it is on disk.
    pub(crate) is_durable: bool,
}

/// Writes the file of a new session.
pub(crate) fn create(keeping: &Keeping, header: Header, record: &Record, edits: &Edits) -> Result<()> {
    let entries = edits.iter().filter_map(|(name, new)| Some((name.clone(), Entry::Write(new.as_ref()?))));
    put(keeping, header, 0, record, &entries.collect(), keeping.is_durable)
}

impl Session {
    /// Stores a changed record and changed attributes: all or nothing.
    pub(crate) fn write(
        &self,
        keeping: &Keeping,
        record: &Record,
        forgets: bool,
        edits: &Edits,
    ) -> Result<()> {
        let packed = record.to_bytes();
        let is_whole = forgets || self.frames >= WHOLE_EVERY;
        let entries = self.entries(is_whole, forgets, edits);
        let salt = self.header.salt;
        let frame = frame_bytes(self.end, salt, is_whole, &packed, &entries).ok_or_else(too_large)?;
        let end = self.end + frame.len() as u64;
        if end > 2 * self.content(packed.len(), forgets, edits) + SLACK {
            match self.rewrite(keeping, record, forgets, edits) {
                // What is damaged stays where it is, and harms no other attribute.
                Err(Failure::Damaged(_)) => {}
                result => return result,
            }
        }
        // The slot must not point to a frame that a power cut could take: then there would be no way back to the last one.
        let is_synced = keeping.is_durable || is_whole;
        self.append(&frame, is_synced)?;
        let known = if is_synced { end } else { self.slot.known };
        let start = if is_whole { self.end } else { self.slot.start };
        let slot = Slot { accessed_at: record.accessed_at, known, start, ..self.next_slot() };
        self.put_slot(&slot)?;
        set_deadline(&self.file, record.expires_at());
        Ok(())
    }

    fn entries<'a>(&self, is_whole: bool, forgets: bool, edits: &'a Edits) -> BTreeMap<Name, Entry<'a>> {
        let mut entries = BTreeMap::new();
        if is_whole && !forgets {
            entries.extend(self.attributes.iter().map(|(name, held)| (name.clone(), Entry::Keep(*held))));
        }
        for (name, new) in edits {
            match new {
                Some(new) => entries.insert(name.clone(), Entry::Write(new)),
                None if is_whole => entries.remove(name),
                None => entries.insert(name.clone(), Entry::Remove),
            };
        }
        entries
    }

    /// Returns how long the file would be without garbage.
    fn content(&self, record: usize, forgets: bool, edits: &Edits) -> u64 {
        let size = |name: &Name, value: u64| ENTRY + name.as_str().len() as u64 + value;
        let kept = self.attributes.iter().filter(|(name, _)| !forgets && !edits.contains_key(*name));
        let kept: u64 = kept.map(|(name, held)| size(name, held.length.into())).sum();
        let new = edits.iter().filter_map(|(name, new)| Some(size(name, new.as_ref()?.value.len() as u64)));
        FRAMES_AT + FRAME + record as u64 + kept + new.sum::<u64>()
    }

    /// Writes a frame after the last sound one. What a crash has left there is cut off first.
    fn append(&self, frame: &[u8], is_synced: bool) -> Result<()> {
        if self.window.length > self.end {
            self.file.set_len(self.end)?;
        }
        let written = self.file.write_all_at(frame, self.end);
        let kept = written.and_then(|()| if is_synced { self.file.sync_data() } else { Ok(()) });
        kept.inspect_err(|_| drop(self.file.set_len(self.end)))?;
        Ok(())
    }

    /// Puts a file without garbage in the place of this one.
    fn rewrite(&self, keeping: &Keeping, record: &Record, forgets: bool, edits: &Edits) -> Result<()> {
        let mut values = BTreeMap::new();
        for (name, held) in &self.attributes {
            if !forgets && !edits.contains_key(name) {
                let (revision, lapses_at) = (held.revision, held.lapses_at);
                values.insert(name.clone(), NewValue { value: self.value(held)?, revision, lapses_at });
            }
        }
        let edited = edits.iter().filter_map(|(name, new)| Some((name, new.as_ref()?)));
        let entries = values.iter().chain(edited).map(|(name, new)| (name.clone(), Entry::Write(new)));
        // Waited for in any case: otherwise a power cut could take what was on disk long ago.
        put(keeping, self.header, self.slot.count + 1, record, &entries.collect(), true)
    }

    /// Records an access.
    pub(crate) fn touch(&self, record: &Record) -> Result<()> {
        self.put_slot(&Slot { accessed_at: record.accessed_at, ..self.next_slot() })?;
        set_deadline(&self.file, record.expires_at());
        Ok(())
    }

    /// Ends the session for good, and keeps it from being handed out until then. Written twice, so that no slot is left
    /// in which it is open.
    pub(crate) fn claim(&self, until: Timestamp) -> Result<()> {
        let slot = Slot { claimed_until: Some(until), ..self.next_slot() };
        self.put_slot(&slot)?;
        self.put_slot(&Slot { count: slot.count + 1, ..slot })?;
        set_deadline(&self.file, until);
        Ok(())
    }

    /// Notes on the file when it has to be looked at.
    pub(crate) fn note_deadline(&self) {
        set_deadline(&self.file, self.record.expires_at());
    }

    fn next_slot(&self) -> Slot {
        Slot { count: self.slot.count + 1, accessed_at: self.record.accessed_at, ..self.slot }
    }

    fn put_slot(&self, slot: &Slot) -> io::Result<()> {
        self.file.write_all_at(&slot.encode(self.header.salt), slot.place())
    }
}

/// Writes a file of one whole frame beside a session's file, and puts it in its place.
fn put(
    keeping: &Keeping,
    header: Header,
    count: u64,
    record: &Record,
    entries: &BTreeMap<Name, Entry<'_>>,
    is_synced: bool,
) -> Result<()> {
    let frame =
        frame_bytes(FRAMES_AT, header.salt, true, &record.to_bytes(), entries).ok_or_else(too_large)?;
    let end = FRAMES_AT + frame.len() as u64;
    let known = if is_synced { end } else { FRAMES_AT };
    let slot = Slot { count, accessed_at: record.accessed_at, claimed_until: None, known, start: FRAMES_AT };
    let mut bytes = header.encode();
    bytes.resize(FRAMES_AT as usize, 0);
    for slot in [slot, Slot { count: count + 1, ..slot }] {
        let (place, slot) = (slot.place() as usize, slot.encode(header.salt));
        bytes[place..place + slot.len()].copy_from_slice(&slot);
    }
    bytes.extend_from_slice(&frame);
    let folder = keeping.path.parent().unwrap_or_else(|| Path::new("."));
    let new = folder.join("new");
    files::remove(&new)?;
    let file = files::create(&new)?;
    let written =
        file.write_all_at(&bytes, 0).and_then(|()| if is_synced { file.sync_all() } else { Ok(()) });
    written.inspect_err(|_| drop(files::remove(&new)))?;
    set_deadline(&file, record.expires_at());
    drop(file);
    fs::rename(&new, &keeping.path)?;
    if keeping.is_durable {
        files::sync_folder(folder)?;
    }
    Ok(())
}

/// Notes when a session's file has to be looked at, as its time of modification. Any write sets that to the present, so
/// where this fails, the file is looked at too early and not too late.
fn set_deadline(file: &File, deadline: Timestamp) {
    drop(file.set_modified(SystemTime::from(deadline)));
}

fn too_large() -> Failure {
    io::Error::new(io::ErrorKind::InvalidInput, "the session is larger than a file can hold it").into()
}
