//! Measures Cloakroom beside what it is compared with. See `benches/README.md`.

mod backend;
mod callgrind;
mod case;
mod client;
mod figures;
mod goals;
mod machine;
mod plan;
mod processes;
mod profile;
mod program;
mod protocol;
mod proxy;
mod report;
mod rounds;
mod server;
mod stores;
mod subjects;
mod tally;

use std::error::Error;
use std::process::ExitCode;

use crate::case::Kind;
use crate::plan::{Choice, FULL, QUICK};

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const USAGE: &str = "usage:
  benches/run stores [--quick] [--no-peers] [--store STORE]... [--case PART]...
                                           every subject on every store, against the goals
  benches/run memory [--quick]             the in-memory store alone, without the peers
  benches/run profile CASE [own|inclusive] the functions that one case spends its instructions in

STORE is memory, redis, postgres or sqlite. A CASE is such as redis/cloakroom/read-one/3k; --case takes a part of one.";

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
        ["stores", options @ ..] => runtime.block_on(stores::run(&choice(options)?, "stores")),
        ["memory", options @ ..] => {
            let choice = Choice { stores: vec![Kind::Memory], peers: false, ..choice(options)? };
            runtime.block_on(stores::run(&choice, "memory"))
        }
        ["profile", case] | ["profile", case, "own"] => {
            runtime.block_on(profile::run(&case.parse()?, |costs| costs.own))
        }
        ["profile", case, "inclusive"] => {
            runtime.block_on(profile::run(&case.parse()?, |costs| costs.inclusive))
        }
        ["list"] => {
            println!("{}", serde_json::to_string_pretty(&subjects::ours())?);
            Ok(ExitCode::SUCCESS)
        }
        ["serve", subject, workload, url] => {
            runtime.block_on(subjects::serve(subject, workload.parse()?, url))
        }
        _ => Err(USAGE.into()),
    }
}

fn choice(options: &[&str]) -> Result<Choice> {
    let (mut effort, mut peers, mut stores, mut parts) = (FULL, true, Vec::new(), Vec::new());
    let mut options = options.iter();
    while let Some(&option) = options.next() {
        let mut value = || options.next().copied().ok_or(USAGE);
        match option {
            "--quick" => effort = QUICK,
            "--no-peers" => peers = false,
            "--store" => stores.push(value()?),
            "--case" => parts.push(value()?.to_owned()),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(Choice { effort, stores: stores::kinds(&stores)?, parts, peers })
}
