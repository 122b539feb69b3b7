//! What runs within the server, so that an operation is one step and one round trip.

use std::time::Duration;

use redis::Cmd;

const RECORD: &str = include_str!("record.lua");
const SOUND: &str = include_str!("sound.lua");
const DECODE: &str = include_str!("decode.lua");
const TICKET: &str = include_str!("ticket.lua");
const NAMES: &str = include_str!("names.lua");
const CLOCK: &str = include_str!("clock.lua");
const USUAL: &str = include_str!("usual.lua");
const ASKED: &str = include_str!("asked.lua");
const WEIGH: &str = include_str!("weigh.lua");
const STORE: &str = include_str!("store.lua");
const ENDED: &str = include_str!("ended.lua");

/// How many steps there are in the time that a session is kept after its end. The usual commit leaves the end of its key as
/// it is while the session's own end stays within one step.
const STEPS: u128 = 60;

/// A script, and the digest by which a server knows it once it has run.
#[derive(Debug)]
pub(crate) struct Script {
    source: String,
    digest: String,
}

impl Script {
    fn new(margin: Duration, parts: &[&str], tell: Option<&str>) -> Self {
        let margin = margin.as_millis();
        let step = (margin / STEPS).max(1);
        let body = parts.concat();
        let source = format!("local MARGIN, STEP = {margin}, {step}\n");
        let source = match tell {
            None => source + &body,
            Some(tell) => format!("{source}local function run()\n{body}\nend\n{tell}"),
        };
        let digest = redis::Script::new(&source).get_hash().to_owned();
        Self { source, digest }
    }

    /// Begins a call by digest, with the number of keys that follow.
    pub(crate) fn call(&self, keys: usize, arguments: usize, bytes: usize) -> Cmd {
        let mut command = Cmd::with_capacity(3 + keys + arguments, bytes + 64);
        command.arg("EVALSHA").arg(&self.digest).arg(keys);
        command
    }

    /// Returns the same call with the whole script, for a server that does not know it.
    pub(crate) fn in_full(&self, call: &Cmd) -> Cmd {
        let mut command = Cmd::with_capacity(16, self.source.len());
        command.arg("EVAL").arg(&self.source);
        for argument in call.args_iter().skip(2) {
            if let redis::Arg::Simple(bytes) = argument {
                command.arg(bytes);
            }
        }
        command
    }
}

/// All scripts of a store.
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) load: Script,
    pub(crate) create: Script,
    pub(crate) change: Script,
    pub(crate) end: Script,
    pub(crate) entries: Script,
    pub(crate) peek: Script,
    pub(crate) due: Script,
    pub(crate) claim: Script,
    pub(crate) acknowledge: Script,
    pub(crate) everyone: Script,
    pub(crate) bury: Script,
    pub(crate) reserve: Script,
    pub(crate) forget: Script,
    pub(crate) turn: Script,
    pub(crate) yield_turn: Script,
}

impl Scripts {
    /// Prepares the scripts of a store that keeps what has ended for `margin`, and that tells its feeds of changes or does not.
    pub(crate) fn new(margin: Duration, tells: bool) -> Self {
        let script = |parts: &[&str]| Script::new(margin, parts, None);
        let telling = |parts: &[&str], tell| Script::new(margin, parts, tells.then_some(tell));
        let commit = |first, before, after| {
            let parts = [RECORD, CLOCK, first, SOUND, TICKET, ASKED, before, WEIGH, after, STORE];
            telling(&parts, include_str!("tell_commit.lua"))
        };
        let ended = |own| [RECORD, SOUND, CLOCK, DECODE, TICKET, NAMES, ENDED, own];
        Self {
            load: script(&[
                RECORD,
                CLOCK,
                TICKET,
                include_str!("load.lua"),
                NAMES,
                include_str!("loaded.lua"),
            ]),
            create: commit("", include_str!("create.lua"), include_str!("created.lua")),
            change: commit(USUAL, include_str!("change.lua"), include_str!("changed.lua")),
            end: telling(&ended(include_str!("end.lua")), include_str!("tell_ends.lua")),
            claim: script(&ended(include_str!("claim.lua"))),
            entries: script(&[RECORD, include_str!("entries.lua")]),
            peek: script(&[RECORD, SOUND, CLOCK, DECODE, include_str!("peek.lua")]),
            acknowledge: script(&[RECORD, SOUND, CLOCK, DECODE, include_str!("acknowledge.lua")]),
            due: script(&[RECORD, CLOCK, include_str!("due.lua")]),
            everyone: telling(&[RECORD, include_str!("everyone.lua")], include_str!("tell_everyone.lua")),
            bury: script(&[RECORD, include_str!("bury.lua")]),
            reserve: script(&[RECORD, CLOCK, include_str!("reserve.lua")]),
            forget: script(&[RECORD, CLOCK, include_str!("forget.lua")]),
            turn: script(&[RECORD, CLOCK, include_str!("turn.lua")]),
            yield_turn: script(&[RECORD, include_str!("yield.lua")]),
        }
    }
}
