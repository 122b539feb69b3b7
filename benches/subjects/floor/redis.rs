use std::time::Duration;

use bytes::{Buf as _, Bytes};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, FromRedisValue, Script, ServerErrorKind};

use super::ticket::Ticket;
use super::{Change, MAX_INACTIVE, MAX_LIFETIME, Meta, Opened, Store, millis};
use benches::Result;

#[derive(Clone)]
pub(super) struct Redis {
    connection: MultiplexedConnection,
    scripts: &'static Scripts,
    /// How often at most an access is recorded.
    touch_every: Duration,
}

struct Scripts {
    load: Script,
    save: Script,
    create: Script,
}

impl Redis {
    pub(super) async fn connect(url: &str, touch_every: Duration) -> Result<Self> {
        let connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let scripts = Scripts {
            load: Script::new(include_str!("load.lua")),
            save: Script::new(include_str!("save.lua")),
            create: Script::new(include_str!("create.lua")),
        };
        Ok(Self { connection, scripts: Box::leak(Box::new(scripts)), touch_every })
    }

    async fn run<T: FromRedisValue>(&self, script: &Script, call: &Cmd) -> Result<T> {
        let mut connection = self.connection.clone();
        match call.query_async(&mut connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                script.load_async(&mut connection).await?;
                Ok(call.query_async(&mut connection).await?)
            }
            answer => Ok(answer?),
        }
    }
}

impl Store for Redis {
    async fn load(&self, ticket: &Ticket, names: &[&str]) -> Result<Option<Opened>> {
        let script = &self.scripts.load;
        let mut call = begin(script, ticket, 1 + names.len(), 0);
        call.arg(millis(self.touch_every));
        for name in names {
            call.arg(*name);
        }
        let reply: Option<Vec<u8>> = self.run(script, &call).await?;
        reply.map(|reply| opened(reply.into(), names.len())).transpose()
    }

    async fn save(&self, ticket: &Ticket, changes: &[Change<'_>]) -> Result<bool> {
        let script = &self.scripts.save;
        let mut call = begin(script, ticket, 2 * changes.len(), size(changes));
        add(&mut call, changes);
        self.run(script, &call).await
    }

    async fn create(&self, ticket: &Ticket, changes: &[Change<'_>]) -> Result<()> {
        let script = &self.scripts.create;
        let mut call = begin(script, ticket, 2 + 2 * changes.len(), size(changes));
        call.arg(millis(MAX_INACTIVE)).arg(millis(MAX_LIFETIME));
        add(&mut call, changes);
        self.run::<bool>(script, &call).await.map(drop)
    }

    async fn all(&self, ticket: &Ticket) -> Result<Vec<(String, Bytes)>> {
        let mut connection = self.connection.clone();
        let all: Vec<(String, Vec<u8>)> =
            redis::cmd("HGETALL").arg(&key(ticket)).query_async(&mut connection).await?;
        let attributes = all.into_iter().filter(|(name, _)| !name.is_empty());
        Ok(attributes.map(|(name, value)| (name, value.into())).collect())
    }
}

fn begin(script: &Script, ticket: &Ticket, arguments: usize, bytes: usize) -> Cmd {
    let mut call = Cmd::with_capacity(5 + arguments, 128 + bytes);
    call.arg("EVALSHA").arg(script.get_hash()).arg(1).arg(&key(ticket)).arg(&ticket.proof);
    call
}

fn key(ticket: &Ticket) -> [u8; 17] {
    let mut key = [b's'; 17];
    key[1..].copy_from_slice(&ticket.handle);
    key
}

fn add(call: &mut Cmd, changes: &[Change<'_>]) {
    for (name, value) in changes {
        call.arg(*name).arg(value);
    }
}

fn size(changes: &[Change<'_>]) -> usize {
    changes.iter().map(|(name, value)| name.len() + value.len()).sum()
}

fn opened(mut reply: Bytes, count: usize) -> Result<Opened> {
    let meta = Meta {
        created_at: reply.try_get_uint(6)?,
        accessed_at: reply.try_get_uint(6)?,
        max_inactive: reply.try_get_uint(6)?,
        ends_at: reply.try_get_uint(6)?,
    };
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let length = reply.try_get_u32()?;
        values.push((length != u32::MAX).then(|| reply.split_to(length as usize)));
    }
    Ok(Opened { meta, values })
}
