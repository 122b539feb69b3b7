//! What happens when a store or the way to it fails.

mod actor;
mod balancer;
mod clocks;
mod failover;
mod full;
mod held_back;
mod killed;
mod logout;
mod lost_answer;
mod migration;
mod outage;
mod overrun;
mod proxy;
mod snapshot;
mod traffic;
mod wire;
mod writers;
