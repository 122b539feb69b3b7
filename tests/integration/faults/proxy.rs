//! That the proxy, on which the other tests here stand, does what it says.

use std::time::Duration;

use servers::Redis;
use sqlx::{Connection as _, MySqlConnection, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Backend, Point, Protocol, Proxy, eventually};

const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n";

/// Long enough for what would come to come.
const MOMENT: Duration = Duration::from_millis(200);

async fn before_redis() -> (Redis, Proxy, TcpStream) {
    let redis = Redis::start().unwrap();
    let proxy = Proxy::start(Protocol::Redis, redis.port()).await;
    let client = connect(&proxy).await;
    (redis, proxy, client)
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap()
}

/// Reads what has come; empty where the connection has ended.
async fn answer(client: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let read = client.read(&mut bytes).await.unwrap_or(0);
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

async fn ask(client: &mut TcpStream, command: &[u8]) -> String {
    client.write_all(command).await.unwrap();
    answer(client).await
}

fn stored(redis: &Redis) -> String {
    redis.ask(&["GET", "a"]).unwrap().text()
}

#[tokio::test]
async fn it_counts_what_goes_through() {
    let (redis, proxy, mut client) = before_redis().await;
    assert_eq!(ask(&mut client, SET).await, "+OK\r\n");
    assert_eq!(ask(&mut client, GET).await, "$1\r\n1\r\n");
    let traffic = proxy.traffic();
    assert_eq!(traffic.connections, 1);
    assert_eq!(traffic.bytes_to_server, (SET.len() + GET.len()) as u64);
    assert_eq!(traffic.bytes_to_client, 5 + 7);
    assert_eq!(proxy.commands(), ["SET", "GET"]);
    assert_eq!(proxy.url(&redis.url()), format!("redis://127.0.0.1:{}", proxy.port()));
}

#[tokio::test]
async fn a_black_hole_keeps_everything_until_it_closes() {
    let (redis, proxy, mut client) = before_redis().await;
    ask(&mut client, GET).await;
    proxy.black_hole();
    client.write_all(SET).await.unwrap();
    let mut other = connect(&proxy).await;
    other.write_all(GET).await.unwrap();
    assert!(timeout(MOMENT, answer(&mut client)).await.is_err());
    assert!(timeout(MOMENT, answer(&mut other)).await.is_err());
    assert_eq!(stored(&redis), "");
    proxy.pass().await;
    assert_eq!(answer(&mut client).await, "+OK\r\n");
    assert!(answer(&mut other).await.starts_with('$'));
    assert_eq!(stored(&redis), "1");
}

/// A command whose sender has given up is on its way all the same.
#[tokio::test]
async fn what_a_black_hole_has_taken_arrives_late() {
    let (redis, proxy, mut client) = before_redis().await;
    ask(&mut client, GET).await;
    proxy.black_hole();
    client.write_all(SET).await.unwrap();
    drop(client);
    tokio::time::sleep(MOMENT).await;
    assert_eq!(stored(&redis), "");
    proxy.pass().await;
    eventually(|| async { stored(&redis) == "1" }).await;
}

#[tokio::test]
async fn slow_is_late_and_whole() {
    let (_redis, proxy, mut client) = before_redis().await;
    proxy.slow(10 * MOMENT);
    assert!(timeout(MOMENT, ask(&mut client, SET)).await.is_err());
    assert_eq!(answer(&mut client).await, "+OK\r\n");
}

#[tokio::test]
async fn what_is_refused_is_cut_and_comes_back_on_the_same_port() {
    let (_redis, proxy, mut client) = before_redis().await;
    proxy.refuse().await;
    assert_eq!(answer(&mut client).await, "");
    assert!(TcpStream::connect(("127.0.0.1", proxy.port())).await.is_err());
    proxy.pass().await;
    assert_eq!(ask(&mut connect(&proxy).await, SET).await, "+OK\r\n");
}

#[tokio::test]
async fn what_is_cut_may_connect_again() {
    let (_redis, proxy, mut client) = before_redis().await;
    ask(&mut client, SET).await;
    proxy.cut().await;
    assert_eq!(answer(&mut client).await, "");
    assert_eq!(ask(&mut connect(&proxy).await, GET).await, "$1\r\n1\r\n");
    assert_eq!(proxy.traffic().connections, 2);
}

#[tokio::test]
async fn an_answer_is_cut_half_way() {
    let (redis, proxy, mut client) = before_redis().await;
    proxy.cut_next_answer_after(3);
    assert_eq!(ask(&mut client, SET).await, "+OK");
    assert_eq!(answer(&mut client).await, "");
    assert_eq!(stored(&redis), "1");
    assert_eq!(ask(&mut connect(&proxy).await, GET).await, "$1\r\n1\r\n", "the next is whole");
}

#[tokio::test]
async fn commands_and_answers_are_held_one_by_one() {
    let (redis, proxy, mut client) = before_redis().await;
    let mut stops = proxy.hold();
    client.write_all(SET).await.unwrap();
    let command = stops.next().await;
    assert_eq!(command.point, Point::Command("SET".to_owned()));
    assert_eq!(stored(&redis), "");
    command.pass();
    let held = stops.next().await;
    assert_eq!(held.point, Point::Answer("SET".to_owned()));
    assert_eq!(stored(&redis), "1", "it is applied");
    assert!(timeout(MOMENT, answer(&mut client)).await.is_err());
    held.pass();
    assert_eq!(answer(&mut client).await, "+OK\r\n");

    client.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n2\r\n").await.unwrap();
    stops.next().await.pass();
    let lost = stops.next().await;
    assert!(lost.is_answer() && stops.try_next().is_none());
    lost.cut();
    assert_eq!(answer(&mut client).await, "");
    assert_eq!(stored(&redis), "2");
    drop(stops);
    assert_eq!(ask(&mut connect(&proxy).await, GET).await, "$1\r\n2\r\n");
}

#[tokio::test]
async fn a_command_that_is_cut_never_arrives() {
    let (redis, proxy, mut client) = before_redis().await;
    let mut stops = proxy.hold();
    client.write_all(SET).await.unwrap();
    stops.next().await.cut();
    assert_eq!(answer(&mut client).await, "");
    assert_eq!(stored(&redis), "");
}

fn port(url: &str) -> u16 {
    url.rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn it_understands_postgresql() {
    let url = Backend::Postgres.server();
    let proxy = Proxy::start(Protocol::Postgres, port(&url)).await;
    let mut client = PgConnection::connect(&proxy.url(&url)).await.unwrap();
    let mut stops = proxy.hold();
    let asking = tokio::spawn(async move {
        sqlx::query_scalar::<_, i32>("SELECT $1 + 1").bind(41).fetch_one(&mut client).await.unwrap()
    });
    let mut points = Vec::new();
    while !asking.is_finished() {
        while let Some(stop) = stops.try_next() {
            points.push(stop.point.clone());
            stop.pass();
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(asking.await.unwrap(), 42);
    assert!(points[0] == Point::Command("parse SELECT $1 + 1".to_owned()), "{points:?}");
    let answers = points.iter().filter(|point| matches!(point, Point::Answer(_))).count();
    assert_eq!(2 * answers, points.len(), "{points:?}");
}

#[tokio::test]
async fn it_understands_mariadb() {
    let url = Backend::MariaDb.server();
    let proxy = Proxy::start(Protocol::MySql, port(&url)).await;
    let mut client = MySqlConnection::connect(&proxy.url(&url)).await.unwrap();
    let before = proxy.commands().len();
    let answer: i64 = sqlx::query_scalar("SELECT ? + 1").bind(41).fetch_one(&mut client).await.unwrap();
    assert_eq!(answer, 42);
    let [prepare, execute] = &proxy.commands()[before..] else { panic!("two commands") };
    assert_eq!(prepare, "prepare SELECT ? + 1");
    assert!(execute.starts_with("execute "), "{execute}");
    client.close().await.unwrap();
}
