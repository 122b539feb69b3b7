//! No room for a commit: a process that may write no files of more than 64 KiB.

use std::process::Command;

use cloakroom_core::{Bind, ErrorKind, Intent, Store as _, Ticket, Version};
use cloakroom_testkit::Harness as _;

use crate::index::entries;
use crate::support::*;

#[test]
fn a_commit_for_which_there_is_no_room_leaves_the_session_as_it_was() {
    let mut command = Command::new("bash");
    // A write beyond the limit is an error, not a signal.
    command
        .args(["-c", "ulimit -f 64; trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "full::a_process_without_room"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[tokio::test]
#[ignore = "started by another test, as a process of its own"]
async fn a_process_without_room() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", vec![1; 30_000]).await;
    let length = std::fs::metadata(nodes.file(&ticket)).unwrap().len();
    for _ in 0..3 {
        let large = change(ticket.guard(), vec![set("b", vec![2; 200_000]), set("a", "new")]);
        assert_eq!(store.commit(&large).await.unwrap_err().kind(), ErrorKind::Full);
        assert_eq!(std::fs::metadata(nodes.file(&ticket)).unwrap().len(), length, "nothing is left of it");
        assert_eq!(read(&store, &ticket, "a").await.unwrap(), vec![1; 30_000]);
        assert_eq!(read(&store, &ticket, "b").await, None);
    }
    commit(&store, &change(ticket.guard(), vec![set("b", "small")])).await;
    let opened = open(&store, &ticket, &["b"]).await.unwrap().unwrap();
    assert_eq!((opened.meta.version, &opened.attributes[0].value[..]), (Version(2), &b"small"[..]));

    let none = Ticket::generate().unwrap();
    let error = store.commit(&create(none.guard(), vec![set("a", vec![1; 100_000])])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert!(open(&store, &none, &[]).await.unwrap().is_none());
    assert!(!nodes.file(&none).with_file_name("new").exists());
    commit(&store, &create(none.guard(), vec![set("a", "1")])).await;

    let (ada, bind) = (Ticket::generate().unwrap(), Bind { principal: principal("ada"), max_sessions: None });
    let mut signing_in = create(ada.guard(), vec![set("a", vec![1; 100_000])]);
    if let Intent::Create(creation) = &mut signing_in.intent {
        creation.bind = Some(bind);
    }
    assert_eq!(store.commit(&signing_in).await.unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(entries(&nodes).len(), 0, "nothing is left in the index");
}
