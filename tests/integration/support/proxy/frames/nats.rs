use super::short;

/// Returns the length of all messages that came together, and what they ask of the store: a client sends several side by
/// side, and waits for the answers to all of them.
pub(super) fn next(buffer: &[u8]) -> Option<(usize, Option<String>)> {
    let (mut length, mut commands) = (0, Vec::new());
    while let Some((end, command)) = one(&buffer[length..]) {
        length += end;
        commands.extend(command);
    }
    (length > 0).then(|| (length, (!commands.is_empty()).then(|| commands.join(" + "))))
}

/// Returns the length of the first message, and its subject where it has one.
fn one(buffer: &[u8]) -> Option<(usize, Option<String>)> {
    let end = buffer.windows(2).position(|pair| pair == b"\r\n")?;
    let line = std::str::from_utf8(&buffer[..end]).unwrap();
    let mut words = line.split_whitespace();
    match words.next() {
        Some("PUB" | "HPUB") => {
            let subject = short(words.next().unwrap().as_bytes());
            let size: usize = words.next_back().unwrap().parse().unwrap();
            let whole = end + 2 + size + 2;
            (buffer.len() >= whole).then_some((whole, Some(subject)))
        }
        _ => Some((end + 2, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_come_together_are_one_frame() {
        let two = b"PUB a r 2\r\n\r\n\r\nHPUB b r 1 3\r\nabc\r\n";
        assert_eq!(next(two), Some((two.len(), Some("a + b".to_owned()))));
        assert_eq!(next(&two[..16]), Some((15, Some("a".to_owned()))));
        assert_eq!(next(&two[..14]), None);
        assert_eq!(next(b"PING\r\nPO"), Some((6, None)));
    }
}
