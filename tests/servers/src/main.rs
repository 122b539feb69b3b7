//! `servers`: the real servers that the tests share.
//!
//! Starts a Redis, a Redis with a replica and three sentinels, a Redis Cluster of three nodes, a PostgreSQL, a MariaDB, a NATS
//! server and a NATS cluster of three, side by side; prints how the tests find them, as lines for a shell; and stops them all when its standard input closes
//! or when it ends, however that ends.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;
use std::thread::{ScopedJoinHandle, scope};

use servers::{Error, MariaDb, Nats, NatsCluster, Postgres, Redis, RedisCluster, RedisSentinel};

/// More than all tests together have open at a time.
const CONNECTIONS: &str = "1000";

/// A machine that is busy with tests may keep a server waiting for long.
const PATIENT_MS: u32 = 60_000;

/// The servers. They stop when this is dropped.
#[derive(Debug)]
struct Shared {
    redis: Redis,
    sentinel: RedisSentinel,
    cluster: RedisCluster,
    postgres: Postgres,
    mariadb: MariaDb,
    nats: Nats,
    nats_cluster: NatsCluster,
}

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("servers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().len() > 1 {
        return Err("takes no arguments; it stops when its standard input closes".into());
    }
    let shared = Shared::start()?;
    shared.tell()?;
    let mut input = io::stdin().lock();
    while input.read(&mut [0; 256])? > 0 {}
    Ok(())
}

impl Shared {
    fn start() -> Result<Self, Error> {
        scope(|scope| {
            let redis = scope.spawn(Redis::start);
            let sentinel = scope.spawn(|| RedisSentinel::options().down_after_ms(PATIENT_MS).start());
            let cluster = scope.spawn(|| RedisCluster::start_with(&Redis::options(), PATIENT_MS));
            let postgres = Postgres::options().set("max_connections", CONNECTIONS);
            let postgres = scope.spawn(move || postgres.start());
            let mariadb = MariaDb::options().set("max_connections", CONNECTIONS);
            let mariadb = scope.spawn(move || mariadb.start());
            let nats = scope.spawn(Nats::start);
            let nats_cluster = scope.spawn(NatsCluster::start);
            Ok(Self {
                redis: started(redis)?,
                sentinel: started(sentinel)?,
                cluster: started(cluster)?,
                postgres: started(postgres)?,
                mariadb: started(mariadb)?,
                nats: started(nats)?,
                nats_cluster: started(nats_cluster)?,
            })
        })
    }

    fn tell(&self) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        let urls = [
            ("REDIS", self.redis.url()),
            ("REDIS_SENTINEL", self.sentinel.url()),
            ("REDIS_CLUSTER", self.cluster.url()),
            ("POSTGRES", self.postgres.url()),
            ("MYSQL", self.mariadb.url()),
            ("NATS", self.nats.url()),
            ("NATS_CLUSTER", self.nats_cluster.url()),
        ];
        for (name, url) in urls {
            writeln!(stdout, "export CLOAKROOM_TEST_{name}_URL={url}")?;
        }
        writeln!(stdout, "# All are up. They stop when standard input closes.")?;
        stdout.flush()
    }
}

fn started<T>(starting: ScopedJoinHandle<'_, Result<T, Error>>) -> Result<T, Error> {
    starting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
