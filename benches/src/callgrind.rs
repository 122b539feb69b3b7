use std::process::{Command, Stdio};

use crate::backend::Backend;
use crate::case::Case;
use crate::client::Client;
use crate::program::{Programs, results};
use crate::server::Server;
use crate::tally::Tally;
use benches::Result;

/// What a server did for so many requests and nothing else, as callgrind counts it: in user space.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) tally: Tally,
    requests: u64,
}

/// How many requests the first of the two runs answers: enough to have everything warm.
const FEW: u64 = 300;

/// Runs a case's server under callgrind twice, with one connection, the second time with so many requests more. What
/// both runs do, as starting up, cancels out.
pub(crate) async fn count(
    case: &Case,
    programs: &Programs,
    backend: &mut Backend,
    requests: u64,
) -> Result<Counted> {
    let few = run(case, programs, backend, FEW).await?;
    let many = run(case, programs, backend, FEW + requests).await?;
    Ok(Counted { tally: many.beyond(&few), requests })
}

async fn run(case: &Case, programs: &Programs, backend: &mut Backend, requests: u64) -> Result<Tally> {
    let out = results()?.join(format!("callgrind.{}.out", case.to_string().replace('/', ".")));
    let server = Server::start_counted(programs.of(case)?, case, &backend.fresh()?, &out)?;
    let mut client = Client::connect(case, server.address).await?;
    for _ in 0..requests {
        server.wait_until_asleep()?;
        client.exchange().await?;
    }
    client.verify().await?;
    server.end()?;
    let tally = Tally::read(&out)?;
    std::fs::remove_file(&out)?;
    Ok(tally)
}

impl Counted {
    /// Returns the instructions of one request.
    pub(crate) fn instructions(&self) -> f64 {
        self.tally.instructions() as f64 / self.requests as f64
    }

    /// Returns how often one request asks for memory.
    pub(crate) fn allocations(&self) -> f64 {
        self.tally.allocations() as f64 / self.requests as f64
    }
}

/// Checks that valgrind is there.
pub(crate) fn check() -> Result<()> {
    let mut command = Command::new("valgrind");
    command.arg("--version").stdout(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err("valgrind is missing. Install it: apt-get install -y valgrind".into()),
    }
}
