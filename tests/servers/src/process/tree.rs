//! A process and those that it has started.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Returns whether a process runs, stopped or not.
pub(super) fn is_alive(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    // After the name, which stands in parentheses and may hold any character.
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Sends a signal to a process and to all that it has started.
pub(super) fn signal(root: Pid, signal: Signal) {
    for pid in all(root) {
        // One that has just ended needs no signal.
        let _ = kill_process(pid, signal);
    }
}

/// Ends a process and all that it has started, and waits until they have ended.
pub(super) fn kill(root: Pid) {
    // Stopped first, so that it starts no more.
    let _ = kill_process(root, Signal::STOP);
    let all = all(root);
    for &pid in &all {
        let _ = kill_process(pid, Signal::KILL);
    }
    while all.iter().any(|&pid| is_alive(pid)) {
        sleep(Duration::from_millis(1));
    }
}

/// Returns a process and all that it has started, itself first.
fn all(root: Pid) -> Vec<Pid> {
    let mut all = vec![root];
    let mut next = 0;
    while let Some(&pid) = all.get(next) {
        all.extend(children(pid));
        next += 1;
    }
    all
}

fn children(pid: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
    let lists = threads.into_iter().flatten().flatten();
    let text = lists.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    text.flat_map(|list| {
        list.split(' ').filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect::<Vec<_>>()
    })
    .collect()
}
