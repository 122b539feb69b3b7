//! What is not known to be on disk is not acknowledged, by a retry neither.
//!
//! A folder that may be written and not read can be changed, and not be waited for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cloakroom_core::{Invalidate, Outcome, Store as _, Ticket, Version};
use cloakroom_file::FileStore;
use cloakroom_testkit::Harness as _;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use crate::support::*;

const SHUT: u32 = 0o300;
const OPEN: u32 = 0o700;

fn mode(folder: &Path, mode: u32) {
    fs::set_permissions(folder, PermissionsExt::from_mode(mode)).unwrap();
}

/// Runs a test where modes hold for everybody: root gives up to read against them, for this thread and those that it starts.
fn without_privileges(test: impl AsyncFnOnce(Nodes, FileStore) + Send + 'static) {
    let test = move || {
        let mut mine = capabilities(None).unwrap();
        mine.effective = CapabilitySet::empty();
        set_capabilities(None, mine).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let nodes = Nodes::new();
            let store = nodes.store().await;
            test(nodes, store).await;
        });
    };
    std::thread::spawn(test).join().unwrap();
}

/// Asserts that this fails as often as it is tried, until the folder can be waited for.
async fn ends_once_it_is_on_disk(nodes: &Nodes, store: &FileStore, ticket: &Ticket, end: Invalidate) {
    let file = nodes.file(ticket);
    mode(file.parent().unwrap(), SHUT);
    for _ in 0..3 {
        store.invalidate(&end).await.unwrap_err();
        assert!(!file.exists());
    }
    mode(file.parent().unwrap(), OPEN);
    store.invalidate(&end).await.unwrap();
}

#[test]
fn an_end_that_is_asked_for_again_is_waited_for() {
    without_privileges(async |nodes, store| {
        let ticket = session(&store, "a", "1").await;
        ends_once_it_is_on_disk(&nodes, &store, &ticket, Invalidate::Ticket(ticket.guard())).await;
        let ticket = session(&store, "a", "1").await;
        let by_handle = Invalidate::Handle { handle: ticket.handle(), owner: None };
        ends_once_it_is_on_disk(&nodes, &store, &ticket, by_handle).await;
        let ticket = session_of(&store, "ada").await;
        let all = Invalidate::Principal { principal: principal("ada"), except: None };
        ends_once_it_is_on_disk(&nodes, &store, &ticket, all).await;
    });
}

/// What is known of a session that has gone, but is not known to be on disk, stays in the index.
#[test]
fn a_list_does_not_hide_an_end_that_was_not_waited_for() {
    without_privileges(async |nodes, store| {
        let ticket = session_of(&store, "ada").await;
        let folder = nodes.file(&ticket).parent().unwrap().to_owned();
        mode(&folder, SHUT);
        store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap_err();
        store.sessions_of(&principal("ada")).await.unwrap_err();
        let all = Invalidate::Principal { principal: principal("ada"), except: None };
        store.invalidate(&all).await.unwrap_err();
        mode(&folder, OPEN);
        store.invalidate(&all).await.unwrap();
    });
}

#[test]
fn a_commit_that_is_tried_again_is_waited_for() {
    without_privileges(async |nodes, store| {
        let ticket = Ticket::generate().unwrap();
        let folder = nodes.file(&ticket).parent().unwrap().to_owned();
        fs::create_dir(&folder).unwrap();
        let creating = create(ticket.guard(), vec![set("a", "1")]);
        let changing = change(ticket.guard(), vec![set("a", "2")]);
        for (commit, version) in [(creating, 1), (changing, 2)] {
            mode(&folder, SHUT);
            let _ = store.commit(&commit).await;
            for _ in 0..3 {
                store.commit(&commit).await.unwrap_err();
            }
            mode(&folder, OPEN);
            let Outcome::Committed(committed) = store.commit(&commit).await.unwrap() else {
                panic!("refused")
            };
            assert_eq!(committed.version, Version(version));
        }
    });
}

#[test]
fn a_folder_that_was_not_waited_for_is_made_again() {
    without_privileges(async |nodes, store| {
        let (_, signing_in) = sign_in(&session(&store, "a", "1").await, "ada");
        let principals = nodes.namespace().join("principals");
        mode(&principals, SHUT);
        for _ in 0..3 {
            store.commit(&signing_in).await.unwrap_err();
        }
        mode(&principals, OPEN);
        commit(&store, &signing_in).await;
        assert_eq!(store.sessions_of(&principal("ada")).await.unwrap().len(), 1);
    });
}

#[test]
fn the_directory_itself_is_waited_for() {
    without_privileges(async |nodes, _| {
        let directory = nodes.folder().join("another");
        mode(nodes.folder(), SHUT);
        for _ in 0..3 {
            FileStore::open(&directory).await.unwrap_err();
        }
        mode(nodes.folder(), OPEN);
        FileStore::open(&directory).await.unwrap();
    });
}
