use super::markdown::{Table, thousands};
use crate::case::Case;
use crate::figures::{Figures, Run};

/// Lists where another subject needs less, or answers more, than Cloakroom does.
pub(super) fn lists(run: &Run) -> String {
    let instructions =
        list(run, "Instructions, in thousands", |figures| figures.instructions, |it, ours| it < ours);
    let rate = |figures: &Figures| Some(figures.spread(|round| Some(round.requests_per_second))?.median);
    let rates = list(run, "Requests per second, in thousands", rate, |it, ours| it > ours);
    [instructions, rates].join("\n")
}

fn list(
    run: &Run,
    what: &str,
    figure: impl Fn(&Figures) -> Option<f64>,
    is_better: impl Fn(f64, f64) -> bool,
) -> String {
    let mut table = Table::new(["case", "theirs", "Cloakroom's", "may be the best peer"]);
    for measured in run.measured.iter().filter(|measured| is_other(&measured.case)) {
        let case = &measured.case;
        let ours = Case { subject: "cloakroom".to_owned(), ..case.clone() };
        let both = figure(&measured.figures).zip(run.of(&ours).and_then(&figure));
        if let Some((theirs, ours)) = both.filter(|(theirs, ours)| is_better(*theirs, *ours)) {
            let compared = if is_comparable(run, case) { "yes" } else { "no" };
            table
                .line([&case.to_string(), &thousands(theirs), &thousands(ours), compared].map(AsRef::as_ref));
        }
    }
    let found = if table.is_empty() { "Nowhere.\n".to_owned() } else { table.to_string() };
    format!("**{what}**\n\n{found}")
}

fn is_other(case: &Case) -> bool {
    case.has_sessions() && case.subject != "cloakroom"
}

fn is_comparable(run: &Run, case: &Case) -> bool {
    let mut listed = run.subjects.iter();
    listed.any(|it| it.subject == case.subject && it.store == case.store.name() && it.comparable)
}
