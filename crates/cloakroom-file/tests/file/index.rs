use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use cloakroom_core::{
    AtLimit, Bind, Commit, ErrorKind, Intent, Invalidate, MaxSessions, Outcome, Store as _, Ticket,
};
use cloakroom_testkit::Harness as _;

use crate::support::*;

/// Lists the index's entries, whoever's they are.
fn entries(nodes: &Nodes) -> Vec<PathBuf> {
    let folders = |folder: PathBuf| {
        let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        entries.filter(|it| it.is_dir()).collect::<Vec<_>>()
    };
    let principals = folders(nodes.namespace().join("principals")).into_iter().flat_map(folders);
    principals
        .flat_map(|it| fs::read_dir(it).unwrap().map(|it| it.unwrap().path()).collect::<Vec<_>>())
        .collect()
}

#[tokio::test]
async fn an_entry_goes_with_its_session() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session_of(&store, "ada").await;
    assert_eq!(entries(&nodes).len(), 1);
    let (again, signing_in) = sign_in(&ticket, "ada");
    commit(&store, &signing_in).await;
    assert_eq!(entries(&nodes).len(), 1);
    let (bobs, rebinding) = sign_in(&again, "bob");
    commit(&store, &rebinding).await;
    assert_eq!(entries(&nodes).len(), 1, "ada's is gone");
    store.invalidate(&Invalidate::Ticket(bobs.guard())).await.unwrap();
    assert_eq!(entries(&nodes).len(), 0);

    session_of(&store, "ada").await;
    nodes.clock.advance(INTERVAL);
    assert_eq!(sweep(&store).await.len(), 1);
    assert_eq!(entries(&nodes).len(), 0);
}

#[tokio::test]
async fn an_entry_that_is_one_too_many_is_left_out_and_removed() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let (adas, bobs) = (session_of(&store, "ada").await, session_of(&store, "bob").await);
    let ada = entries(&nodes).into_iter().find(|it| it.ends_with(file_name(&adas))).unwrap();
    for wrong in [&bobs, &Ticket::generate().unwrap()] {
        fs::write(ada.with_file_name(file_name(wrong)), "").unwrap();
    }
    fs::write(ada.with_file_name("nonsense"), "").unwrap();
    assert_eq!(entries(&nodes).len(), 5);
    let listed = store.sessions_of(&principal("ada")).await.unwrap();
    assert_eq!(listed.iter().map(|it| it.handle).collect::<Vec<_>>(), [adas.handle()]);
    assert_eq!(entries(&nodes).len(), 3);
    assert_eq!(store.sessions_of(&principal("bob")).await.unwrap().len(), 1);
}

/// Ending a principal's sessions does not end one that is listed as theirs and is not.
#[tokio::test]
async fn a_wrong_entry_ends_nobody() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let (adas, bobs) = (session_of(&store, "ada").await, session_of(&store, "bob").await);
    let ada = entries(&nodes).into_iter().find(|it| it.ends_with(file_name(&adas))).unwrap();
    fs::write(ada.with_file_name(file_name(&bobs)), "").unwrap();
    let all = Invalidate::Principal { principal: principal("ada"), except: None };
    store.invalidate(&all).await.unwrap();
    assert!(open(&store, &adas, &[]).await.unwrap().is_none());
    assert_eq!(read(&store, &bobs, "a").await.unwrap(), "1");
    assert_eq!(entries(&nodes).len(), 1);
}

/// A sign-in that was refused, or whose process was killed midway, leaves an entry at most.
#[tokio::test]
async fn a_refused_sign_in_creates_nothing() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    session_of(&store, "ada").await;
    let ticket = Ticket::generate().unwrap();
    let mut create = create(ticket.guard(), Vec::new());
    if let Intent::Create(creation) = &mut create.intent {
        let max_sessions = Some(MaxSessions { count: 1, at_limit: AtLimit::Refuse });
        creation.bind = Some(Bind { principal: principal("ada"), max_sessions });
    }
    assert!(matches!(store.commit(&create).await.unwrap(), Outcome::OverLimit(_)));
    assert!(!nodes.file(&ticket).exists());
    assert_eq!(entries(&nodes).len(), 1);
}

/// A session of ada's is to end for a sign-in, and its lock is not to be had.
#[tokio::test]
async fn a_sign_in_that_failed_midway_ends_the_others_when_it_is_tried_again() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let first = session_of(&store, "ada").await;
    let folder = |ticket: &Ticket| ticket.handle().as_bytes()[15];
    let mut tickets = std::iter::repeat_with(|| Ticket::generate().unwrap());
    let second = tickets.find(|it| folder(it) != folder(&first)).unwrap();
    let signing_in = create_as_the_only_one(&second, "ada");
    let (lock, away) = (nodes.file(&first).with_file_name("lock"), nodes.folder().join("lock"));
    fs::rename(&lock, &away).unwrap();
    symlink("nowhere", &lock).unwrap();
    let error = store.commit(&signing_in).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "its outcome is unknown");
    assert_eq!(store.sessions_of(&principal("ada")).await.unwrap().len(), 2);
    fs::rename(&away, &lock).unwrap();
    let Outcome::Committed(committed) = store.commit(&signing_in).await.unwrap() else { panic!("refused") };
    assert_eq!(committed.ended.iter().map(|it| it.handle).collect::<Vec<_>>(), [first.handle()]);
    let listed = store.sessions_of(&principal("ada")).await.unwrap();
    assert_eq!(listed.iter().map(|it| it.handle).collect::<Vec<_>>(), [second.handle()]);
}

/// A retry of a sign-in ends nobody's sessions if somebody else has signed in to that one since.
#[tokio::test]
async fn a_sign_in_that_is_tried_again_too_late_ends_nothing() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = Ticket::generate().unwrap();
    let signing_in = create_as_the_only_one(&ticket, "ada");
    commit(&store, &signing_in).await;
    commit(&store, &sign_in(&ticket, "bob").1).await;
    let other = session_of(&store, "ada").await;
    commit(&store, &signing_in).await;
    assert_eq!(read(&store, &other, "a").await.unwrap(), "1");
}

/// Creates a session by a sign-in that ends the principal's others.
fn create_as_the_only_one(ticket: &Ticket, who: &str) -> Commit {
    let mut create = create(ticket.guard(), Vec::new());
    if let Intent::Create(creation) = &mut create.intent {
        let max_sessions = Some(MaxSessions { count: 1, at_limit: AtLimit::EndOldest });
        creation.bind = Some(Bind { principal: principal(who), max_sessions });
    }
    create
}

fn file_name(ticket: &Ticket) -> String {
    ticket.handle().to_string().replace('-', "")
}

/// Lists that shared a lock could keep a sign-in from it without end.
#[tokio::test]
async fn lists_share_no_lock() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session_of(&store, "ada").await;
    let entry = entries(&nodes).into_iter().next().unwrap();
    let lock = File::open(entry.parent().unwrap().with_file_name("lock")).unwrap();
    lock.lock_shared().unwrap();
    let ada = principal("ada");
    let mut list = pin!(store.sessions_of(&ada));
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut list).await.is_err());
    drop(lock);
    assert_eq!(list.await.unwrap()[0].handle, ticket.handle());
}
