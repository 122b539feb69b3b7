use std::fmt::Write as _;

use benches::protocol::Workload;

use super::bars::STYLE;
use super::markdown::{Table, thousands};
use crate::case::{Case, Kind, Size};
use crate::figures::Run;

pub(super) const PLOT: &str = "growth.svg";
const WORKLOADS: [Workload; 2] = [Workload::ReadOne, Workload::ChangeOne];
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 320.0;
/// Room for the numbers at the left, and for the names at the right.
const LEFT: f64 = 50.0;
const RIGHT: f64 = 180.0;
const BOTTOM: f64 = 40.0;
/// From 1 KB to 1 MB, in powers of ten.
const POWERS: f64 = 3.2;

/// Writes a table and a plot.
pub(super) fn section(run: &Run) -> String {
    let sizes = sizes(run);
    let names: Vec<String> =
        sizes.iter().map(|size| format!("{} × {}", size.attributes, size.bytes)).collect();
    let mut table = Table::new(["store", "workload"].into_iter().chain(names.iter().map(String::as_str)));
    for (kind, workload) in lines() {
        let figure = |size: &Size| run.of(&case(kind, workload, *size))?.instructions;
        let cells: Vec<_> =
            sizes.iter().map(|size| figure(size).map(thousands).unwrap_or_default()).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            table.line([kind.name(), workload.name()].into_iter().chain(cells.iter().map(String::as_str)));
        }
    }
    format!(
        "![Instructions by the size of the session](benchmarks/{PLOT})\n\nThousands; attributes × bytes of each.\n\n{table}"
    )
}

/// Draws a line for each store and workload.
pub(super) fn plot(run: &Run) -> String {
    let all = lines().filter_map(|(kind, workload)| {
        let points = points(run, kind, workload);
        (points.len() > 1).then(|| (format!("{}, {workload}", kind.name()), points))
    });
    let all: Vec<_> = all.collect();
    let most = all.iter().flat_map(|(_, points)| points).map(|(_, figure)| *figure).fold(1.0, f64::max);
    let mut body = axes(most);
    let mut ends = Vec::new();
    for (name, points) in &all {
        line(&mut body, points, most);
        ends.extend(points.last().map(|(_, figure)| (height(*figure, most), name)));
    }
    names(&mut body, ends);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\">\n{STYLE}{body}</svg>\n"
    )
}

fn lines() -> impl Iterator<Item = (Kind, Workload)> {
    Kind::ALL.into_iter().flat_map(|kind| WORKLOADS.map(|workload| (kind, workload)))
}

fn case(kind: Kind, workload: Workload, size: Size) -> Case {
    Case::new(kind, "cloakroom", workload, size)
}

/// Returns the sizes that growth was looked at with, smallest first.
fn sizes(run: &Run) -> Vec<Size> {
    let measured = |size: &Size| run.measured.iter().any(|it| it.case.size == *size);
    let mut sizes: Vec<_> = Size::USUAL.into_iter().chain(Size::GROWN).filter(measured).collect();
    sizes.sort_by_key(|size| size.attributes * size.bytes);
    sizes
}

fn points(run: &Run, kind: Kind, workload: Workload) -> Vec<(f64, f64)> {
    let figure = |size: Size| {
        let instructions = run.of(&case(kind, workload, size))?.instructions?;
        Some(((size.attributes * size.bytes) as f64, instructions))
    };
    sizes(run).into_iter().filter_map(figure).collect()
}

/// Returns where a size stands, on a logarithmic scale.
fn across(bytes: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * (bytes / 1_000.0).log10() / POWERS
}

fn height(figure: f64, most: f64) -> f64 {
    (HEIGHT - BOTTOM) - (HEIGHT - BOTTOM - 30.0) * figure / most
}

fn axes(most: f64) -> String {
    let mut body = String::new();
    let base = HEIGHT - BOTTOM;
    let _ = writeln!(
        body,
        "<text class=\"head\" x=\"0\" y=\"14\">Thousands of instructions, by the session's size</text>"
    );
    let _ = writeln!(body, "<line x1=\"{LEFT}\" y1=\"{base}\" x2=\"{}\" y2=\"{base}\"/>", WIDTH - RIGHT);
    for (bytes, name) in [(1e3, "1 KB"), (1e4, "10 KB"), (1e5, "100 KB"), (1e6, "1 MB")] {
        let (x, y) = (across(bytes), base + 20.0);
        let _ = writeln!(body, "<text x=\"{:.1}\" y=\"{y:.1}\">{name}</text>", x - 15.0);
    }
    for share in [0.0, 0.5, 1.0] {
        let figure = most * share;
        let _ = writeln!(
            body,
            "<text x=\"0\" y=\"{:.1}\">{}</text>",
            height(figure, most) + 4.0,
            thousands(figure)
        );
    }
    body
}

fn line(body: &mut String, points: &[(f64, f64)], most: f64) {
    let place = |(bytes, figure): &(f64, f64)| (across(*bytes), height(*figure, most));
    let places: Vec<_> = points.iter().map(place).collect();
    let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(body, "<polyline points=\"{}\"/>", path.join(" "));
    for (x, y) in places {
        let _ = writeln!(body, "<circle class=\"ours\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
    }
}

/// Writes the names at the ends of the lines, from the top down, none over another.
fn names(body: &mut String, mut ends: Vec<(f64, &String)>) {
    ends.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let mut least = 0.0_f64;
    for (y, name) in ends {
        let y = least.max(y + 4.0);
        let _ = writeln!(body, "<text x=\"{:.1}\" y=\"{y:.1}\">{name}</text>", WIDTH - RIGHT + 12.0);
        least = y + 15.0;
    }
}
