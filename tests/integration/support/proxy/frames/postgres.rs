use super::short;

/// The code in place of a version by which a client asks for TLS or GSS before it starts up.
const ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];

/// Takes apart what a client of PostgreSQL sends.
#[derive(Debug, Default)]
pub(in super::super) struct Frames {
    has_started: bool,
}

impl Frames {
    /// Returns the length of all up to where the client waits for an answer, and what that asks of the store.
    pub(super) fn next(&mut self, buffer: &[u8]) -> Option<(usize, Option<String>)> {
        if !self.has_started {
            return self.start(buffer);
        }
        let (mut end, mut command) = (0, None);
        loop {
            let kind = *buffer.get(end)?;
            let length = number(buffer, end + 1)? as usize;
            let body = buffer.get(end + 5..end + 1 + length)?;
            command = command.or_else(|| name(kind, body));
            end += 1 + length;
            // Sync, Flush and Query are answered; a password and the end stand for themselves.
            if matches!(kind, b'S' | b'H' | b'Q' | b'p' | b'X') {
                return Some((end, command));
            }
        }
    }

    fn start(&mut self, buffer: &[u8]) -> Option<(usize, Option<String>)> {
        let (length, code) = (number(buffer, 0)? as usize, number(buffer, 4)?);
        self.has_started = buffer.len() >= length && !ENCRYPTION.contains(&code);
        (buffer.len() >= length).then_some((length, None))
    }
}

fn number(buffer: &[u8], from: usize) -> Option<u32> {
    Some(u32::from_be_bytes(buffer.get(from..from + 4)?.try_into().ok()?))
}

fn name(kind: u8, body: &[u8]) -> Option<String> {
    let mut texts = body.split(|byte| *byte == 0);
    match kind {
        b'Q' => Some(format!("query {}", short(texts.next()?))),
        b'P' => Some(format!("parse {}", short(texts.nth(1)?))),
        b'B' => Some(format!("bind {}", short(texts.nth(1)?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &[u8], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [kind, &length, body].concat()
    }

    #[test]
    fn what_a_client_sends_is_parted_where_it_waits() {
        let mut frames = Frames::default();
        let encryption = message(b"", &ENCRYPTION[0].to_be_bytes());
        assert_eq!(frames.next(&encryption), Some((8, None)));
        let start = message(b"", &[0, 3, 0, 0, b'x', 0]);
        assert_eq!(frames.next(&start[..7]), None);
        assert_eq!(frames.next(&start), Some((start.len(), None)));
        assert_eq!(frames.next(&message(b"p", b"secret\0")), Some((12, None)));
        let batch =
            [message(b"P", b"\0SELECT  1\0\0\0"), message(b"B", b"\0\0"), message(b"S", b"")].concat();
        assert_eq!(frames.next(&batch), Some((batch.len(), Some("parse SELECT 1".to_owned()))));
        assert_eq!(frames.next(&batch[..batch.len() - 1]), None);
        assert_eq!(frames.next(&message(b"S", b"")), Some((5, None)));
        let simple = message(b"Q", b"BEGIN\0");
        assert_eq!(frames.next(&simple).unwrap().1.unwrap(), "query BEGIN");
    }
}
