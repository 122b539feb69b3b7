use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Error;
use crate::error::Cause;
use crate::process::Process;

/// How long anything may take that is certain to come: only what is broken makes somebody wait as long.
const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(10);

/// Asks again and again until the answer is yes, for as long as the server lives.
pub(crate) fn until(
    what: &'static str,
    process: &Process,
    mut condition: impl FnMut() -> bool,
) -> Result<(), Error> {
    let began = Instant::now();
    while !condition() {
        if !process.is_alive() {
            return Err(Cause::Ended { program: process.name(), log: process.log() }.into());
        }
        if began.elapsed() > PATIENCE {
            return Err(Cause::Late { what, log: process.log() }.into());
        }
        sleep(PAUSE);
    }
    Ok(())
}
