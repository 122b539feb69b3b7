use std::error::Error as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use cloakroom_core::{Error, ErrorKind, Store as _};
use cloakroom_file::FileStore;
use cloakroom_testkit::Harness as _;

use crate::support::*;

/// Lists all files and folders.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

async fn refused(directory: PathBuf) -> (ErrorKind, String) {
    let error: Error = FileStore::open(directory).await.unwrap_err();
    (error.kind(), error.source().unwrap().to_string())
}

#[tokio::test]
async fn everything_is_for_the_owner_alone() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    session_of(&store, "ada").await;
    session(&store, "a", vec![1; 50_000]).await;
    let all = walk(&nodes.directory());
    assert!(all.len() > 8);
    for path in all {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
}

#[tokio::test]
async fn no_name_is_part_of_a_path() {
    let nodes = Nodes::new();
    let store = nodes.builder().namespace("../../escaped").unwrap().open().await.unwrap();
    session_of(&store, "../../../escaped").await;
    session(&store, "../escaped", "1").await;
    let outside: Vec<_> = fs::read_dir(nodes.folder()).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(outside, [nodes.directory()]);
    for path in walk(&nodes.directory()) {
        assert!(!path.to_str().unwrap().contains("escaped"));
    }
    assert_eq!(store.sessions_of(&principal("../../../escaped")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_planted_link_is_not_followed() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let (one, two) = (session(&store, "a", "1").await, session(&store, "a", "1").await);
    let (theirs, link) = (nodes.folder().join("theirs"), nodes.file(&one));
    fs::copy(&link, &theirs).unwrap();
    fs::remove_file(&link).unwrap();
    symlink(&theirs, &link).unwrap();
    let error = open(&store, &one, &["a"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let error = store.commit(&change(one.guard(), vec![set("a", "2")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);

    let new = nodes.file(&two).with_file_name("new");
    symlink(&theirs, &new).unwrap();
    let before = fs::read(&theirs).unwrap();
    let mut clear = change(two.guard(), vec![set("b", vec![1; 60_000])]);
    commit(&store, &clear).await;
    clear = change(two.guard(), vec![set("b", vec![2; 60_000])]);
    commit(&store, &clear).await;
    assert_eq!(fs::read(&theirs).unwrap(), before, "nothing was written through the link");
}

#[tokio::test]
async fn a_directory_that_others_may_write_to_is_refused() {
    let nodes = Nodes::new();
    fs::create_dir(nodes.directory()).unwrap();
    fs::set_permissions(nodes.directory(), PermissionsExt::from_mode(0o777)).unwrap();
    let (kind, text) = refused(nodes.directory()).await;
    assert_eq!(kind, ErrorKind::Refused);
    assert!(text.contains("others may write") && text.contains("777"), "{text}");
    fs::set_permissions(nodes.directory(), PermissionsExt::from_mode(0o750)).unwrap();
    nodes.store().await;
}

#[tokio::test]
async fn what_is_no_directory_is_refused() {
    let nodes = Nodes::new();
    fs::write(nodes.directory(), "a file").unwrap();
    let (kind, text) = refused(nodes.directory()).await;
    assert_eq!(kind, ErrorKind::Refused);
    assert!(text.contains("is not a directory"), "{text}");
}

#[tokio::test]
async fn a_link_in_place_of_a_namespace_is_refused() {
    let nodes = Nodes::new();
    nodes.store().await;
    let (namespace, moved) = (nodes.namespace(), nodes.folder().join("moved"));
    fs::rename(&namespace, &moved).unwrap();
    symlink(&moved, &namespace).unwrap();
    let (kind, text) = refused(nodes.directory()).await;
    assert_eq!(kind, ErrorKind::Refused, "{text}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_unavailable() {
    let nodes = Nodes::new();
    let (kind, _) = refused(nodes.folder().join("nowhere/sessions")).await;
    assert_eq!(kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn another_layout_is_refused() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    fs::write(nodes.namespace().join("state"), "cloakroom-file 2\nepoch 0\n").unwrap();
    let (kind, text) = refused(nodes.directory()).await;
    assert_eq!(kind, ErrorKind::Refused);
    assert!(text.contains("cloakroom-file 2"), "{text}");
    assert_eq!(open(&store, &ticket, &[]).await.unwrap_err().kind(), ErrorKind::Refused);
}

/// A directory that is away is not an empty one.
#[tokio::test]
async fn a_directory_that_is_away_is_unavailable() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session_of(&store, "ada").await;
    let away = nodes.folder().join("away");
    fs::rename(nodes.directory(), &away).unwrap();
    let errors = [
        open(&store, &ticket, &["a"]).await.map(drop).unwrap_err(),
        store.commit(&change(ticket.guard(), Vec::new())).await.map(drop).unwrap_err(),
        store.sessions_of(&principal("ada")).await.map(drop).unwrap_err(),
        store.invalidate(&cloakroom_core::Invalidate::Ticket(ticket.guard())).await.map(drop).unwrap_err(),
        store.ping().await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    fs::rename(&away, nodes.directory()).unwrap();
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
}

#[tokio::test]
async fn sessions_are_there_when_the_directory_is_opened_again() {
    let nodes = Nodes::new();
    let ticket = session(&nodes.store().await, "a", "kept").await;
    assert_eq!(read(&nodes.store().await, &ticket, "a").await.unwrap(), "kept");
}
