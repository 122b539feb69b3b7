use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// How much is read at once: all of a small session.
const CHUNK: usize = 16 << 10;

/// The part of a file that was read last.
#[derive(Debug)]
pub(super) struct Window {
    at: u64,
    bytes: Vec<u8>,
    /// The length of the file.
    pub(super) length: u64,
}

impl Window {
    /// Reads the beginning of a file, and then asks for its length: what the beginning tells of is there.
    pub(super) fn new(file: &File) -> io::Result<Self> {
        let bytes = read(file, 0, CHUNK)?;
        Ok(Self { at: 0, bytes, length: file.metadata()?.len() })
    }

    /// Returns the first bytes of the file, as many as there are; the window must be there still.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns what was read already.
    pub(super) fn held(&self, at: u64, length: usize) -> Option<&[u8]> {
        let from = usize::try_from(at.checked_sub(self.at)?).ok()?;
        self.bytes.get(from..from.checked_add(length)?)
    }

    /// Moves to `at` if need be. `None`: the file ends before.
    pub(super) fn get(&mut self, file: &File, at: u64, length: usize) -> io::Result<Option<&[u8]>> {
        if self.held(at, length).is_none() {
            if at.saturating_add(length as u64) > self.length {
                return Ok(None);
            }
            self.bytes = read(file, at, length.max(CHUNK))?;
            self.at = at;
        }
        Ok(self.held(at, length))
    }
}

/// Reads so many bytes, or as many as there are.
pub(super) fn read(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
