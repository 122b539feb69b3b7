//! Writes the page of the docs from a run's figures.

pub(crate) mod bars;
mod behind;
mod growth;
pub(crate) mod markdown;
mod tables;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use benches::Result;
use benches::listed::Listed;

use self::markdown::Table;
use crate::case::Kind;
use crate::figures::Run;
use crate::goals::{Verdict, verdicts};
use crate::program::results;
use crate::report::outcome;

/// Writes the page and its plots from the last run, or from the figures of files: of one run for each store, say.
pub(crate) fn write(from: &[&str]) -> Result<ExitCode> {
    let run = match from {
        [] => Run::read(&results()?.join("stores.json"))?,
        [first, others @ ..] => {
            let mut run = Run::read(first.as_ref())?;
            for other in others {
                run.join(Run::read(other.as_ref())?)?;
            }
            run
        }
    };
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let plots = docs.join("benchmarks");
    std::fs::create_dir_all(&plots)?;
    run.write(&plots.join("run.json"))?;
    for (name, plot) in plots_of(&run) {
        std::fs::write(plots.join(name), plot)?;
    }
    let page: PathBuf = docs.join("benchmarks.md");
    std::fs::write(&page, text(&run))?;
    println!("written to {}", page.display());
    Ok(ExitCode::SUCCESS)
}

fn plots_of(run: &Run) -> Vec<(String, String)> {
    let mut plots: Vec<_> = measured_on(run).map(|kind| (bars::name(kind), bars::plot(run, kind))).collect();
    plots.push((growth::PLOT.to_owned(), growth::plot(run)));
    plots
}

fn text(run: &Run) -> String {
    let parts = [
        ("{{machine}}", run.machine.to_string()),
        ("{{subjects}}", subjects(run)),
        ("{{goals}}", goals(&verdicts(run))),
        ("{{stores}}", measured_on(run).map(|kind| tables::of(run, kind)).collect()),
        ("{{behind}}", behind::lists(run)),
        ("{{growth}}", growth::section(run)),
    ];
    let template = include_str!("template.md").to_owned();
    parts.into_iter().fold(template, |text, (place, part)| text.replace(place, part.trim_end()))
}

/// Returns the stores that something was measured on.
fn measured_on(run: &Run) -> impl Iterator<Item = Kind> {
    let is_measured = |kind: &Kind| run.measured.iter().any(|measured| measured.case.store == *kind);
    Kind::ALL.into_iter().filter(is_measured)
}

fn subjects(run: &Run) -> String {
    let mut table = Table::new(["", "what", "store", "may be the best peer", "note"]);
    let was_measured = |listed: &&Listed| {
        run.measured
            .iter()
            .any(|it| it.case.subject == listed.subject && it.case.store.name() == listed.store)
    };
    for listed in run.subjects.iter().filter(was_measured) {
        let is_ours = matches!(listed.subject.as_str(), "bare" | "nothing" | "floor" | "cloakroom");
        let compared = match (is_ours, listed.comparable) {
            (true, _) => "",
            (false, true) => "yes",
            (false, false) => "no",
        };
        let name = format!("`{}`", listed.subject);
        table.line([&name, &listed.version, &listed.store, compared, &listed.note]);
    }
    table.to_string()
}

fn goals(verdicts: &[Verdict]) -> String {
    let missed = verdicts.iter().filter(|verdict| !verdict.is_met()).count();
    let mut table = Table::new(["case", "figure", "against", "ratio", "goal", ""]);
    for verdict in verdicts {
        let Verdict { case, against, figure, ratio, limit } = verdict;
        let said = if verdict.is_met() { outcome(verdict) } else { format!("**{}**", outcome(verdict)) };
        let cells = [
            case.to_string(),
            figure.to_string(),
            against.clone(),
            format!("{ratio:.2}"),
            limit.to_string(),
            said,
        ];
        table.line(cells.each_ref().map(String::as_str));
    }
    format!("{} goals, of which {missed} are missed.\n\n{table}", verdicts.len())
}
