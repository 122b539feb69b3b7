use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, Context};
use futures_util::TryStreamExt as _;
use servers::Connection;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};

use super::upstream::port;
use super::{Backend, Site};

/// All that the store of a site holds, read behind the library's back.
///
/// Bytes that are not text stand there as the server shows them: as they are, or in hexadecimal.
pub(crate) struct Contents(Vec<u8>);

impl Contents {
    /// Reads everything.
    pub(crate) async fn of(site: &Site) -> Self {
        let (url, namespace) = site.store().split_once("?namespace=").unwrap();
        Self(match site.backend() {
            Backend::Redis => redis(port(url), namespace),
            Backend::Postgres => postgres(url, namespace).await,
            Backend::MariaDb => mariadb(url, namespace).await,
            Backend::Nats => nats(url, namespace).await,
            other => panic!("nobody needed this of {other:?}"),
        })
    }

    /// Returns how often these bytes are there.
    pub(crate) fn count(&self, part: &[u8]) -> usize {
        let hexadecimal: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
        occurrences(&self.0, part) + occurrences(&self.0, hexadecimal.as_bytes())
    }

    /// Returns whether there is anything of the session that has this handle.
    pub(crate) fn knows(&self, handle: &str) -> bool {
        let digits = handle.replace('-', "");
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        let raw: Vec<u8> = (0..32).step_by(2).map(byte).collect();
        self.count(&raw) + occurrences(&self.0, handle.as_bytes()) > 0
    }
}

fn occurrences(text: &[u8], part: &[u8]) -> usize {
    memchr::memmem::find_iter(text, part).count()
}

fn redis(port: u16, namespace: &str) -> Vec<u8> {
    let mut server = Connection::open(port).unwrap();
    let pattern = format!("{namespace}:*");
    let mut contents = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let page = server.ask(&["SCAN", &cursor, "MATCH", &pattern, "COUNT", "1000"]).unwrap().list();
        for key in page[1].clone().list() {
            contents.extend(value(&mut server, &key.text()));
        }
        cursor = page[0].text();
        if cursor == "0" {
            return contents;
        }
    }
}

/// Returns a key and all that it holds; empty where it has gone in the meantime.
fn value(server: &mut Connection, key: &str) -> Vec<u8> {
    let kind = server.ask(&["TYPE", key]).unwrap().text();
    let reply = match kind.as_str() {
        "string" => server.ask(&["GET", key]),
        "hash" => server.ask(&["HGETALL", key]),
        "set" => server.ask(&["SMEMBERS", key]),
        "zset" => server.ask(&["ZRANGE", key, "0", "-1"]),
        "none" => return Vec::new(),
        other => panic!("{key} is a {other}"),
    };
    let mut bytes = key.as_bytes().to_vec();
    match reply.unwrap() {
        servers::Reply::List(parts) => bytes.extend(parts.into_iter().flat_map(servers::Reply::into_bytes)),
        one => bytes.extend(one.into_bytes()),
    }
    bytes
}

async fn postgres(url: &str, namespace: &str) -> Vec<u8> {
    let mut database = PgConnection::connect(url).await.unwrap();
    let mut contents = Vec::new();
    for table in ["sessions", "attributes"] {
        let rows = format!("SELECT row::text FROM {namespace}_{table} row");
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(&mut database).await.unwrap();
        contents.extend(rows.concat().into_bytes());
    }
    contents
}

async fn mariadb(url: &str, namespace: &str) -> Vec<u8> {
    let mut database = MySqlConnection::connect(url).await.unwrap();
    let mut contents = Vec::new();
    for (table, columns) in
        [("sessions", ["handle", "principal", "''"]), ("attributes", ["session", "name", "value"])]
    {
        let columns = columns.map(|column| format!("LOWER(HEX({column}))")).join(", ");
        let rows = format!("SELECT CONCAT_WS(' ', {columns}) FROM {namespace}_{table}");
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(&mut database).await.unwrap();
        contents.extend(rows.concat().into_bytes());
    }
    contents
}

/// Returns the sessions and their values, with their subjects. An empty message says that a session has ended; that, hints of a
/// principal's sessions and what was due are removed later.
async fn nats(url: &str, namespace: &str) -> Vec<u8> {
    let context = jetstream::new(async_nats::connect(url).await.unwrap());
    let mut contents = messages(&context, "cloakroom", format!("cloakroom.s.{namespace}.m.*")).await;
    contents.extend(messages(&context, "cloakroom-values", format!("cloakroom.v.{namespace}.a.>")).await);
    contents
}

async fn messages(context: &Context, stream: &str, filter_subject: String) -> Vec<u8> {
    let stream = context.get_stream_no_info(stream).await.unwrap();
    let config = pull::Config { filter_subject, ack_policy: AckPolicy::None, ..pull::Config::default() };
    let consumer = stream.create_consumer(config).await.unwrap();
    let count = usize::try_from(consumer.cached_info().num_pending).unwrap();
    if count == 0 {
        return Vec::new();
    }
    let found = consumer.fetch().max_messages(count).messages().await.unwrap();
    let found: Vec<_> = found.try_collect().await.unwrap();
    let held = found.iter().filter(|message| !message.payload.is_empty());
    held.flat_map(|message| [message.subject.as_bytes(), &message.payload].concat()).collect()
}
