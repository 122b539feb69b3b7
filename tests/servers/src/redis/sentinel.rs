use std::ffi::OsStr;
use std::fs;

use super::{Connection, Redis, RedisOptions, SENTINEL};
use crate::process::Process;
use crate::wait::until;
use crate::{Error, Port};

/// The name by which the sentinels know the primary.
const NAME: &str = "primary";

/// How many sentinels there are; most of them must agree.
const SENTINELS: usize = 3;

/// A primary with a replica, and three sentinels that watch them.
#[derive(Debug)]
pub struct RedisSentinel {
    sentinels: Vec<Sentinel>,
    servers: [Redis; 2],
    announced: [u16; 2],
}

/// What a [`RedisSentinel`] is started with.
#[derive(Clone, Debug)]
pub struct SentinelOptions {
    redis: RedisOptions,
    down_after_ms: u32,
    announced: Option<[u16; 2]>,
}

#[derive(Debug)]
struct Sentinel {
    process: Process,
    port: Port,
}

impl Default for SentinelOptions {
    fn default() -> Self {
        Self { redis: RedisOptions::default(), down_after_ms: 5_000, announced: None }
    }
}

impl SentinelOptions {
    /// Sets what the two servers are started with.
    #[must_use]
    pub fn redis(mut self, options: RedisOptions) -> Self {
        self.redis = options;
        self
    }

    /// Sets after how long without an answer a sentinel takes a server for dead. Five seconds unless set: long enough for a
    /// machine that is busy for a moment, too short for servers that are shared.
    #[must_use]
    pub fn down_after_ms(mut self, ms: u32) -> Self {
        self.down_after_ms = ms;
        self
    }

    /// Sets the ports of 127.0.0.1 that clients are told: those of proxies before the first and the second server.
    #[must_use]
    pub fn announce(mut self, ports: [u16; 2]) -> Self {
        self.announced = Some(ports);
        self
    }

    /// Starts all, and waits until every sentinel knows the others and the replica.
    ///
    /// Proxies whose ports are announced must forward before that, so they are told here to which ports.
    ///
    /// # Errors
    ///
    /// When that does not happen.
    pub fn start_behind(&self, proxies: impl FnOnce([u16; 2])) -> Result<RedisSentinel, Error> {
        let ports = [Port::claim()?, Port::claim()?];
        let numbers = [ports[0].number(), ports[1].number()];
        let announced = self.announced.unwrap_or(numbers);
        let options = announced.map(|port| {
            self.redis
                .clone()
                .set("replica-announce-ip", "127.0.0.1")
                .set("replica-announce-port", port.to_string())
        });
        let [first, second] = ports;
        let primary = options[0].start_on(first)?;
        proxies(numbers);
        let replica =
            options[1].clone().set("replicaof", format!("127.0.0.1 {}", announced[0])).start_on(second)?;
        let sentinels = (0..SENTINELS).map(|_| Sentinel::start(announced[0], self.down_after_ms));
        let sentinels = sentinels.collect::<Result<_, _>>()?;
        let all = RedisSentinel { sentinels, servers: [primary, replica], announced };
        all.ready()?;
        Ok(all)
    }

    /// Starts all, and waits until every sentinel knows the others and the replica.
    ///
    /// # Errors
    ///
    /// When that does not happen.
    pub fn start(&self) -> Result<RedisSentinel, Error> {
        self.start_behind(|_| ())
    }
}

impl RedisSentinel {
    /// Starts all with the default options.
    ///
    /// # Errors
    ///
    /// When they do not start.
    pub fn start() -> Result<Self, Error> {
        SentinelOptions::default().start()
    }

    /// Returns the options to start all with.
    #[must_use]
    pub fn options() -> SentinelOptions {
        SentinelOptions::default()
    }

    /// Returns the URL with all sentinels and the primary's name.
    #[must_use]
    pub fn url(&self) -> String {
        let sentinels = self.sentinels.iter().map(|it| format!("127.0.0.1:{}", it.port.number()));
        format!("redis+sentinel://{}/{NAME}", sentinels.collect::<Vec<_>>().join(","))
    }

