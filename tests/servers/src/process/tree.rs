//! A process and those that it has started.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Returns whether a process runs, stopped or not.
pub(super) fn is_alive(pid: Pid) -> bool {
    state(format!("/proc/{}/stat", pid.as_raw_nonzero())).is_some_and(|state| !has_ended(state))
}

/// Sends a signal to a process and to all that it has started.
pub(super) fn signal(root: Pid, signal: Signal) {
    send(&all(root), signal);
}

/// Stops a process and all that it has started, and returns them.
///
/// Waits until no thread of them runs: on a busy machine the one that gets the signal, and is to stop the others, may have to
/// wait for its turn.
pub(super) fn stop(root: Pid) -> Vec<Pid> {
    loop {
        let all = all(root);
        if all.iter().all(|&pid| stands_still(pid)) {
            return all;
        }
        send(&all, Signal::STOP);
        sleep(Duration::from_millis(1));
    }
}

/// Ends a process and all that it has started, and waits until they have ended.
pub(super) fn kill(root: Pid) {
    // Stopped first, so that they start no more.
    let all = stop(root);
    send(&all, Signal::KILL);
    while all.iter().any(|&pid| is_alive(pid)) {
        sleep(Duration::from_millis(1));
    }
}

fn send(processes: &[Pid], signal: Signal) {
    for &pid in processes {
        // One that has just ended needs no signal.
        let _ = kill_process(pid, signal);
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
    let text = threads(pid).map(|thread| fs::read_to_string(thread.join("children")).unwrap_or_default());
    text.flat_map(|list| {
        list.split(' ').filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect::<Vec<_>>()
    })
    .collect()
}

/// Returns whether each thread of a process is stopped, or has ended.
fn stands_still(pid: Pid) -> bool {
    threads(pid).all(|thread| state(thread.join("stat")).is_none_or(|state| state == 'T' || has_ended(state)))
}

fn threads(pid: Pid) -> impl Iterator<Item = PathBuf> {
    let threads = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
    threads.into_iter().flatten().flatten().map(|thread| thread.path())
}

/// Returns the letter for the state of a process or thread, if there is one.
fn state(stat: impl AsRef<Path>) -> Option<char> {
    let stat = fs::read_to_string(stat).ok()?;
    // After the name, which stands in parentheses and may hold any character.
    stat.rsplit(')').next()?.trim_start().chars().next()
}

fn has_ended(state: char) -> bool {
    matches!(state, 'Z' | 'X')
}
