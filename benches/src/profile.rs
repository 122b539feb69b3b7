use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use crate::backend::Backend;
use crate::callgrind;
use crate::case::Case;
use crate::program::Programs;
use crate::tally::Costs;
use benches::Result;

const REQUESTS: u64 = 1_500;

/// Prints the functions that one request spends its instructions in, the most expensive by `order` first.
pub(crate) async fn run(case: &Case, order: fn(&Costs) -> u64) -> Result<ExitCode> {
    callgrind::check()?;
    // A peer's programs are built only where one is asked for.
    let ours = Programs::find(false)?;
    let programs = if ours.of(case).is_ok() { ours } else { Programs::find(true)? };
    let counted = callgrind::count(case, &programs, &mut Backend::start(case.store)?, REQUESTS).await?;
    let per_request = |count: u64| count as f64 / REQUESTS as f64;
    let mut functions: Vec<_> = counted.tally.functions.iter().collect();
    functions.sort_by_key(|(_, costs)| std::cmp::Reverse(order(costs)));
    let mut table = format!(
        "{case}: {:.0} instructions per request\n     own  inclusive    calls  function\n",
        counted.instructions()
    );
    for (function, costs) in functions.into_iter().filter(|(_, costs)| costs.inclusive >= REQUESTS) {
        let [own, inclusive, calls] = [costs.own, costs.inclusive, costs.calls].map(per_request);
        writeln!(table, "{own:8.0}  {inclusive:9.0}  {calls:7.2}  {function}")?;
    }
    std::io::stdout().write_all(table.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
