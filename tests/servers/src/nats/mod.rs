//! NATS with JetStream: alone, and three of them.

mod cluster;
mod request;
mod standalone;

pub use self::cluster::NatsCluster;
pub use self::standalone::{Nats, NatsOptions};
use crate::program::Program;

const SERVER: Program = Program { name: "nats-server", package: "nats-server" };