    /// Returns the ports of the sentinels.
    pub fn sentinel_ports(&self) -> impl Iterator<Item = u16> {
        self.sentinels.iter().map(|sentinel| sentinel.port.number())
    }

    /// Returns the two servers; the first one is the primary at the start.
    pub fn servers(&mut self) -> &mut [Redis; 2] {
        &mut self.servers
    }

    /// Returns which of the two servers most sentinels take for the primary; `None` while they do not agree.
    #[must_use]
    pub fn primary(&self) -> Option<usize> {
        let told: Vec<u16> = self.sentinels.iter().filter_map(Sentinel::primary).collect();
        (0..2).find(|&server| {
            let votes = told.iter().filter(|&&port| port == self.announced[server]).count();
            votes > SENTINELS / 2
        })
    }

    /// Waits until most sentinels take this one of the two servers for the primary, and it does so too.
    ///
    /// # Errors
    ///
    /// When that does not happen.
    pub fn until_primary(&self, server: usize) -> Result<(), Error> {
        let role = || self.servers[server].ask(&["ROLE"]).ok()?.list().first().map(super::Reply::text);
        until("the sentinels choose a primary", &self.sentinels[0].process, || {
            self.primary() == Some(server) && role().as_deref() == Some("master")
        })
    }

    fn ready(&self) -> Result<(), Error> {
        for sentinel in &self.sentinels {
            until("a sentinel knows the others", &sentinel.process, || {
                let seen = sentinel.seen();
                seen.as_deref() == Some("flags=master slaves=1 sentinels=2 quorum=ok")
            })?;
        }
        let role = || self.servers[1].ask(&["ROLE"]).map(|role| role.list());
        until("the replica follows", self.servers[1].process(), || {
            role().is_ok_and(|role| role.get(3).is_some_and(|state| state.text() == "connected"))
        })
    }
}

impl Sentinel {
    fn start(primary: u16, down_after_ms: u32) -> Result<Self, Error> {
        let port = Port::claim()?;
        let folder = Process::folder("sentinel", None)?;
        let file = folder.path().join("sentinel.conf");
        let text = format!(
            "bind 127.0.0.1\nport {port}\ndir {folder}\n\
             sentinel monitor {NAME} 127.0.0.1 {primary} 2\n\
             sentinel down-after-milliseconds {NAME} {down_after_ms}\n\
             sentinel failover-timeout {NAME} 5000\n\
             sentinel parallel-syncs {NAME} 1\n",
            port = port.number(),
            folder = folder.path().display(),
        );
        fs::write(&file, text).map_err(Error::io("write a configuration"))?;
        let process = Process::start(SENTINEL, None, folder, &[OsStr::new(&file)])?;
        let sentinel = Self { process, port };
        until("a sentinel answers", &sentinel.process, || sentinel.seen().is_some())?;
        Ok(sentinel)
    }

    /// Returns the port of the server that it takes for the primary.
    fn primary(&self) -> Option<u16> {
        let mut connection = Connection::open(self.port.number()).ok()?;
        let address = connection.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).ok()?.list();
        address.get(1)?.text().parse().ok()
    }

    /// Returns what it knows of the others, in words.
    fn seen(&self) -> Option<String> {
        let mut connection = Connection::open(self.port.number()).ok()?;
        let fields = connection.ask(&["SENTINEL", "MASTER", NAME]).ok()?.list();
        let field = |name: &str| {
            let mut pairs =
                fields.chunks(2).filter_map(|pair| Some((pair.first()?.text(), pair.get(1)?.text())));
            pairs.find(|(key, _)| key == name).map(|(_, value)| value)
        };
        let quorum = connection.ask(&["SENTINEL", "CKQUORUM", NAME]).is_ok();
        Some(format!(
            "flags={} slaves={} sentinels={} quorum={}",
            field("flags")?,
            field("num-slaves")?,
            field("num-other-sentinels")?,
            if quorum { "ok" } else { "none" },
        ))
    }
}
