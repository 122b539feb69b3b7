use benches::protocol::Workload;

use super::bars;
use super::markdown::{Table, thousands};
use crate::case::{Case, Kind, Size};
use crate::figures::{Figures, Run, Spread};

type Cell = fn(&Figures) -> Option<String>;

/// Writes the section of a store.
pub(super) fn of(run: &Run, kind: Kind) -> String {
    let mut text = format!("## {}\n\n![Instructions of a request]({})\n\n", title(kind), bars::link(kind));
    let by_size: [(&str, Cell); 2] = [
        ("Instructions, in thousands", |figures| figures.instructions.map(thousands)),
        ("Requests per second, in thousands (least to most)", |figures| {
            let rate = figures.spread(|round| Some(round.requests_per_second))?;
            let Spread { least, median, most } = rate;
            Some(format!("{} ({}–{})", thousands(median), thousands(least), thousands(most)))
        }),
    ];
    for (what, cell) in by_size {
        text += &format!("**{what}**\n\n{}\n", wide(run, kind, cell));
    }
    text + "**Everything else of reading and of changing one attribute**\n\n" + &details(run, kind) + "\n"
}

fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Memory => "Memory",
        Kind::Redis => "Redis",
        Kind::Postgres => "PostgreSQL",
        Kind::Sqlite => "SQLite",
    }
}

/// A line for each workload and size, a column for each subject.
fn wide(run: &Run, kind: Kind, cell: Cell) -> String {
    let subjects = subjects(run, kind);
    let mut table = Table::new(["workload", "size"].into_iter().chain(subjects.iter().map(String::as_str)));
    let sizes = [Size::NONE].into_iter().chain(Size::USUAL);
    for (workload, size) in
        Workload::ALL.into_iter().flat_map(|one| sizes.clone().map(move |size| (one, size)))
    {
        let figures = |subject: &String| run.of(&Case::new(kind, subject, workload, size));
        let cells: Vec<_> =
            subjects.iter().map(|subject| figures(subject).and_then(cell).unwrap_or_default()).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            let head = [workload.name().to_owned(), size.name()];
            table.line(head.iter().chain(&cells).map(String::as_str));
        }
    }
    table.to_string()
}

/// A line for each case, a column for each figure.
fn details(run: &Run, kind: Kind) -> String {
    let columns: [(&str, Cell); 9] = [
        ("p50, µs", |it| Some(format!("{:.0}", it.spread(|round| Some(round.p50_micros))?.median))),
        ("p99, µs", |it| Some(format!("{:.0}", it.spread(|round| Some(round.p99_micros))?.median))),
        ("CPU, µs", |it| Some(format!("{:.1}", it.spread(|round| Some(round.cpu_micros))?.median))),
        ("the store's CPU, µs", |it| {
            Some(format!("{:.1}", it.spread(|round| round.store_cpu_micros)?.median))
        }),
        ("its instructions, thousands", |it| it.store_instructions.map(thousands)),
        ("bytes to and from the store", |it| Some(format!("{:.0}", it.bytes()?))),
        ("round trips", |it| Some(format!("{:.1}", it.round_trips?))),
        ("allocations", |it| Some(format!("{:.0}", it.allocations?))),
        ("memory, MiB", |it| {
            Some(format!("{:.0}", it.spread(|round| Some(round.resident_kib))?.median / 1_024.0))
        }),
    ];
    let head = ["workload", "size", "subject"].into_iter().chain(columns.iter().map(|(name, _)| *name));
    let mut table = Table::new(head);
    for case in cases(run, kind) {
        let figures = run.of(&case);
        let cells = columns.iter().map(|(_, cell)| figures.and_then(cell).unwrap_or_default());
        let line: Vec<_> = [case.workload.name().to_owned(), case.size.name(), case.subject.clone()]
            .into_iter()
            .chain(cells)
            .collect();
        table.line(line.iter().map(String::as_str));
    }
    table.to_string()
}

fn cases(run: &Run, kind: Kind) -> Vec<Case> {
    let mut cases = Vec::new();
    for workload in [Workload::ReadOne, Workload::ChangeOne] {
        for size in [Size::KB_3, Size::KB_200] {
            let all =
                subjects(run, kind).into_iter().map(|subject| Case::new(kind, &subject, workload, size));
            cases.extend(all.filter(|case| run.of(case).is_some()));
        }
    }
    cases
}

/// Returns the subjects of a store, ours first.
pub(super) fn subjects(run: &Run, kind: Kind) -> Vec<String> {
    let on_it = run.measured.iter().filter(|measured| measured.case.store == kind);
    let mut subjects: Vec<_> = on_it.map(|measured| measured.case.subject.clone()).collect();
    let order =
        |subject: &str| ["bare", "nothing", "floor", "cloakroom"].iter().position(|ours| *ours == subject);
    subjects.sort_by_key(|subject| (order(subject).unwrap_or(usize::MAX), subject.clone()));
    subjects.dedup();
    subjects
}
