use super::view::View;
use super::{Redis, RedisOptions, Reply};
use crate::wait::until;
use crate::{Error, Port};

const NODES: usize = 3;
const SLOTS: usize = 16_384;

/// How long a key may take to migrate.
const MIGRATE_MS: &str = "10000";

/// A cluster of three primaries, without replicas.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
    buses: Vec<Port>,
    told: Vec<u16>,
    /// The name of each node.
    ids: Vec<String>,
}

impl RedisCluster {
    /// Starts a cluster, and waits until every node knows that all slots are served.
    ///
    /// # Errors
    ///
    /// When that does not happen.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(&Redis::options(), 15_000)
    }

    /// Starts a cluster whose nodes have these options, and take one another for dead after this time.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_with(options: &RedisOptions, node_timeout_ms: u32) -> Result<Self, Error> {
        let none: [Option<u16>; NODES] = [None; NODES];
        Self::start_announcing(options, node_timeout_ms, none)
    }

    /// Starts a cluster whose nodes tell clients these ports of 127.0.0.1: those of proxies before them.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_announcing(
        options: &RedisOptions,
        node_timeout_ms: u32,
        announced: [Option<u16>; NODES],
    ) -> Result<Self, Error> {
        let mut cluster = Self { nodes: Vec::new(), buses: Vec::new(), told: Vec::new(), ids: Vec::new() };
        for port in announced {
            let bus = Port::claim()?;
            let mut options = options
                .clone()
                .set("cluster-enabled", "yes")
                .set("cluster-port", bus.number().to_string())
                .set("cluster-announce-bus-port", bus.number().to_string())
                .set("cluster-announce-ip", "127.0.0.1")
                .set("cluster-node-timeout", node_timeout_ms.to_string());
            if let Some(port) = port {
                options = options.set("cluster-announce-port", port.to_string());
            }
            let node = options.start()?;
            cluster.told.push(port.unwrap_or(node.port()));
            cluster.ids.push(node.ask(&["CLUSTER", "MYID"])?.text());
            cluster.nodes.push(node);
            cluster.buses.push(bus);
        }
        cluster.join()?;
        Ok(cluster)
    }

    /// Returns the URL with all nodes, at the ports that clients are told.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes = self.told.iter().map(|port| format!("127.0.0.1:{port}"));
        format!("redis+cluster://{}", nodes.collect::<Vec<_>>().join(","))
    }

    /// Returns the nodes.
    pub fn nodes(&mut self) -> &mut [Redis] {
        &mut self.nodes
    }

    /// Returns the slot of a key.
    ///
    /// # Errors
    ///
    /// When the node asked is away.
    pub fn slot(&self, key: &[u8]) -> Result<u16, Error> {
        let reply = self.nodes[0].ask(&[b"CLUSTER", b"KEYSLOT", key])?;
        Ok(reply.text().parse().unwrap_or_default())
    }

    /// Returns which node serves a slot, once all agree about that.
    ///
    /// # Errors
    ///
    /// When a node is away, or they do not come to agree.
    pub fn serves(&self, slot: u16) -> Result<usize, Error> {
        let mut agreed = None;
        until("the nodes agree on a slot", self.nodes[0].process(), || {
            agreed = self.agreed(|view| self.number(&view.serving(slot)?.id));
            agreed.is_some()
        })?;
        Ok(agreed.unwrap_or_default())
    }

    /// Begins to migrate a slot to another node: from now on clients that ask for a key that has moved are told `ASK`.
    ///
    /// # Errors
    ///
    /// When a node refuses.
    pub fn begin_migration(&self, slot: u16, to: usize) -> Result<(), Error> {
        let from = self.serves(slot)?;
        let slot = slot.to_string();
        self.nodes[to].ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &self.ids[from]])?;
        self.nodes[from].ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &self.ids[to]])?;
        Ok(())
    }

    /// Moves the keys of a slot whose migration has begun, and returns how many there were.
    ///
    /// # Errors
    ///
    /// When a node refuses.
    pub fn move_keys(&self, slot: u16, to: usize) -> Result<usize, Error> {
        let from = &self.nodes[self.serves(slot)?];
        let number = slot.to_string();
        let mut moved = 0;
        loop {
            let keys = from.ask(&["CLUSTER", "GETKEYSINSLOT", &number, "100"])?.list();
            if keys.is_empty() {
                return Ok(moved);
            }
            moved += keys.len();
            let port = self.nodes[to].port().to_string();
            let mut command: Vec<Vec<u8>> =
                ["MIGRATE", "127.0.0.1", &port, "", "0", MIGRATE_MS, "KEYS"].map(Into::into).into();
            command.extend(keys.into_iter().map(Reply::into_bytes));
            from.ask(&command)?;
        }
    }

    /// Ends the migration of a slot: it belongs to its new node, and every node knows, also since which epoch.
    ///
    /// Of two nodes that claim a slot, the one with the higher epoch has it. A node that takes over a slot gives itself the
    /// highest epoch that it has heard of, or a new one. So before the next migration every node must have heard of this one:
    /// otherwise it may lose the slot to its former node, and delete the keys, or the nodes may differ for ever.
    ///
    /// # Errors
    ///
    /// When a node refuses, or they do not come to agree.
    pub fn end_migration(&self, slot: u16, to: usize) -> Result<(), Error> {
        let others = (0..NODES).filter(|&node| node != to);
        for node in std::iter::once(to).chain(others) {
            self.assign(slot, to, node)?;
        }
        until("the nodes agree on what has migrated", self.nodes[to].process(), || {
            self.agreed(View::epochs).is_some()
                && self.agreed(|view| self.number(&view.serving(slot)?.id)) == Some(to)
        })
    }

    /// Tells one node that a slot belongs to a node from now on: a part of [`end_migration`](Self::end_migration).
    ///
    /// # Errors
    ///
    /// When it refuses.
    pub fn assign(&self, slot: u16, to: usize, node: usize) -> Result<(), Error> {
        let slot = slot.to_string();
        self.nodes[node].ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &self.ids[to]]).map(drop)
    }

    /// Migrates a slot and its keys to another node.
    ///
    /// # Errors
    ///
    /// When a node refuses.
    pub fn migrate(&self, slot: u16, to: usize) -> Result<(), Error> {
        if self.serves(slot)? == to {
            return Ok(());
        }
        self.begin_migration(slot, to)?;
        self.move_keys(slot, to)?;
        self.end_migration(slot, to)
    }

    /// Returns how many errors of a kind, such as `TRYAGAIN`, the nodes have answered with in all.
    ///
    /// # Errors
    ///
    /// When a node is away.
    pub fn errors(&self, kind: &str) -> Result<u64, Error> {
        let name = format!("errorstat_{kind}:count=");
        let mut count = 0;
        for node in &self.nodes {
            let told = node.ask(&["INFO", "errorstats"])?.text();
            count += told.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(count)
    }

    fn number(&self, id: &str) -> Option<usize> {
        self.ids.iter().position(|it| it == id)
    }

    /// Returns what all nodes see alike; `None` while they do not, or one of them does not see it.
    fn agreed<T: PartialEq>(&self, see: impl Fn(&View) -> Option<T>) -> Option<T> {
        let mut seen = self.nodes.iter().map(|node| {
            let nodes = node.ask(&["CLUSTER", "NODES"]).ok()?;
            see(&View::of(&nodes.text()))
        });
        let first = seen.next()??;
        seen.all(|other| other.as_ref() == Some(&first)).then_some(first)
    }

    fn join(&self) -> Result<(), Error> {
        for (number, node) in self.nodes.iter().enumerate() {
            node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()])?;
            let slots = SLOTS * number / NODES..SLOTS * (number + 1) / NODES;
            let mut command = vec!["CLUSTER".to_owned(), "ADDSLOTS".to_owned()];
            command.extend(slots.map(|slot| slot.to_string()));
            node.ask(&command)?;
        }
        let first = self.nodes[0].port().to_string();
        let bus = self.buses[0].number().to_string();
        for node in &self.nodes[1..] {
            node.ask(&["CLUSTER", "MEET", "127.0.0.1", &first, &bus])?;
        }
        self.nodes.iter().try_for_each(ready)
    }
}

fn ready(node: &Redis) -> Result<(), Error> {
    until("the cluster is whole", node.process(), || {
        let info = node.ask(&["CLUSTER", "INFO"]).map(|info| info.text()).unwrap_or_default();
        let has = |line: &str| info.lines().any(|it| it == line);
        has("cluster_state:ok") && has("cluster_known_nodes:3") && has("cluster_slots_ok:16384")
    })
}
