use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Label, Load, Loaded, Meta, Name, Opened, Principal, Seed, Select, Standing, Touch, Wanted,
};

use super::answer::Fields;
use super::argument::Argument;
use super::damaged::Damaged;

const ALL_VALUES: i32 = 1;
const NAMES: i32 = 2;

const ENDS_AT: u16 = 16;
const SIGNED_IN_AT: u16 = 32;
const SEED: u16 = 64;
const PRINCIPAL: u16 = 128;
const LABEL: u16 = 256;
const LISTED: u16 = 512;

/// Returns what the function is called with.
pub(super) fn arguments(load: &Load) -> [Argument<'_>; 5] {
    let throttle = match load.touch {
        Touch::Never => None,
        Touch::AtMostEvery(every) => Some(rounded_up(every)),
    };
    [
        Argument::Handle(Some(load.guard.handle)),
        Argument::Bytes(load.guard.proof.as_bytes()),
        Argument::Number(throttle),
        wanted(&load.select.values),
        flags(&load.select),
    ]
}

/// Returns whose values are wanted, other than everybody's.
pub(super) fn wanted(values: &Wanted) -> Argument<'_> {
    Argument::Names(match values {
        Wanted::Named(names) if !names.is_empty() => Some(distinct(names)),
        Wanted::Named(_) | Wanted::Nothing | Wanted::Everything => None,
    })
}

fn distinct(names: &[Name]) -> Vec<&str> {
    let mut distinct: Vec<_> = names.iter().map(Name::as_str).collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

pub(super) fn flags(select: &Select) -> Argument<'_> {
    let all_values = if matches!(select.values, Wanted::Everything) { ALL_VALUES } else { 0 };
    Argument::Flags(all_values | if select.names { NAMES } else { 0 })
}

/// An access is throttled while less than this has passed, which is seen in whole milliseconds.
fn rounded_up(every: Duration) -> i64 {
    i64::try_from(every.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

/// Returns the names that were asked for.
pub(super) fn known(values: &Wanted) -> &[Name] {
    match values {
        Wanted::Named(names) => names,
        Wanted::Nothing | Wanted::Everything => &[],
    }
}

/// Reads the function's answer.
pub(super) fn loaded(answer: Bytes, load: &Load) -> Result<Loaded, Damaged> {
    let mut fields = Fields::new(answer);
    let flags = fields.small("flags")?;
    match flags & 15 {
        0 => return Ok(Loaded::Absent),
        3 => return Ok(Loaded::Superseded),
        _ => {}
    }
    let now = fields.time("now")?;
    let mut meta = meta(&mut fields)?;
    meta.ends_at = when(flags & ENDS_AT, || fields.time("ends_at"))?;
    meta.signed_in_at = when(flags & SIGNED_IN_AT, || fields.time("signed_in_at"))?;
    let seed = when(flags & SEED, || fields.array("seed").map(Seed::from_bytes))?;
    meta.principal = when(flags & PRINCIPAL, || principal(fields.text("principal")?))?;
    meta.label = when(flags & LABEL, || label(fields.text("label")?))?;
    let names = when(flags & LISTED, || fields.names())?;
    let attributes = fields.attributes(known(&load.select.values))?;
    let standing = if flags & 15 == 1 { Standing::Current } else { Standing::Previous(seed) };
    Ok(Loaded::Open(Box::new(Opened { standing, now, meta, attributes, names })))
}

/// Reads what every session has.
fn meta(fields: &mut Fields) -> Result<Meta, Damaged> {
    Ok(Meta {
        version: fields.version("version")?,
        ticket_issued_at: fields.time("ticket_issued_at")?,
        created_at: fields.time("created_at")?,
        accessed_at: fields.time("accessed_at")?,
        max_inactive_interval: fields.interval("max_inactive")?,
        bytes: fields.number("bytes")?,
        attributes: u32::from_be_bytes(fields.array("attributes")?),
        ends_at: None,
        signed_in_at: None,
        principal: None,
        label: None,
    })
}

fn when<T>(flag: u16, read: impl FnOnce() -> Result<T, Damaged>) -> Result<Option<T>, Damaged> {
    (flag != 0).then(read).transpose()
}

pub(super) fn principal(text: &str) -> Result<Principal, Damaged> {
    Principal::new(text.to_owned()).map_err(|_| Damaged("principal"))
}

pub(super) fn label(text: &str) -> Result<Label, Damaged> {
    Label::new(text.to_owned()).map_err(|_| Damaged("label"))
}
