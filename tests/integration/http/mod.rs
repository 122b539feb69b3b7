//! Over real HTTP: what TESTBED.md promises, on one server and on two.

mod attributes;
mod bodies;
mod caching;
mod close;
mod command_line;
mod cookies;
mod expiry;
mod failing;
mod garbage;
mod grace;
mod interval;
mod limits;
mod logging;
mod logout;
mod overview;
mod parallel;
mod principal;
mod restart;
mod shutdown;
mod sign_in;
mod sign_in_race;
mod store_away;
mod stream;
mod touch;
