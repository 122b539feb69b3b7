//! Ends that race with other requests: nothing comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cloakroom_core::{Gone, Handle, Invalidated, Loaded, Outcome, Store, Ticket};

use crate::Harness;
use crate::support::*;

const ROUNDS: usize = 12;

/// Whatever commits are under way, from the answer to an invalidation on the session is gone for good.
pub async fn commits_bring_nothing_back<H: Harness>(harness: &H) {
    let nodes = [node(harness).await, node(harness).await];
    for _ in 0..ROUNDS {
        let ticket = ticket();
        committed(create(&ticket).bound_to("ann").set("a", "1").on(&*nodes[0]).await);
        let is_ended = Arc::new(AtomicBool::new(false));
        let race = at_once(4, |number| {
            let (store, is_ended) = (Arc::clone(&nodes[number % 2]), Arc::clone(&is_ended));
            async move {
                if number == 0 {
                    assert_eq!(handles(&end(&*store, &ticket).await), [ticket.handle()]);
                    is_ended.store(true, Ordering::SeqCst);
                } else {
                    commit_until_gone(&*store, &ticket, &is_ended).await;
                }
            }
        });
        soon("commits and an invalidation", race).await;
        assert_absent(peek(&*nodes[1], &ticket).await);
        assert!(sessions_of(&*nodes[1], "ann").await.is_empty());
    }
}

/// Commits until the session is gone, and once more; a commit that began after the end was told must find it gone.
async fn commit_until_gone(store: &impl Store, ticket: &Ticket, is_ended: &AtomicBool) {
    loop {
        let must_be_gone = is_ended.load(Ordering::SeqCst);
        match change(ticket).set("a", "2").on(store).await {
            Outcome::Committed(_) => assert!(!must_be_gone, "a commit was applied after the end"),
            outcome => {
                assert_gone(outcome, Gone::Absent);
                break;
            }
        }
        tokio::task::yield_now().await;
    }
    assert_gone(change(ticket).set("a", "3").on(store).await, Gone::Absent);
}

/// Whatever accesses are under way, from the answer to an invalidation on the session is gone for good.
pub async fn accesses_bring_nothing_back<H: Harness>(harness: &H) {
    let nodes = [node(harness).await, node(harness).await];
    for _ in 0..ROUNDS {
        let ticket = ticket();
        committed(create(&ticket).set("a", "1").on(&*nodes[0]).await);
        a_moment(harness).await;
        let race = at_once(4, |number| {
            let store = Arc::clone(&nodes[number % 2]);
            async move {
                if number == 0 {
                    end(&*store, &ticket).await;
                } else {
                    visit_until_gone(&*store, &ticket).await;
                }
            }
        });
        soon("accesses and an invalidation", race).await;
        assert_absent(peek(&*nodes[1], &ticket).await);
    }
}

async fn visit_until_gone(store: &impl Store, ticket: &Ticket) {
    while matches!(visit(store, ticket).await, Loaded::Open(_)) {
        tokio::task::yield_now().await;
    }
    assert_absent(visit(store, ticket).await);
}

/// Of an invalidation and a renewal either comes first; afterwards neither ticket opens anything.
pub async fn a_renewal_brings_nothing_back<H: Harness>(harness: &H) {
    let nodes = [node(harness).await, node(harness).await];
    for _ in 0..ROUNDS {
        let ticket = ticket();
        committed(create(&ticket).set("a", "1").on(&*nodes[0]).await);
        let renewal = renewal(&ticket);
        let race = at_once(2, |number| {
            let store = Arc::clone(&nodes[number]);
            async move {
                if number == 0 {
                    assert_eq!(end(&*store, &ticket).await.len(), 1);
                } else {
                    drop(change(&ticket).renew(&renewal, LONG).on(&*store).await);
                }
            }
        });
        soon("a renewal and an invalidation", race).await;
        assert_absent(peek(&*nodes[0], &ticket).await);
        assert_absent(peek(&*nodes[1], &renewal.next).await);
    }
}

