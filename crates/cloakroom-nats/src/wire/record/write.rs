use cloakroom_core::{Label, Principal, Record, Replacement};

use super::{BY_SIGN_IN, ENDS_AT, LABEL, MORE, NEXT_LAPSE, PREVIOUS, PRINCIPAL, SIGNED_IN_AT};
use crate::wire::writer::{number, short_part, time};

/// Writes the record as bytes.
pub(in crate::wire) fn encode(record: &Record, out: &mut Vec<u8>) {
    out.push(flags(record));
    always(record, out);
    if let Some(previous) = &record.previous {
        out.extend_from_slice(previous.proof.as_bytes());
        time(previous.until, out);
    }
    match record.previous.as_ref().map(|previous| &previous.replaced_by) {
        Some(Replacement::Renewal(Some(seed))) => out.extend_from_slice(seed.as_bytes()),
        Some(Replacement::SignIn(Some(asked))) => out.extend_from_slice(asked.as_bytes()),
        _ => {}
    }
    for moment in [record.ends_at, record.signed_in_at, record.next_lapse].into_iter().flatten() {
        time(moment, out);
    }
    let texts = [record.principal.as_ref().map(Principal::as_str), record.label.as_ref().map(Label::as_str)];
    for words in texts.into_iter().flatten() {
        short_part(words.as_bytes(), out);
    }
    short_part(&record.recent.to_bytes(), out);
}

fn always(record: &Record, out: &mut Vec<u8>) {
    out.extend_from_slice(record.proof.as_bytes());
    number(record.version.0, out);
    for moment in [record.ticket_issued_at, record.created_at, record.accessed_at] {
        time(moment, out);
    }
    number(u64::try_from(record.max_inactive_interval.as_millis()).unwrap_or(u64::MAX), out);
    number(record.bytes, out);
    out.extend_from_slice(&record.attributes.to_be_bytes());
}

fn flags(record: &Record) -> u8 {
    let by_sign_in =
        record.previous.as_ref().is_some_and(|it| matches!(it.replaced_by, Replacement::SignIn(_)));
    [
        (record.previous.is_some(), PREVIOUS),
        (by_sign_in, BY_SIGN_IN),
        (has_more(record), MORE),
        (record.ends_at.is_some(), ENDS_AT),
        (record.signed_in_at.is_some(), SIGNED_IN_AT),
        (record.next_lapse.is_some(), NEXT_LAPSE),
        (record.principal.is_some(), PRINCIPAL),
        (record.label.is_some(), LABEL),
    ]
    .into_iter()
    .filter(|(is_set, _)| *is_set)
    .fold(0, |flags, (_, flag)| flags | flag)
}

/// Returns whether what replaced the ticket before says more: the seed of a renewal, or the ticket that a sign-in came with.
fn has_more(record: &Record) -> bool {
    let replaced_by = record.previous.as_ref().map(|it| &it.replaced_by);
    matches!(replaced_by, Some(Replacement::Renewal(Some(_)) | Replacement::SignIn(Some(_))))
}
