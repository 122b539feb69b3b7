use std::fs;
use std::os::unix::fs::symlink;

use cloakroom_core::{
    Clock as _, ErrorKind, Invalidate, Invalidated, Names, Select, Store as _, Sweep, Ticket, Wanted,
};
use cloakroom_testkit::Harness as _;

use crate::support::*;

/// Gives the header another format, as a newer version would write it.
#[expect(clippy::ptr_arg, reason = "one of several that change a file in any way")]
fn unknown_format(file: &mut Vec<u8>) {
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
    file[7] = 2;
    let checksum = crc.checksum(&[&file[32..40], &file[..40]].concat());
    file[40..44].copy_from_slice(&checksum.to_be_bytes());
}

/// Ways in which a session cannot be read.
const DAMAGES: [fn(&mut Vec<u8>); 5] = [
    unknown_format,
    |file| file.truncate(20),
    |file| file.truncate(300),
    |file| file[64..192].fill(0),
    |file| file[220] ^= 1,
];

#[tokio::test]
async fn a_damaged_session_is_an_error_of_its_own_alone() {
    for damage in DAMAGES {
        let nodes = Nodes::new();
        let store = nodes.store().await;
        let (damaged, sound) = (session(&store, "a", "1").await, session(&store, "a", "2").await);
        nodes.tamper(&damaged, damage);
        let error = store.commit(&change(damaged.guard(), vec![set("a", "3")])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_eq!(open(&store, &damaged, &[]).await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(read(&store, &sound, "a").await.unwrap(), "2");
        commit(&store, &change(sound.guard(), vec![set("a", "4")])).await;
    }
}

#[tokio::test]
async fn an_error_tells_of_a_newer_format() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    nodes.tamper(&ticket, unknown_format);
    let error = open(&store, &ticket, &[]).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("format 2"), "{source}");
}

#[tokio::test]
async fn another_sessions_file_opens_nothing() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let (one, two) = (session(&store, "a", "1").await, session(&store, "a", "2").await);
    fs::copy(nodes.file(&one), nodes.file(&two)).unwrap();
    assert_eq!(open(&store, &two, &[]).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_damaged_value_harms_no_other_attribute() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", vec![7; 5000]).await;
    commit(&store, &change(ticket.guard(), vec![set("b", "sound")])).await;
    nodes.tamper(&ticket, |file| {
        let at = file.windows(100).position(|it| it == [7; 100]).unwrap();
        file[at + 50] = 8;
    });
    assert_eq!(open(&store, &ticket, &["a"]).await.unwrap_err().kind(), ErrorKind::Corrupt);
    for number in 0..40 {
        commit(&store, &change(ticket.guard(), vec![set("b", vec![number; 2000])])).await;
        let length = fs::metadata(nodes.file(&ticket)).unwrap().len();
        assert!(length < 2 * (5000 + 2000 + 1000) + (16 << 10), "{length} bytes after {number} commits");
    }
    assert_eq!(read(&store, &ticket, "b").await.unwrap(), vec![39; 2000]);
    assert_eq!(
        open(&store, &ticket, &["a"]).await.unwrap_err().kind(),
        ErrorKind::Corrupt,
        "it is carried along"
    );
    commit(&store, &change(ticket.guard(), vec![set("a", "mended")])).await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "mended");
}

#[tokio::test]
async fn a_list_leaves_out_what_cannot_be_read() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let (damaged, sound) = (session_of(&store, "ada").await, session_of(&store, "ada").await);
    nodes.tamper(&damaged, unknown_format);
    let listed = store.sessions_of(&principal("ada")).await.unwrap();
    assert_eq!(listed.iter().map(|info| info.handle).collect::<Vec<_>>(), [sound.handle()]);
}

