//! Measures Cloakroom beside what it is compared with. See `benches/README.md`.

mod backend;
mod callgrind;
mod case;
mod check;
mod client;
mod counted_redis;
mod figures;
mod goals;
mod http;
mod machine;
mod page;
mod plan;
mod processes;
mod profile;
mod program;
mod proxy;
mod replication;
mod report;
mod rounds;
mod server;
mod stores;
mod tally;

use std::process::ExitCode;

use benches::Result;

use crate::case::Kind;
use crate::plan::{Choice, FULL, QUICK};

const USAGE: &str = "usage:
  benches/run stores [--quick] [--no-peers] [--store STORE]... [--case PART]...
                                           every subject on every store, against the goals
  benches/run page [FILE...]               writes docs/benchmarks.md from the last run, or from these runs' figures
  benches/run memory [--quick]             the in-memory store alone, without the peers
  benches/run replication [--quick] [WAY]...
                                           the same application on 2, 4 and 8 nodes, replicated in several ways
  benches/run replication-page             writes docs/replication.md from the last such run
  benches/run check [--update]             a few ratios of instructions against those of ratios.json
  benches/run profile CASE [own|inclusive] the functions that one case spends its instructions in

WAY is shared, near-cache, timed-writes or mirrored; STORE is memory, redis, postgres or sqlite. A CASE is such as redis/cloakroom/read-one/3k; --case takes a part of one.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(&arguments).unwrap_or_else(|error| {
        eprintln!("benches: {error}");
        ExitCode::FAILURE
    })
}

fn run(arguments: &[&str]) -> Result<ExitCode> {
    // The proxy goes on while the start of a server is waited for.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    match arguments {
        ["stores", options @ ..] => runtime.block_on(stores::run(&choice(options)?, "stores")),
        ["memory", options @ ..] => {
            let choice = Choice { stores: vec![Kind::Memory], peers: false, ..choice(options)? };
            runtime.block_on(stores::run(&choice, "memory"))
        }
        ["check"] => runtime.block_on(check::run(false)),
        ["check", "--update"] => runtime.block_on(check::run(true)),
        ["replication", "--quick", ways @ ..] => runtime.block_on(replication::run(ways, replication::QUICK)),
        ["replication", ways @ ..] => runtime.block_on(replication::run(ways, replication::FULL)),
        ["replication-page"] => replication::write(),
        ["page", files @ ..] => page::write(files),
        ["profile", case] | ["profile", case, "own"] => {
            runtime.block_on(profile::run(&case.parse()?, |costs| costs.own))
        }
        ["profile", case, "inclusive"] => {
            runtime.block_on(profile::run(&case.parse()?, |costs| costs.inclusive))
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
