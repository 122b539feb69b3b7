use std::fmt::Write as _;

use super::NODES;
use super::figures::{Round, Run};
use super::way::Way;
use crate::page::bars::STYLE;
use crate::page::markdown::thousands;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
/// Room for the numbers at the left, and for the names at the right.
const LEFT: f64 = 50.0;
const RIGHT: f64 = 230.0;
const BASE: f64 = HEIGHT - 40.0;
const TOP: f64 = 30.0;

/// Draws a line for each way, over the numbers of nodes.
pub(super) fn lines(run: &Run, title: &str, figure: fn(&Round) -> f64) -> String {
    let points = |way| NODES.map(|nodes| run.median(way, nodes, figure));
    let all: Vec<_> = Way::ALL.into_iter().map(|way| (way, points(way))).collect();
    let most = all.iter().flat_map(|(_, points)| points.iter().flatten()).copied().fold(1.0, f64::max);
    let height = |figure: f64| BASE - (BASE - TOP) * figure / most;
    let mut body = axes(title, most, height);
    let mut ends = Vec::new();
    for (way, points) in all {
        let places: Vec<(f64, f64)> = points
            .iter()
            .enumerate()
            .filter_map(|(index, figure)| Some((across(index), height((*figure)?))))
            .collect();
        let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        // Writing to a text does not fail.
        let _ = writeln!(body, "<polyline points=\"{}\"/>", path.join(" "));
        for (x, y) in &places {
            let _ = writeln!(body, "<circle class=\"ours\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
        }
        ends.extend(places.last().map(|(_, y)| (*y, way.title())));
    }
    names(&mut body, ends);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\">\n{STYLE}{body}</svg>\n"
    )
}

fn across(index: usize) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * index as f64 / (NODES.len() - 1) as f64
}

fn axes(title: &str, most: f64, height: impl Fn(f64) -> f64) -> String {
    let mut body = format!("<text class=\"head\" x=\"0\" y=\"14\">{title}</text>\n");
    let _ = writeln!(body, "<line x1=\"{LEFT}\" y1=\"{BASE}\" x2=\"{}\" y2=\"{BASE}\"/>", WIDTH - RIGHT);
    for (index, nodes) in NODES.iter().enumerate() {
        let (x, y) = (across(index) - 4.0, BASE + 20.0);
        let _ = writeln!(body, "<text x=\"{x:.1}\" y=\"{y:.1}\">{nodes}</text>");
    }
    for share in [0.0, 0.5, 1.0] {
        let (y, figure) = (height(most * share) + 4.0, thousands(most * share));
        let _ = writeln!(body, "<text x=\"0\" y=\"{y:.1}\">{figure}</text>");
    }
    body
}

/// Writes the names at the ends of the lines, from the top down, none over another.
fn names(body: &mut String, mut ends: Vec<(f64, &str)>) {
    ends.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let mut least = 0.0_f64;
    for (y, name) in ends {
        let y = least.max(y + 4.0);
        let _ = writeln!(body, "<text x=\"{:.1}\" y=\"{y:.1}\">{name}</text>", WIDTH - RIGHT + 12.0);
        least = y + 15.0;
    }
}
