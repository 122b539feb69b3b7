use cloakroom_core::{Error, Load, Loaded, Wanted};
use redis::Cmd;

use super::RedisStore;
use crate::wire::{bytes, decode_loaded, load_terms};

const LOAD: &str = "load";

/// How many attributes can be named in one call. For more than that, all are read.
const MAX_NAMED: usize = 4000;

impl RedisStore {
    pub(super) async fn load_session(&self, load: &Load) -> Result<Loaded, Error> {
        let wants_all = wants_all(load);
        let call = self.call_of_load(load, wants_all);
        let reply = self.run(LOAD, &self.scripts.load, &call, None).await?;
        let loaded = bytes(reply).and_then(|reply| decode_loaded(reply, &load.select, wants_all));
        loaded.map_err(|malformed| malformed.during(LOAD))
    }

    fn call_of_load(&self, load: &Load, wants_all: bool) -> Cmd {
        let keys = self.keys.session(load.guard.handle);
        let mut call = self.scripts.load.call(2, 8, 256);
        call.arg(keys.session()).arg(keys.epoch()).arg(&load_terms(load, wants_all)[..]);
        if let (Wanted::Named(names), false) = (&load.select.values, wants_all) {
            for name in names.iter() {
                call.arg(name.as_str());
            }
        }
        call
    }
}

/// Returns whether all values are read.
fn wants_all(load: &Load) -> bool {
    match &load.select.values {
        Wanted::Nothing => false,
        Wanted::Named(names) => names.len() > MAX_NAMED,
        Wanted::Everything => true,
    }
}
