use std::fmt::Write as _;

use benches::protocol::Workload;

use super::markdown::thousands;
use super::tables::subjects;
use crate::case::{Case, Kind, Size};
use crate::figures::Run;

/// What is plotted, one below the other.
const PANELS: [(Workload, Size); 4] = [
    (Workload::ReadOne, Size::KB_3),
    (Workload::ChangeOne, Size::KB_3),
    (Workload::ReadOne, Size::KB_200),
    (Workload::ChangeOne, Size::KB_200),
];
const WIDTH: f64 = 760.0;
const NAMES: f64 = 220.0;
const LINE: f64 = 20.0;
/// Room for the figure after a bar.
const FIGURE: f64 = 60.0;

/// How plots begin: legible on a light and on a dark page.
pub(crate) const STYLE: &str = "<style>text{font:13px sans-serif;fill:#222}.head{font-weight:bold}rect,circle{fill:#8aa5c2}\
    .ours{fill:#c2571a}.floor{fill:#4d4d4d}line,polyline{stroke:#999;fill:none}\
    @media(prefers-color-scheme:dark){text{fill:#ddd}.floor{fill:#bbb}}</style>\n";

pub(super) fn name(kind: Kind) -> String {
    format!("{}.svg", kind.name())
}

pub(super) fn link(kind: Kind) -> String {
    format!("benchmarks/{}", name(kind))
}

/// Draws the instructions of some requests as bars.
pub(super) fn plot(run: &Run, kind: Kind) -> String {
    let mut body = String::new();
    let mut y = 0.0;
    for (workload, size) in PANELS {
        let bars = bars(run, kind, workload, size);
        if !bars.is_empty() {
            panel(
                &mut body,
                &mut y,
                &format!("{workload}, {}: thousands of instructions", size.name()),
                &bars,
            );
        }
    }
    format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\">\n{STYLE}{body}</svg>\n")
}

/// Returns names and figures, the least first.
fn bars(run: &Run, kind: Kind, workload: Workload, size: Size) -> Vec<(String, f64)> {
    let figure = |subject: String| {
        let figures = run.of(&Case::new(kind, &subject, workload, size))?;
        Some((subject, figures.instructions?))
    };
    let mut bars: Vec<_> = subjects(run, kind).into_iter().filter_map(figure).collect();
    bars.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    bars
}

fn panel(body: &mut String, y: &mut f64, title: &str, bars: &[(String, f64)]) {
    let most = bars.iter().map(|(_, figure)| *figure).fold(1.0, f64::max);
    *y += 1.4 * LINE;
    // Writing to a text does not fail.
    let _ = writeln!(body, "<text class=\"head\" x=\"0\" y=\"{y:.1}\">{title}</text>");
    for (subject, figure) in bars {
        let class = match subject.as_str() {
            "cloakroom" => "ours",
            "floor" => "floor",
            _ => "other",
        };
        let width = (WIDTH - NAMES - FIGURE) * figure / most;
        let (top, base, end) = (*y + 6.0, *y + 18.0, NAMES + width + 6.0);
        let _ = writeln!(
            body,
            "<text x=\"0\" y=\"{base:.1}\">{subject}</text><rect class=\"{class}\" x=\"{NAMES}\" y=\"{top:.1}\" \
             width=\"{width:.1}\" height=\"14\"/><text x=\"{end:.1}\" y=\"{base:.1}\">{}</text>",
            thousands(*figure)
        );
        *y += LINE;
    }
    *y += LINE / 2.0;
}
