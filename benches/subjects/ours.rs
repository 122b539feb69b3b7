use benches::listed::Listed;
use benches::protocol::Workload;

/// Returns what this program serves.
pub(crate) fn ours() -> Vec<Listed> {
    let without = ["bare", "nothing"].map(|subject| listed(subject, "memory", Some(vec![Workload::Unused])));
    let floor = ["redis", "postgres", "sqlite"].map(|store| listed("floor", store, None));
    let throttled = listed("floor-throttled", "redis", None);
    let cloakroom = ["memory", "redis", "postgres", "sqlite"].map(|store| listed("cloakroom", store, None));
    without.into_iter().chain(floor).chain([throttled]).chain(cloakroom).collect()
}

fn listed(subject: &str, store: &str, workloads: Option<Vec<Workload>>) -> Listed {
    let (version, note) = match subject {
        "bare" => ("axum 0.8", "axum without a layer"),
        "nothing" => ("axum 0.8", "axum behind a layer that does nothing"),
        "floor" => ("by hand", "by hand against the same driver"),
        "floor-throttled" => {
            ("by hand", "the floor, but an access is recorded once a minute, as Cloakroom does")
        }
        _ => (concat!("cloakroom ", env!("CARGO_PKG_VERSION")), ""),
    };
    Listed {
        subject: subject.to_owned(),
        version: version.to_owned(),
        store: store.to_owned(),
        comparable: workloads.is_none(),
        note: note.to_owned(),
        workloads,
        needs: None,
    }
}