#[tokio::test]
async fn all_of_a_principals_sessions_end_also_those_that_cannot_be_read() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let tickets =
        [session_of(&store, "ada").await, session_of(&store, "ada").await, session_of(&store, "ada").await];
    nodes.tamper(&tickets[0], unknown_format);
    nodes.tamper(&tickets[1], |file| file.truncate(50));
    let all = Invalidate::Principal { principal: principal("ada"), except: None };
    let Invalidated::Done(ended) = store.invalidate(&all).await.unwrap() else { panic!("superseded") };
    assert_eq!(ended.iter().map(|ended| ended.handle).collect::<Vec<_>>(), [tickets[2].handle()]);
    for ticket in &tickets {
        assert!(!nodes.file(ticket).exists());
    }
}

#[tokio::test]
async fn a_sweep_removes_what_is_damaged_and_leaves_a_newer_format_to_newer_servers() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let [cut, newer, sound] =
        [session(&store, "a", "1").await, session(&store, "a", "1").await, session(&store, "a", "1").await];
    nodes.tamper(&cut, |file| file.truncate(200));
    nodes.tamper(&newer, unknown_format);
    nodes.clock.advance(INTERVAL);
    assert_eq!(sweep(&store).await, [sound.handle()]);
    assert_eq!(sweep(&store).await, []);
    assert!(!nodes.file(&cut).exists());
    assert!(nodes.file(&newer).exists());
}

/// Also where a sweep opens each file, because everybody's sessions have ended once.
#[tokio::test]
async fn a_damaged_session_stays_until_it_would_have_expired() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    store.invalidate(&Invalidate::Everyone).await.unwrap();
    let damaged = session(&store, "a", "1").await;
    nodes.tamper(&damaged, |file| file.truncate(200));
    let file = fs::File::options().write(true).open(nodes.file(&damaged)).unwrap();
    file.set_modified(nodes.clock.now().plus(INTERVAL).into()).unwrap();
    let another = nodes.store().await;
    assert_eq!(sweep(&another).await, []);
    assert_eq!(open(&store, &damaged, &[]).await.unwrap_err().kind(), ErrorKind::Corrupt);
    nodes.clock.advance(INTERVAL);
    assert_eq!(sweep(&another).await, []);
    assert!(!nodes.file(&damaged).exists());
}

/// A link in place of a session's file, and after it in a sweep's way a session that has expired.
#[tokio::test]
async fn a_session_that_cannot_be_opened_does_not_stop_sweeps() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let mut tickets = [session(&store, "a", "1").await, session(&store, "a", "1").await];
    tickets.sort_unstable_by_key(|it| (it.handle().as_bytes()[15], it.handle()));
    let [planted, sound] = tickets;
    fs::remove_file(nodes.file(&planted)).unwrap();
    symlink("nowhere", nodes.file(&planted)).unwrap();
    nodes.clock.advance(INTERVAL);
    assert_eq!(sweep(&store).await, [sound.handle()]);
    let everything = Sweep { limit: 10, lease: None, select: Select::default() };
    let error = store.sweep(&everything).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "it is told of where nothing is handed out");
}

/// A listener asks for values, one of which is damaged.
#[tokio::test]
async fn a_session_with_a_damaged_value_is_handed_out_without_its_values() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let [damaged, sound] =
        [session(&store, "a", vec![7; 100]).await, session(&store, "a", vec![7; 100]).await];
    nodes.tamper(&damaged, |file| {
        let at = file.windows(100).position(|it| it == [7; 100]).unwrap();
        file[at + 50] = 8;
    });
    nodes.clock.advance(INTERVAL);
    let values = Wanted::Named(Names::from_iter([name("a")]));
    let request = Sweep { limit: 10, lease: None, select: Select { values, names: false } };
    let ended = store.sweep(&request).await.unwrap();
    let found = |ticket: &Ticket| ended.iter().find(|it| it.handle == ticket.handle()).unwrap();
    assert_eq!(ended.len(), 2);
    assert_eq!((found(&sound).attributes.len(), found(&damaged).attributes.len()), (1, 0));
    assert_eq!(found(&damaged).names, [name("a")]);
    assert!(!nodes.file(&damaged).exists());
}
