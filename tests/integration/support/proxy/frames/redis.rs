use super::short;

/// Commands that concern the connection, the server or its topology, not what it stores.
const NOT_OF_THE_STORE: [&str; 20] = [
    "ASKING",
    "AUTH",
    "CLIENT",
    "CLUSTER",
    "COMMAND",
    "CONFIG",
    "ECHO",
    "HELLO",
    "INFO",
    "PING",
    "PSUBSCRIBE",
    "QUIT",
    "READONLY",
    "READWRITE",
    "ROLE",
    "SCRIPT",
    "SELECT",
    "SENTINEL",
    "SUBSCRIBE",
    "WAIT",
];

/// Returns the length of the first command, and what it asks of the store.
pub(super) fn next(buffer: &[u8]) -> Option<(usize, Option<String>)> {
    let (count, mut end) = number(buffer, 0, b'*')?;
    let mut words: Vec<&[u8]> = Vec::new();
    for _ in 0..count {
        let (length, start) = number(buffer, end, b'$')?;
        words.push(buffer.get(start..start + length)?);
        end = start + length + 2;
    }
    (buffer.len() >= end).then(|| (end, name(&words)))
}

/// Returns a number that stands on a line of its own behind a sign, and where the next line begins.
fn number(buffer: &[u8], from: usize, sign: u8) -> Option<(usize, usize)> {
    let line = buffer.get(from..)?;
    let end = line.windows(2).position(|pair| pair == b"\r\n")?;
    assert_eq!(line[0], sign, "not a command: {:?}", String::from_utf8_lossy(line));
    let text = std::str::from_utf8(&line[1..end]).unwrap();
    Some((text.parse().unwrap(), from + end + 2))
}

fn name(words: &[&[u8]]) -> Option<String> {
    let name = String::from_utf8_lossy(words.first()?).to_uppercase();
    if NOT_OF_THE_STORE.contains(&name.as_str()) {
        return None;
    }
    // A script's own name, not its text.
    let detail =
        words.get(1).filter(|_| matches!(name.as_str(), "EVALSHA" | "FCALL" | "FCALL_RO" | "EVALSHA_RO"));
    Some(detail.map_or(name.clone(), |detail| format!("{name} {}", short(detail))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_ends_where_its_last_word_does() {
        let two = b"*2\r\n$3\r\nget\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n";
        assert_eq!(next(two), Some((20, Some("GET".to_owned()))));
        assert_eq!(next(&two[20..]), Some((14, None)));
        for length in 0..20 {
            assert_eq!(next(&two[..length]), None);
        }
    }

    #[test]
    fn a_script_is_told_by_its_name() {
        let call = b"*3\r\n$7\r\nEVALSHA\r\n$2\r\nab\r\n$1\r\n0\r\n";
        assert_eq!(next(call).unwrap().1.unwrap(), "EVALSHA ab");
    }
}
