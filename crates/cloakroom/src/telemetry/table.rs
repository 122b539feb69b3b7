use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

use Kind::{Counter, Gauge, Histogram};

/// The names, and what each is. `docs/metrics.md` says the same to those who read no code.
const TABLE: [(&str, Kind, Unit, &str); 35] = [
    ("cloakroom_loads_total", Counter, Unit::Count, "Loads of a session by a ticket, by result."),
    ("cloakroom_fetches_total", Counter, Unit::Count, "Later reads of a session that was open, by result."),
    ("cloakroom_touches_total", Counter, Unit::Count, "Accesses that a load has recorded."),
    (
        "cloakroom_read_bytes_total",
        Counter,
        Unit::Bytes,
        "Names and values of attributes that loads and fetches carried.",
    ),
    (
        "cloakroom_whole_read_bytes_total",
        Counter,
        Unit::Bytes,
        "What they would have carried of whole sessions.",
    ),
    (
        "cloakroom_foreseen_total",
        Counter,
        Unit::Count,
        "Attributes that were foreseen, or should have been, by result.",
    ),
    (
        "cloakroom_foreseen_in_vain_bytes_total",
        Counter,
        Unit::Bytes,
        "Names and values of attributes that were foreseen in vain.",
    ),
    ("cloakroom_foreseen_routes", Gauge, Unit::Count, "Routes that the layers remember the reads of."),
    ("cloakroom_near_cache_loads_total", Counter, Unit::Count, "Loads that asked a near cache, by result."),
    (
        "cloakroom_near_cache_dropped_total",
        Counter,
        Unit::Count,
        "Sessions that a near cache has dropped, by reason.",
    ),
    ("cloakroom_near_cache_bytes", Gauge, Unit::Bytes, "What the near caches hold."),
    (
        "cloakroom_near_cache_staleness_seconds",
        Gauge,
        Unit::Seconds,
        "How long a near cache was without proof that it has been told everything.",
    ),
    ("cloakroom_commits_total", Counter, Unit::Count, "Commits, by intent and result."),
    (
        "cloakroom_written_bytes_total",
        Counter,
        Unit::Bytes,
        "Names and values of attributes that commits carried.",
    ),
    (
        "cloakroom_whole_written_bytes_total",
        Counter,
        Unit::Bytes,
        "What they would have carried of whole sessions.",
    ),
    ("cloakroom_lost_changes_total", Counter, Unit::Count, "Requests whose changes were lost, by reason."),
    ("cloakroom_rejected_tickets_total", Counter, Unit::Count, "Tickets that opened nothing, by reason."),
    ("cloakroom_undecodable_values_total", Counter, Unit::Count, "Stored values that could not be decoded."),
    (
        "cloakroom_anonymous_requests_total",
        Counter,
        Unit::Count,
        "Requests that ran without their session because the store failed.",
    ),
    (
        "cloakroom_lifecycle_total",
        Counter,
        Unit::Count,
        "Sessions created and rotated, and sign-ins, by event.",
    ),
    ("cloakroom_invalidated_total", Counter, Unit::Count, "Sessions that were ended, by who asked for it."),
    ("cloakroom_expired_total", Counter, Unit::Count, "Expired sessions that a sweeper removed."),
    ("cloakroom_sweeps_total", Counter, Unit::Count, "Turns of the sweeper, by result."),
    (
        "cloakroom_sweep_lag_seconds",
        Gauge,
        Unit::Seconds,
        "The longest that an expired session may have waited.",
    ),
    (
        "cloakroom_unheard_events_total",
        Counter,
        Unit::Count,
        "Events that a listener did not take, by reason.",
    ),
    ("cloakroom_passivated_total", Counter, Unit::Count, "Sessions that went from memory to disk."),
    ("cloakroom_activated_total", Counter, Unit::Count, "Sessions that came back from disk."),
    (
        "cloakroom_depot_failures_total",
        Counter,
        Unit::Count,
        "Failures of the disk that sessions are passivated to, by operation.",
    ),
    (
        "cloakroom_memory_bytes",
        Gauge,
        Unit::Bytes,
        "What the sessions of a store with a depot take in memory.",
    ),
    ("cloakroom_passivated_sessions", Gauge, Unit::Count, "Sessions that are on disk."),
    ("cloakroom_held_back_sessions", Gauge, Unit::Count, "Sessions with commits that are held back."),
    ("cloakroom_held_back_bytes", Gauge, Unit::Bytes, "What is held back of them."),
    (
        "cloakroom_held_back_oldest_seconds",
        Gauge,
        Unit::Seconds,
        "The age of the oldest commit that is held back.",
    ),
    (
        "cloakroom_held_back_lost_total",
        Counter,
        Unit::Count,
        "Commits that were held back and are lost, by reason.",
    ),
    ("cloakroom_store_seconds", Histogram, Unit::Seconds, "How long an operation on the store took."),
];

/// Describes the metrics to the recorder, for `# HELP` lines and the like. Call it once, after the recorder was installed.
pub fn describe_metrics() {
    for (name, kind, unit, help) in TABLE {
        match kind {
            Counter => describe_counter!(name, unit, help),
            Gauge => describe_gauge!(name, unit, help),
            Histogram => describe_histogram!(name, unit, help),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = concat!(include_str!("mod.rs"), include_str!("recording.rs"));
    const PAGE: &str = include_str!("../../../../docs/metrics.md");

    #[test]
    fn the_table_the_page_and_the_code_name_the_same_metrics() {
        for (name, ..) in TABLE {
            assert!(CODE.contains(&format!("\"{name}\"")), "{name} is not recorded");
            assert!(PAGE.contains(&format!("| `{name}`")), "{name} is not on the page");
        }
        assert_eq!(CODE.matches("\"cloakroom_").count(), TABLE.len());
        assert_eq!(PAGE.matches("| `cloakroom_").count(), TABLE.len());
    }
}
