use super::short;

/// Returns the length of the first packet, and what it asks of the store.
pub(super) fn next(buffer: &[u8]) -> Option<(usize, Option<String>)> {
    let &[a, b, c, number] = buffer.get(..4)? else { return None };
    let end = 4 + u32::from_le_bytes([a, b, c, 0]) as usize;
    let body = buffer.get(4..end)?;
    // A command begins anew to count; what a client sends to sign in goes on with the server's numbers.
    let command = (number == 0).then(|| name(body)).flatten();
    Some((end, command))
}

fn name(body: &[u8]) -> Option<String> {
    let (kind, rest) = body.split_first()?;
    match kind {
        0x03 => Some(format!("query {}", short(rest))),
        0x16 => Some(format!("prepare {}", short(rest))),
        0x17 => Some(format!("execute {}", u32::from_le_bytes(rest.get(..4)?.try_into().ok()?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_packet_with_the_number_zero() {
        let query = b"\x07\0\0\0\x03BEGIN \x01\0\0\0\x0e";
        assert_eq!(next(query), Some((11, Some("query BEGIN".to_owned()))));
        assert_eq!(next(&query[11..]), Some((5, None)), "a ping");
        assert_eq!(next(b"\x02\0\0\x01\x03x"), Some((6, None)), "part of signing in");
        for length in 0..11 {
            assert_eq!(next(&query[..length]), None);
        }
    }
}
