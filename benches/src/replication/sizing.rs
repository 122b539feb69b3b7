//! What a hundred servers with a million sessions would need, by arithmetic from what was measured.

use super::NODES;
use super::figures::{Round, Run};
use super::way::Way;
use crate::case::Size;
use crate::page::markdown::Table;

const SERVERS: f64 = 100.0;
const SESSIONS: f64 = 1e6;
/// Of each server; two in ten change an attribute.
const REQUESTS_PER_SECOND: f64 = 1_000.0;
/// What the measured sessions hold.
const MEASURED: Size = Size::KB_3;

/// Writes the table.
pub(super) fn sizing(run: &Run) -> String {
    let mut table = Table::new([
        "sessions of",
        "",
        "memory of each server",
        "memory of the store",
        "network of each server, at 1,000 requests/s",
        "network of the store",
    ]);
    for size in Size::USUAL {
        for way in Way::ALL {
            let Some(needs) = needs(run, way, size) else { continue };
            table.line([
                format!("{} KB", size.attributes * size.bytes / 1_000).as_str(),
                way.title(),
                &bytes(needs.server),
                &bytes(needs.store),
                &format!("{}/s", bytes(needs.network)),
                &format!("{}/s", bytes(needs.network * SERVERS)),
            ]);
        }
    }
    table.to_string()
}

struct Needs {
    server: f64,
    store: f64,
    network: f64,
}

fn needs(run: &Run, way: Way, size: Size) -> Option<Needs> {
    let most = *NODES.last()?;
    let median = |way, nodes, figure| run.median(way, nodes, figure);
    let content = (size.attributes * size.bytes) as f64;
    let measured = (MEASURED.attributes * MEASURED.bytes) as f64;
    // A node that holds nothing grows too, by its connections and buffers.
    let held = |way, nodes, share: f64| {
        let of = |way| median(way, nodes, |round: &Round| round.node_bytes_per_session);
        Some((of(way)? - of(Way::Shared)?) / share)
    };
    let server = match way {
        Way::Shared | Way::TimedWrites => 0.0,
        Way::NearCache => {
            let each = held(way, most, 1.0 / most as f64)?.max(measured);
            (each - measured + content) * SESSIONS / SERVERS
        }
        Way::Mirrored => (held(way, most, 1.0)?.max(measured) - measured + content) * SESSIONS,
    };
    let each_stored = median(way, most, |round| round.store_bytes_per_session)?.max(measured);
    let store = (each_stored - measured + content) * SESSIONS;
    let network = per_request(run, way)? * REQUESTS_PER_SECOND;
    Some(Needs { server, store, network })
}

/// Returns the bytes of one request on so many servers: what grows with the nodes goes on growing.
fn per_request(run: &Run, way: Way) -> Option<f64> {
    let (few, many) = (*NODES.first()?, *NODES.last()?);
    let of = |nodes| run.median(way, nodes, |round| round.bytes);
    let growth = (of(many)? - of(few)?) / (many - few) as f64;
    let is_mirrored = way == Way::Mirrored;
    Some(of(many)? + if is_mirrored { growth * (SERVERS - many as f64) } else { 0.0 })
}

fn bytes(number: f64) -> String {
    let (unit, name) = match number {
        0.0..1e3 => (1.0, "B"),
        1e3..1e6 => (1e3, "KB"),
        1e6..1e9 => (1e6, "MB"),
        1e9..1e12 => (1e9, "GB"),
        _ => (1e12, "TB"),
    };
    let shown = number / unit;
    if shown < 10.0 && shown > 0.0 { format!("{shown:.1} {name}") } else { format!("{shown:.0} {name}") }
}
