use std::collections::BTreeMap;
use std::fs::File;
use std::io;

use bytes::Bytes;
use cloakroom_core::{Name, Record};

use super::Session;
use super::window::{Window, read};
use crate::error::{Damaged, Result};
use crate::format::{FRAME, FRAMES_AT, Frame, Head, Header, Held, Lengths, Salt, Slot, Slots, checksum};

const FRAMES: Damaged = Damaged::Part("frames");

impl Session {
    /// Reads the record, and where the attributes are. `None`: the file is empty, or its first frame is not whole, which is
    /// what a power cut may leave of one that was not waited for.
    pub(crate) fn read(file: File) -> Result<Option<Self>> {
        let mut window = Window::new(&file)?;
        if window.length == 0 {
            return Ok(None);
        }
        let header = Header::decode(window.bytes())?;
        let slots = Slots::decode(window.bytes(), header.salt).ok_or(Damaged::Part("slots"))?;
        let slot = slots.latest;
        let Some(walk) = Walk::run(&mut window, &file, header.salt, slot)? else { return Ok(None) };
        let mut record = Record::from_bytes(&walk.record).map_err(Damaged::from)?;
        record.accessed_at = record.accessed_at.max(slot.accessed_at);
        let Walk { attributes, end, frames, .. } = walk;
        let is_unsure = slots.is_one_cut;
        Ok(Some(Self { file, window, header, slot, record, attributes, end, frames, is_unsure }))
    }

    pub(super) fn value(&self, held: &Held) -> Result<Bytes> {
        let length = held.length as usize;
        let bytes = match self.window.held(held.at, length) {
            Some(bytes) => Bytes::copy_from_slice(bytes),
            None => Bytes::from(read(&self.file, held.at, length)?),
        };
        if bytes.len() == length && checksum(self.header.salt, &bytes) == held.checksum {
            Ok(bytes)
        } else {
            Err(Damaged::Part("value").into())
        }
    }
}

/// What the frames come to, one after the other.
#[derive(Default)]
struct Walk {
    record: Vec<u8>,
    attributes: BTreeMap<Name, Held>,
    end: u64,
    frames: u32,
}

impl Walk {
    /// Reads from the last whole frame on. A frame that is damaged is a commit that was cut short, unless the file was
    /// known to be sound there. `None`: so is the first one.
    fn run(window: &mut Window, file: &File, salt: Salt, slot: Slot) -> Result<Option<Self>> {
        let mut walk = Self { end: slot.start, ..Self::default() };
        while let Some((frame, head)) = frame_at(window, file, walk.end, salt)? {
            let head = Head::decode(&head, frame).ok_or(FRAMES)?;
            if frame.end > slot.known && !is_sound(window, file, salt, frame, &head)? {
                break;
            }
            if walk.frames == 0 && !head.is_whole {
                return Err(FRAMES.into());
            }
            walk.take(frame, head);
        }
        match walk.frames {
            0 if slot.start == FRAMES_AT && slot.known <= FRAMES_AT => Ok(None),
            0 => Err(FRAMES.into()),
            _ if walk.end < slot.known => Err(FRAMES.into()),
            _ => Ok(Some(walk)),
        }
    }

    fn take(&mut self, frame: Frame, head: Head) {
        if head.is_whole {
            self.attributes.clear();
            self.frames = 0;
        }
        for (name, held) in head.entries {
            match held {
                Some(held) => self.attributes.insert(name, held),
                None => self.attributes.remove(&name),
            };
        }
        self.record = head.record;
        self.end = frame.end;
        self.frames += 1;
    }
}

/// Reads the head of the frame that begins at `at`, if a sound one does.
fn frame_at(window: &mut Window, file: &File, at: u64, salt: Salt) -> io::Result<Option<(Frame, Vec<u8>)>> {
    let Some(lengths) = window.get(file, at, FRAME as usize)?.and_then(Lengths::decode) else {
        return Ok(None);
    };
    let head = window.get(file, at + FRAME, lengths.head as usize)?;
    let head = head.filter(|head| lengths.is_of(at, salt, head)).map(<[u8]>::to_vec);
    let frame = Frame::new(at, lengths);
    Ok(head.filter(|_| frame.end <= window.length).map(|head| (frame, head)))
}

/// Returns whether the values in a frame's body are what was written.
fn is_sound(window: &mut Window, file: &File, salt: Salt, frame: Frame, head: &Head) -> io::Result<bool> {
    let of_body = head.entries.iter().filter_map(|(_, held)| *held).filter(|held| held.at >= frame.body);
    for held in of_body {
        let value = window.get(file, held.at, held.length as usize)?;
        if value.is_none_or(|value| checksum(salt, value) != held.checksum) {
            return Ok(false);
        }
    }
    Ok(true)
}
