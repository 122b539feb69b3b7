//! What the kernel tells of processes, in /proc.

use std::fs;
use std::path::PathBuf;

use benches::Result;

/// Returns whether all threads of a process wait for something.
pub(crate) fn is_asleep(pid: u32) -> Result<bool> {
    for thread in threads(pid)? {
        let stat = fs::read_to_string(thread.join("stat"))?;
        let state = stat.rsplit_once(") ").ok_or("an unknown form of /proc/pid/stat")?.1;
        if !state.starts_with('S') {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the processor time of a process and of all that it has started and that still run, user and system, in
/// nanoseconds.
pub(crate) fn cpu_nanos(root: u32) -> Result<u64> {
    let mut nanos = 0;
    for pid in tree(root)? {
        // A thread may end between being listed and being looked at.
        let times =
            threads(pid)?.into_iter().filter_map(|thread| fs::read_to_string(thread.join("schedstat")).ok());
        for time in times {
            nanos += time.split(' ').next().ok_or("an unknown form of schedstat")?.parse::<u64>()?;
        }
    }
    Ok(nanos)
}

/// Returns the resident memory of a process, in KiB.
pub(crate) fn resident_kib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.and_then(|rest| rest.split_whitespace().next()).ok_or("no VmRSS")?.parse()?)
}

/// Returns a process and all that it has started.
fn tree(root: u32) -> Result<Vec<u32>> {
    let mut all = vec![root];
    let mut next = 0;
    while let Some(&pid) = all.get(next) {
        for thread in threads(pid)? {
            let children = fs::read_to_string(thread.join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        next += 1;
    }
    Ok(all)
}

/// Returns the folders of a process's threads; none if it has ended.
fn threads(pid: u32) -> Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Ok(Vec::new());
    };
    Ok(entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn processor_time_is_that_of_children_too() {
        let before = cpu_nanos(std::process::id()).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0; 1];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        let own = cpu_nanos(child.id()).unwrap();
        assert!(own > 1_000_000, "{own}");
        assert!(cpu_nanos(std::process::id()).unwrap() >= before + own);
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn memory_is_told_in_kib() {
        assert!(resident_kib(std::process::id()).unwrap() > 100);
    }
}
