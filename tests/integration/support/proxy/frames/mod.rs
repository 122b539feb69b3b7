//! Where one command of a client ends and the next begins.

mod mysql;
mod nats;
mod postgres;
mod redis;

use bytes::{Bytes, BytesMut};

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Redis,
    Postgres,
    MySql,
    Nats,
}

/// Takes what a client sends apart.
#[derive(Debug)]
pub(super) enum Frames {
    Redis,
    Postgres(postgres::Frames),
    MySql,
    Nats,
}

/// What a client sends at once: one command, or all up to where it waits for the answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) bytes: Bytes,
    /// What it asks of the store, in short; `None` for what only concerns the connection.
    pub(super) command: Option<String>,
}

impl Frames {
    pub(super) fn new(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Redis => Self::Redis,
            Protocol::Postgres => Self::Postgres(postgres::Frames::default()),
            Protocol::MySql => Self::MySql,
            Protocol::Nats => Self::Nats,
        }
    }

    /// Takes the next frame out of a buffer; `None` while it is not whole.
    pub(super) fn take(&mut self, buffer: &mut BytesMut) -> Option<Frame> {
        let (length, command) = match self {
            Self::Redis => redis::next(buffer),
            Self::Postgres(frames) => frames.next(buffer),
            Self::MySql => mysql::next(buffer),
            Self::Nats => nats::next(buffer),
        }?;
        Some(Frame { bytes: buffer.split_to(length).freeze(), command })
    }
}

/// Returns the beginning of a text, on one line.
fn short(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(120).collect()
}
