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

/// One right after the other, so that a node which had not heard of the last one's epoch would lose its slot, keys and all.
#[test]
fn many_slots_migrate_with_their_keys() {
    let mut cluster = RedisCluster::start().unwrap();
    let keys: Vec<String> = (0..20).map(|number| format!("key {number}")).collect();
    let slots: Vec<u16> = keys.iter().map(|key| cluster.slot(key.as_bytes()).unwrap()).collect();
    let mut places: Vec<usize> = slots.iter().map(|&slot| cluster.serves(slot).unwrap()).collect();
    for (key, &place) in keys.iter().zip(&places) {
        cluster.nodes()[place].ask(&["SET", key, "x"]).unwrap();
    }
    for _ in 0..3 {
        for (&slot, place) in slots.iter().zip(&mut places) {
            *place = (*place + 1) % 3;
            cluster.begin_migration(slot, *place).unwrap();
            assert_eq!(cluster.move_keys(slot, *place).unwrap(), 1);
        }
        for (&slot, &place) in slots.iter().zip(&places) {
            cluster.end_migration(slot, place).unwrap();
        }
    }
    for (key, &place) in keys.iter().zip(&places) {
        assert_eq!(cluster.nodes()[place].ask(&["GET", key]).unwrap().text(), "x");
    }
}
