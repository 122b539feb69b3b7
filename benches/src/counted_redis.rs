//! Counts the instructions of Redis itself.

use std::ffi::OsString;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use benches::Result;
use servers::{Connection, Port};

use crate::case::Case;
use crate::client::Client;
use crate::processes::is_asleep;
use crate::program::{Programs, results};
use crate::server::Server;
use crate::tally::Tally;

const FEW: u64 = 300;
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the instructions in user space that Redis takes for one request: the difference of two runs, as for the server.
pub(crate) async fn instructions(case: &Case, programs: &Programs, requests: u64) -> Result<f64> {
    let few = run(case, programs, FEW).await?;
    let many = run(case, programs, FEW + requests).await?;
    Ok(many.beyond(&few).instructions() as f64 / requests as f64)
}

async fn run(case: &Case, programs: &Programs, requests: u64) -> Result<Tally> {
    let redis = Redis::start()?;
    let url = format!("redis://127.0.0.1:{}", redis.port.number());
    let server = Server::start(programs.of(case)?, case, &url)?;
    let mut client = Client::connect(case, server.address).await?;
    for _ in 0..requests {
        // As with a server that is counted: a command that comes while Redis is awake saves it work.
        while !is_asleep(redis.process.id())? {
            std::thread::yield_now();
        }
        client.exchange().await?;
    }
    client.verify().await?;
    server.end()?;
    redis.end()
}

/// A Redis under callgrind.
#[derive(Debug)]
struct Redis {
    process: Child,
    port: Port,
    out: std::path::PathBuf,
}

impl Redis {
    fn start() -> Result<Self> {
        let port = Port::claim()?;
        let out = results()?.join("callgrind.redis.out");
        let mut file = OsString::from("--callgrind-out-file=");
        file.push(&out);
        let number = port.number().to_string();
        let process = Command::new("valgrind")
            .args(["--quiet", "--tool=callgrind"])
            .arg(file)
            .args(["redis-server", "--bind", "127.0.0.1", "--port", &number, "--save", ""])
            // Time passes slowly under callgrind: what Redis does by the clock would not cancel out.
            .args(["--hz", "1", "--dynamic-hz", "no"])
            .current_dir(results()?)
            .stdout(Stdio::null())
            .spawn()?;
        let redis = Self { process, port, out };
        redis.ready()?;
        Ok(redis)
    }

    fn ready(&self) -> Result<()> {
        let began = Instant::now();
        let ping = || Connection::open(self.port.number())?.ask(&["PING"]);
        while let Err(error) = ping() {
            if began.elapsed() > PATIENCE {
                return Err(error.into());
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn end(mut self) -> Result<Tally> {
        // It answers by closing the connection.
        let _ = Connection::open(self.port.number())?.ask(&["SHUTDOWN", "NOSAVE"]);
        self.process.wait()?;
        let tally = Tally::read(&self.out)?;
        std::fs::remove_file(&self.out)?;
        Ok(tally)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Ended already, unless the measurement failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
