use servers::RedisSentinel;

#[test]
fn the_replica_is_promoted_when_the_primary_is_killed() {
    let mut all = RedisSentinel::start().unwrap();
    assert_eq!(all.primary(), Some(0));
    let [primary, replica] = all.servers();
    primary.ask(&["SET", "a", "1"]).unwrap();
    // A connection of its own would have nothing to wait for.
    let mut connection = servers::Connection::open(primary.port()).unwrap();
    connection.ask(&["SET", "a", "2"]).unwrap();
    assert_eq!(connection.ask(&["WAIT", "1", "5000"]).unwrap().text(), "1");
    assert!(replica.ask(&["SET", "a", "3"]).is_err());
    primary.kill();
    all.until_primary(1).unwrap();
    let [_, promoted] = all.servers();
    assert_eq!(promoted.ask(&["GET", "a"]).unwrap().text(), "2");
    promoted.ask(&["SET", "a", "3"]).unwrap();
}
