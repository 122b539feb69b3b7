//! In this process: the layer around a store that fails, hangs and waits on demand.

mod access;
mod after_head;
mod attr;
mod clones;
mod cookies;
mod dropped;
mod failed;
mod interleaving;
mod late;
mod layers;
mod limits;
mod load;
mod log;
mod rig;
mod store_fails;
mod sweeper;
mod tower_service;
mod update;
