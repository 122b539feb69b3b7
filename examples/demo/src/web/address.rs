/// Returns an address that a form sent along, if it leads to a page of this shop; otherwise the front page. An address
/// from outside must not decide where a redirect leads.
pub(crate) fn local(address: &str) -> &str {
    let is_path = address.starts_with('/') && !address.starts_with("//");
    let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path && is_plain { address } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn only_paths_of_this_shop_pass() {
        assert_eq!(local("/things/puddle"), "/things/puddle");
        for elsewhere in ["", "things", "//example.com", "https://example.com", "/\\example.com", "/\r\nx: y"]
        {
            assert_eq!(local(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
