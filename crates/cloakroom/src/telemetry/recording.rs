use cloakroom_core::{Commit, Edit, Error, Intent, Load, Loaded, Opened, Outcome, Touch};
use metrics::counter;

pub(super) fn loaded(load: &Load, answer: &Result<Loaded, Error>) {
    let result = match answer {
        Ok(Loaded::Open(_)) => "open",
        Ok(Loaded::Absent) => "absent",
        Ok(Loaded::Superseded) => "superseded",
        Err(_) => "error",
    };
    match load.touch {
        Touch::Never => counter!("cloakroom_fetches_total", "result" => result).increment(1),
        Touch::AtMostEvery(_) => counter!("cloakroom_loads_total", "result" => result).increment(1),
    }
    let Ok(Loaded::Open(opened)) = answer else { return };
    let carried = opened.attributes.iter().map(|it| it.name.as_str().len() + it.value.len()).sum::<usize>();
    counter!("cloakroom_read_bytes_total").increment(carried as u64);
    counter!("cloakroom_whole_read_bytes_total").increment(opened.meta.bytes);
    if is_recorded(load.touch, opened) {
        counter!("cloakroom_touches_total").increment(1);
    }
}

/// Returns whether a load has recorded an access: the throttle of `Record::access`.
fn is_recorded(touch: Touch, opened: &Opened) -> bool {
    let Touch::AtMostEvery(every) = touch else { return false };
    let throttle = every.min(opened.meta.max_inactive_interval / 10);
    opened.now > opened.meta.accessed_at && opened.now.since(opened.meta.accessed_at) >= throttle
}

pub(super) fn committed(commit: &Commit, answer: &Result<Outcome, Error>, loaded: u64) {
    let result = match answer {
        Ok(Outcome::Committed(_)) => "committed",
        Ok(Outcome::Gone(_)) => "gone",
        Ok(Outcome::Conflict(_)) => "conflict",
        Ok(Outcome::OverLimit(_)) => "over_limit",
        Ok(Outcome::Taken) => "taken",
        Err(_) => "error",
    };
    let intent = match commit.intent {
        Intent::Create(_) => "create",
        Intent::Change => "change",
    };
    counter!("cloakroom_commits_total", "intent" => intent, "result" => result).increment(1);
    if result == "committed" {
        let carried = carried(commit);
        counter!("cloakroom_written_bytes_total").increment(carried);
        counter!("cloakroom_whole_written_bytes_total").increment(loaded.max(carried));
    }
}

pub(super) fn foreseen(counts: [u32; 3], bytes_in_vain: impl FnOnce() -> usize) {
    for (result, count) in ["used", "in_vain", "missed"].into_iter().zip(counts) {
        if count > 0 {
            counter!("cloakroom_foreseen_total", "result" => result).increment(count.into());
        }
    }
    if counts[1] > 0 {
        counter!("cloakroom_foreseen_in_vain_bytes_total").increment(bytes_in_vain() as u64);
    }
}

pub(super) fn held_back(before: Option<usize>, after: Option<usize>) {
    let sessions = f64::from(u8::from(after.is_some())) - f64::from(u8::from(before.is_some()));
    if sessions != 0.0 {
        metrics::gauge!("cloakroom_held_back_sessions").increment(sessions);
    }
    let bytes = after.unwrap_or_default() as f64 - before.unwrap_or_default() as f64;
    metrics::gauge!("cloakroom_held_back_bytes").increment(bytes);
}

fn carried(commit: &Commit) -> u64 {
    let bytes = commit.changes.attributes.iter().map(|change| match &change.edit {
        Edit::Set { value, .. } => change.name.as_str().len() + value.len(),
        Edit::Remove => change.name.as_str().len(),
    });
    bytes.sum::<usize>() as u64
}
