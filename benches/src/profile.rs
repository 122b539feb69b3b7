use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use crate::Result;
use crate::callgrind;
use crate::case::Case;
use crate::tally::Costs;

const REQUESTS: u64 = 2_000;

/// Prints the functions that one request spends its instructions in, the most expensive by `order` first.
pub(crate) async fn run(case: &'static Case, order: fn(&Costs) -> u64) -> Result<ExitCode> {
    callgrind::check()?;
    let counted = callgrind::count(case, REQUESTS).await?;
    let per_request = |count: u64| count as f64 / REQUESTS as f64;
    let mut functions: Vec<_> = counted.tally.functions.iter().collect();
    functions.sort_by_key(|(_, costs)| std::cmp::Reverse(order(costs)));
    let mut table = format!(
        "{}: {:.0} instructions per request\n     own  inclusive    calls  function\n",
        case.name,
        counted.instructions()
    );
    for (function, costs) in functions.into_iter().filter(|(_, costs)| costs.inclusive >= REQUESTS) {
        let [own, inclusive, calls] = [costs.own, costs.inclusive, costs.calls].map(per_request);
        writeln!(table, "{own:8.0}  {inclusive:9.0}  {calls:7.2}  {function}")?;
    }
    std::io::stdout().write_all(table.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
