use cloakroom_core::{Notice, Version};

/// Reads what a script has published: see `tell_commit.lua` and its neighbours. What cannot be read, as it was told by a
/// newer version, may be about any session.
pub(super) fn decode(message: &[u8]) -> Notice {
    read(message).unwrap_or(Notice::Ended { handle: None })
}

fn read(message: &[u8]) -> Option<Notice> {
    let (kind, rest) = message.split_first()?;
    let (handle, rest) = rest.split_at_checked(36)?;
    let handle = std::str::from_utf8(handle).ok()?.parse().ok()?;
    match (kind, rest) {
        (b'C', &[a, b, c, d, e, f]) => {
            let version = Version(u64::from_be_bytes([0, 0, a, b, c, d, e, f]));
            Some(Notice::Committed { handle, version })
        }
        (b'E', []) => Some(Notice::Ended { handle: Some(handle) }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_core::Handle;

    use super::*;

    #[test]
    fn what_scripts_tell_is_read_and_anything_else_is_about_everybody() {
        let text = "550e8400-e29b-41d4-a716-44665544a1f0";
        let handle: Handle = text.parse().unwrap();
        let ended = format!("E{text}");
        assert_eq!(decode(ended.as_bytes()), Notice::Ended { handle: Some(handle) });
        let committed = [b"C", text.as_bytes(), &[0, 0, 0, 0, 1, 2]].concat();
        assert_eq!(decode(&committed), Notice::Committed { handle, version: Version(258) });
        for other in [&b"A"[..], b"", b"E", b"Cx", &committed[..40], b"N", &ended.as_bytes()[..20]] {
            assert_eq!(decode(other), Notice::Ended { handle: None });
        }
    }
}
