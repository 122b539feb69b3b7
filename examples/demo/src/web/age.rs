use std::time::{Duration, SystemTime};

/// Tells how long ago a moment was, for people.
pub(crate) fn ago(moment: SystemTime) -> String {
    spoken(moment.elapsed().unwrap_or_default())
}

fn spoken(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    let (count, unit) = match minutes {
        0 => return "just now".to_owned(),
        1..60 => (minutes, "minute"),
        60..1_440 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spoken_in_the_largest_unit() {
        let of = |seconds| spoken(Duration::from_secs(seconds));
        assert_eq!(of(59), "just now");
        assert_eq!(of(60), "1 minute ago");
        assert_eq!(of(3 * 3_600), "3 hours ago");
        assert_eq!(of(25 * 3_600), "1 day ago");
    }
}
