//! Writes docs/replication.md: the words are the template's, the figures are a run's.

use std::path::Path;
use std::process::ExitCode;

use super::figures::{Round, Run};
use super::sizing::sizing;
use super::way::Way;
use super::{NODES, plot};
use crate::page::markdown::{Table, thousands};
use crate::program::results;
use benches::Result;

/// Writes the page and its plots from the last run.
pub(crate) fn write() -> Result<ExitCode> {
    let run = Run::read(&results()?.join("replication.json"))?;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let plots = docs.join("replication");
    std::fs::create_dir_all(&plots)?;
    run.write(&plots.join("run.json"))?;
    for (name, title, figure) in PLOTS {
        std::fs::write(plots.join(format!("{name}.svg")), plot::lines(&run, title, figure))?;
    }
    let parts = [
        ("{{machine}}", run.machine.to_string()),
        ("{{measured}}", measured(&run)),
        (
            "{{plots}}",
            PLOTS.map(|(name, title, _)| format!("![{title}](replication/{name}.svg)\n")).join("\n"),
        ),
        ("{{sizing}}", sizing(&run)),
    ];
    let template = include_str!("template.md").to_owned();
    let text = parts.into_iter().fold(template, |text, (place, part)| text.replace(place, part.trim_end()));
    let page = docs.join("replication.md");
    std::fs::write(&page, text)?;
    println!("written to {}", page.display());
    Ok(ExitCode::SUCCESS)
}

type Figure = fn(&Round) -> f64;

const PLOTS: [(&str, &str, Figure); 3] = [
    ("requests", "Thousands of requests per second, by the number of nodes", |round| {
        round.requests_per_second
    }),
    (
        "bytes",
        "Thousands of bytes between nodes and store for one request, by the number of nodes",
        |round| round.bytes,
    ),
    (
        "memory",
        "Thousands of bytes by which a node has grown for each session, by the number of nodes",
        |round| round.node_bytes_per_session,
    ),
];

fn measured(run: &Run) -> String {
    let mut table = Table::new([
        "",
        "nodes",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "CPU of the nodes, µs",
        "CPU of the store, µs",
        "bytes, nodes ↔ store",
        "bytes of memory per session, each node",
        "the store",
    ]);
    for way in Way::ALL {
        for nodes in NODES {
            let figure = |figure: Figure, write: fn(f64) -> String| {
                run.median(way, nodes, figure).map(write).unwrap_or_default()
            };
            let whole = |number: f64| format!("{number:.0}");
            let cells = [
                way.title().to_owned(),
                nodes.to_string(),
                figure(|it| it.requests_per_second, |it| format!("{} k", thousands(it))),
                figure(|it| it.p50_micros, |it| format!("{:.2}", it / 1_000.0)),
                figure(|it| it.p99_micros, |it| format!("{:.2}", it / 1_000.0)),
                figure(|it| it.node_cpu_micros, whole),
                figure(|it| it.store_cpu_micros, whole),
                figure(|it| it.bytes, whole),
                figure(|it| it.node_bytes_per_session, whole),
                figure(|it| it.store_bytes_per_session, whole),
            ];
            table.line(cells.each_ref().map(String::as_str));
        }
    }
    table.to_string()
}
