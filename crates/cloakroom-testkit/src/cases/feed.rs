//! The feed of changes. A store that has none passes these cases: there is nothing to hold it to.

use std::time::{Duration, Instant};

use cloakroom_core::{AtLimit, Feed, Handle, Invalidate, Notice, Store};
use futures_util::StreamExt as _;

use crate::Harness;
use crate::support::*;

async fn next(feed: &mut Feed) -> Notice {
    feed.next().await.expect("the feed must go on").expect("the feed must not fail")
}

/// Waits until this is told.
async fn told(feed: &mut Feed, wanted: Notice) {
    while next(feed).await != wanted {}
}

/// Waits until the end of this session is told, or of all of them.
async fn told_of_the_end(feed: &mut Feed, of: Handle) {
    loop {
        if let Notice::Ended { handle } = next(feed).await
            && handle.is_none_or(|told| told == of)
        {
            return;
        }
    }
}

/// Commits to a new session until the feed tells of it: it may take a moment to start.
async fn started(feed: &mut Feed, store: &impl Store) {
    let ticket = ticket();
    committed(create(&ticket).on(store).await);
    for _ in 0..100 {
        let version = committed(change(&ticket).on(store).await).version;
        let told = told(feed, Notice::Committed { handle: ticket.handle(), version });
        if tokio::time::timeout(Duration::from_millis(200), told).await.is_ok() {
            return;
        }
    }
    panic!("the feed tells of no commit");
}

/// A feed tells of every commit, with its version, whichever node it was made on.
pub async fn a_feed_tells_of_commits<H: Harness>(harness: &H) {
    let (here, there) = (harness.store().await, harness.store().await);
    let Some(mut feed) = here.feed() else { return };
    started(&mut feed, &there).await;
    let ticket = ticket();
    let renewal = renewal(&ticket);
    for draft in [
        create(&ticket),
        change(&ticket).set("a", "1"),
        change(&ticket).renew(&renewal, LONG),
        change(&renewal.next).sign_in(&other_ticket(&ticket), "ann", LONG),
    ] {
        let version = committed(draft.on(&there).await).version;
        let wanted = Notice::Committed { handle: ticket.handle(), version };
        soon("the notice of a commit", told(&mut feed, wanted)).await;
    }
}

/// A feed tells of every session that was ended: by itself, with others of its principal, to make room, or with everyone.
pub async fn a_feed_tells_of_ends<H: Harness>(harness: &H) {
    let (here, there) = (harness.store().await, harness.store().await);
    let Some(mut feed) = here.feed() else { return };
    started(&mut feed, &there).await;
    for way in 0..5 {
        let ticket = ticket();
        let handle = ticket.handle();
        committed(create(&ticket).bound_to("ann").on(&there).await);
        match way {
            0 => drop(end(&there, &ticket).await),
            1 => drop(invalidate(&there, by_handle(handle, None)).await),
            2 => drop(invalidate(&there, by_principal("ann", None)).await),
            3 => drop(invalidate(&there, Invalidate::Everyone).await),
            _ => {
                let end_oldest = AtLimit::EndOldest;
                let draft = create(&self::ticket()).bound_within("ann", 1, end_oldest);
                committed(draft.on(&there).await);
            }
        }
        soon("the notice of an end", told_of_the_end(&mut feed, handle)).await;
    }
}

/// A feed keeps to the store's own namespace.
pub async fn a_feed_keeps_to_its_own<H: Harness>(harness: &H) {
    let (ours, theirs) = (harness.store().await, harness.neighbour().await);
    let Some(mut feed) = ours.feed() else { return };
    started(&mut feed, &ours).await;
    let (foreign, last) = (ticket(), ticket());
    committed(create(&foreign).on(&theirs).await);
    end(&theirs, &foreign).await;
    committed(create(&last).on(&ours).await);
    let notices = async {
        loop {
            let told = match next(&mut feed).await {
                Notice::Committed { handle, .. } | Notice::Ended { handle: Some(handle) } => handle,
                Notice::Ended { handle: None } | Notice::CaughtUp(_) => continue,
            };
            assert_ne!(told, foreign.handle(), "a notice from another namespace");
            if told == last.handle() {
                return;
            }
        }
    };
    soon("the notice of a commit", notices).await;
}

/// Again and again a feed tells since when it has told everything; what was acknowledged before that has been told.
pub async fn a_feed_tells_that_it_has_caught_up<H: Harness>(harness: &H) {
    let (here, there) = (harness.store().await, harness.store().await);
    let Some(mut feed) = here.feed() else { return };
    started(&mut feed, &there).await;
    for _ in 0..3 {
        let ticket = ticket();
        let version = committed(create(&ticket).on(&there).await).version;
        let acknowledged = Instant::now();
        let caught_up = async {
            let mut is_told = false;
            loop {
                match next(&mut feed).await {
                    Notice::CaughtUp(moment) if moment > acknowledged => return is_told,
                    notice => is_told |= notice == Notice::Committed { handle: ticket.handle(), version },
                }
            }
        };
        let is_told = soon("the notice of having caught up", caught_up).await;
        assert!(is_told, "a feed that has caught up has told of every commit before");
    }
}
