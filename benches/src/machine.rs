use std::process::Command;

use crate::figures::Machine;
use crate::plan::Effort;
use crate::rounds::CONNECTIONS;
use benches::Result;

/// Returns what this machine is, and how much was measured on it.
pub(crate) fn machine(effort: &Effort, stores: Vec<String>) -> Result<Machine> {
    let effort = format!(
        "{} requests counted; {} rounds of {} ms with {CONNECTIONS} connections",
        effort.requests,
        effort.rounds,
        effort.duration.as_millis()
    );
    described(stores, effort)
}

/// Returns what this machine is. `effort` says how much was measured.
pub(crate) fn described(stores: Vec<String>, effort: String) -> Result<Machine> {
    let cpus = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Ok(Machine {
        date: said("date", &["-u", "+%F"])?,
        processor: model.map(|(_, model)| model.to_owned()).unwrap_or_default(),
        cores: std::thread::available_parallelism()?.get(),
        kernel: said("uname", &["-sr"])?,
        compiler: said("rustc", &["--version"])?,
        stores,
        effort,
    })
}

pub(crate) fn said(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
