use super::*;

fn fields(bytes: &'static [u8]) -> Fields {
    Fields::new(Bytes::from_static(bytes))
}

#[test]
fn an_attribute_may_have_a_deadline() {
    let answer =
        b"\x00\x01a\0\0\0\0\0\0\0\x07\0\0\0\x02hi\x10\x01b\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\x09\0\0\0\0";
    let attributes = fields(answer).attributes(&[Name::from_static("a")]).unwrap();
    assert_eq!(attributes.len(), 2);
    assert_eq!((attributes[0].name.as_str(), &attributes[0].value[..]), ("a", &b"hi"[..]));
    assert_eq!((attributes[0].revision, attributes[0].lapses_at), (Version(7), None));
    assert_eq!(
        (attributes[1].revision, attributes[1].lapses_at),
        (Version(8), Some(Timestamp::from_millis(9)))
    );
}

#[test]
fn names_are_lines() {
    assert_eq!(fields(b"\0\0\0\0").names().unwrap(), []);
    assert_eq!(fields(b"\0\0\0\x03a\nb").names().unwrap(), [Name::from_static("a"), Name::from_static("b")]);
}

#[test]
fn what_is_cut_off_or_negative_is_damaged() {
    assert!(fields(b"\0\x05a").text("label").is_err());
    assert!(fields(b"\0\0\0").number("bytes").is_err());
    assert!(fields(&[0xff; 8]).number("bytes").is_err());
    assert!(fields(b"\0\x01\xff").text("label").is_err(), "no UTF-8");
    assert!(fields(b"\0\x01a\0\0\0\0\0\0\0\x07\0\0\0\x02h").attributes(&[]).is_err());
}
