//! Measures Cloakroom beside what it is compared with. See `benches/README.md`.

mod callgrind;
mod case;
mod client;
mod memory;
mod profile;
mod report;
mod server;
mod subject;
mod tally;
mod throughput;

use std::error::Error;
use std::process::ExitCode;

use crate::case::Case;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const USAGE: &str = "usage:
  benches/run memory [--quick]               every case, against the goals
  benches/run profile CASE [own|inclusive]   the functions that one case spends its instructions in
CASE is one of: ";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(&arguments).unwrap_or_else(|error| {
        eprintln!("benches: {error}");
        ExitCode::FAILURE
    })
}

fn run(arguments: &[&str]) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments {
        ["memory"] => runtime.block_on(memory::run(memory::FULL)),
        ["memory", "--quick"] => runtime.block_on(memory::run(memory::QUICK)),
        ["profile", case] | ["profile", case, "own"] => {
            runtime.block_on(profile::run(Case::named(case)?, |costs| costs.own))
        }
        ["profile", case, "inclusive"] => {
            runtime.block_on(profile::run(Case::named(case)?, |costs| costs.inclusive))
        }
        ["serve", case] => runtime.block_on(server::serve(Case::named(case)?)),
        _ => Err(format!("{USAGE}{}", case::names()).into()),
    }
}