/// Of a logout and a sign-in either comes first: the logout ends the session, or is told that it was superseded.
pub async fn a_logout_and_a_sign_in_come_one_after_the_other<H: Harness>(harness: &H) {
    let nodes = [node(harness).await, node(harness).await];
    for _ in 0..ROUNDS {
        let before = ticket();
        committed(create(&before).set("a", "1").on(&*nodes[0]).await);
        let after = other_ticket(&before);
        let race = at_once(2, |number| {
            let store = Arc::clone(&nodes[number]);
            async move {
                if number == 0 {
                    let answer = invalidate(&*store, by_ticket(&before)).await;
                    matches!(answer, Invalidated::Superseded)
                } else {
                    let outcome = change(&before).sign_in(&after, "ann", LONG).on(&*store).await;
                    matches!(outcome, Outcome::Committed(_))
                }
            }
        });
        let [was_superseded, is_signed_in] = soon("a logout and a sign-in", race).await[..] else {
            panic!("two answers")
        };
        assert_eq!(was_superseded, is_signed_in, "both say the same of what came first");
        let listed = sessions_of(&*nodes[0], "ann").await;
        assert_eq!(listed.len(), usize::from(is_signed_in));
        if is_signed_in {
            assert_eq!(end(&*nodes[0], &after).await.len(), 1);
        } else {
            assert_absent(peek(&*nodes[0], &after).await);
        }
    }
}

/// Ending a principal's sessions is complete: each sign-in that races with it is either ended or still listed, and one that
/// was answered before it began is ended.
pub async fn no_sign_in_slips_through_an_end<H: Harness>(harness: &H) {
    let nodes = [node(harness).await, node(harness).await];
    let is_asked = Arc::new(AtomicBool::new(false));
    let race = at_once(5, |number| {
        let (store, is_asked) = (Arc::clone(&nodes[number % 2]), Arc::clone(&is_asked));
        async move {
            if number == 0 {
                tokio::task::yield_now().await;
                is_asked.store(true, Ordering::SeqCst);
                let ended = invalidate(&*store, by_principal("ann", None)).await;
                (handles(&done(ended)), Vec::new())
            } else {
                (Vec::new(), sign_ins(&*store, &is_asked).await)
            }
        }
    });
    let mut ended = Vec::new();
    let mut signed_in = Vec::new();
    for (ended_here, signed_in_here) in soon("sign-ins and an end", race).await {
        ended.extend(ended_here);
        signed_in.extend(signed_in_here);
    }
    let store = &*nodes[1];
    let listed = handles_of(store, "ann").await;
    for (ticket, came_before) in &signed_in {
        let handle = ticket.handle();
        let is_open = matches!(peek(store, ticket).await, Loaded::Open(_));
        assert_eq!(is_open, listed.contains(&handle), "open and listed are the same");
        assert_ne!(is_open, ended.contains(&handle), "ended or open, never both");
        assert!(!(*came_before && is_open), "it was there before, and must be ended");
    }
    assert_all_known(&signed_in, &ended, &listed);
}

/// Signs in to a few new sessions, and tells of each whether that was answered before the end was asked for.
async fn sign_ins(store: &impl Store, is_asked: &AtomicBool) -> Vec<(Ticket, bool)> {
    let mut tickets = Vec::new();
    for round in 0..6 {
        let before = ticket();
        let after = other_ticket(&before);
        if round % 2 == 0 {
            committed(create(&after).bound_to("ann").on(store).await);
        } else {
            committed(create(&before).on(store).await);
            committed(change(&before).sign_in(&after, "ann", LONG).on(store).await);
        }
        tickets.push((after, !is_asked.load(Ordering::SeqCst)));
    }
    tickets
}

fn assert_all_known(signed_in: &[(Ticket, bool)], ended: &[Handle], listed: &[Handle]) {
    let known = sorted(signed_in.iter().map(|(ticket, _)| ticket.handle()));
    let told = sorted(ended.iter().chain(listed).copied());
    assert_eq!(told, known, "each session is told of once");
}
