use servers::RedisCluster;

#[test]
fn a_slot_migrates_with_its_keys() {
    let mut cluster = RedisCluster::start().unwrap();
    let slot = cluster.slot(b"{a}").unwrap();
    let from = cluster.serves(slot).unwrap();
    let to = (from + 1) % 3;
    for key in ["{a}1", "{a}2"] {
        cluster.nodes()[from].ask(&["SET", key, "x"]).unwrap();
    }
    cluster.begin_migration(slot, to).unwrap();
    assert_eq!(cluster.nodes()[from].ask(&["GET", "{a}1"]).unwrap().text(), "x");
    assert!(cluster.nodes()[from].ask(&["GET", "{a}3"]).unwrap_err().to_string().contains("ASK"));
    assert_eq!(cluster.move_keys(slot, to).unwrap(), 2);
    cluster.end_migration(slot, to).unwrap();
    assert!(cluster.nodes()[from].ask(&["GET", "{a}1"]).unwrap_err().to_string().contains("MOVED"));
    assert_eq!(cluster.nodes()[to].ask(&["GET", "{a}2"]).unwrap().text(), "x");
    cluster.migrate(slot, from).unwrap();
    assert_eq!(cluster.nodes()[from].ask(&["GET", "{a}2"]).unwrap().text(), "x");
}
