//! What other nodes do meanwhile. They are the store itself here, without this node.

use std::time::Duration;

use cloakroom::core::{
    Bind, Changes, Commit, Conflict, ErrorKind, Expect, Freshness, Gone, Invalidate, Limits, Load, Outcome,
    Principal, Seed, Select, Store as _, Ticket, TicketChange, Touch, Version,
};
use cloakroom_testkit::faulty::{Call, Fault, Operation};

use crate::support::{INTERVAL, Rig, change, committed, edit, is, load, opened, set, value};

const SMALL: Limits = Limits { attribute_bytes: 1000, session_bytes: 100, attributes: 1000 };

fn renewal(ticket: &Ticket) -> Commit {
    let seed = Seed::generate().unwrap();
    let (proof, grace) = (ticket.successor(&seed).guard().proof, Duration::from_secs(10));
    let renew = TicketChange::Renew { proof, seed, grace };
    change(ticket, Changes { ticket: Some(renew), ..Changes::default() })
}

#[tokio::test]
async fn what_is_held_back_is_not_seen_elsewhere_until_it_is_written() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    assert_eq!((rig.sees(&ticket).await, rig.stored(&ticket).await), (is(2, "1"), is(1, "0")));
    rig.node.flush().await.unwrap();
    assert_eq!((rig.sees(&ticket).await, rig.stored(&ticket).await), (is(2, "1"), is(2, "1")));
}

#[tokio::test]
async fn another_nodes_commit_in_between_is_lost_by_nobody() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    committed(rig.store.commit(&set(&ticket, "b", "other")).await);
    let seen = opened(load(&rig.node, &ticket).await.unwrap());
    assert_eq!((seen.meta.version.0, value(&seen, "a"), value(&seen, "b")), (3, "1".into(), "other".into()));
    let totals = (seen.meta.attributes, seen.meta.bytes);
    assert_eq!(totals, (2, 8));
    // And while the write is not caused by a load.
    assert_eq!(committed(rig.node.commit(&set(&ticket, "a", "2")).await).version.0, 4);
    committed(rig.store.commit(&set(&ticket, "b", "again")).await);
    rig.node.flush().await.unwrap();
    let before = rig.faults.count(Operation::Commit);
    let unsure = committed(rig.node.commit(&set(&ticket, "a", "3")).await);
    assert_eq!(rig.faults.count(Operation::Commit), before + 1, "it is not known what the other has changed");
    assert_eq!(unsure.version.0, 6);
    assert_eq!(rig.sees(&ticket).await, is(6, "3"));
}

#[tokio::test]
async fn versions_never_run_backward() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let mut last = 1;
    for round in 0..200_u32 {
        let version = match round % 7 {
            0 | 1 | 4 => committed(rig.node.commit(&set(&ticket, "a", &round.to_string())).await).version.0,
            2 if round % 3 == 0 => {
                committed(rig.store.commit(&set(&ticket, "b", &round.to_string())).await);
                last
            }
            3 => {
                rig.node.flush().await.unwrap();
                last
            }
            _ => rig.sees(&ticket).await.unwrap().0,
        };
        assert!(version >= last, "round {round}: {version} after {last}");
        last = version;
    }
}

#[tokio::test]
async fn an_end_elsewhere_wins() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    rig.store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    rig.node.flush().await.unwrap();
    assert_eq!(rig.node.held_sessions(), 0, "it is given up");
    assert_eq!((rig.stored(&ticket).await, rig.sees(&ticket).await), (None, None));
    let late = rig.node.commit(&set(&ticket, "a", "2")).await.unwrap();
    assert!(matches!(late, Outcome::Gone(Gone::Absent)), "{late:?}");
}

#[tokio::test]
async fn a_load_finds_an_end_elsewhere() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    rig.store.invalidate(&Invalidate::Everyone).await.unwrap();
    assert_eq!(rig.sees(&ticket).await, None);
    assert_eq!(rig.node.held_sessions(), 0);
}

#[tokio::test]
async fn a_renewal_elsewhere_lets_it_be_written() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    committed(rig.store.commit(&renewal(&ticket)).await);
    rig.node.flush().await.unwrap();
    assert_eq!(rig.sees(&ticket).await, is(3, "1"));
}

#[tokio::test]
async fn a_renewal_elsewhere_is_noticed_by_the_ticket_before_it() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    committed(rig.store.commit(&renewal(&ticket)).await);
    assert_eq!(rig.sees(&ticket).await, is(2, "0"));
    assert_eq!(committed(rig.node.commit(&set(&ticket, "a", "1")).await).version.0, 3, "2 was told already");
    assert_eq!(rig.stored(&ticket).await, is(3, "1"));
}

#[tokio::test]
async fn an_interval_that_another_ticket_has_made_shorter_counts() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let renewal = renewal(&ticket);
    let Some(TicketChange::Renew { seed, .. }) = &renewal.changes.ticket else { panic!() };
    let next = ticket.successor(seed);
    committed(rig.store.commit(&renewal).await);
    let interval = Duration::from_secs(50);
    let shorter = Changes { max_inactive_interval: Some(interval), ..Changes::default() };
    committed(rig.node.commit(&change(&ticket, shorter)).await);
    rig.clock.advance(interval - Duration::from_secs(1));
    assert_eq!(rig.sees(&next).await, is(3, "0"), "which is no access");
    committed(rig.node.commit(&set(&next, "a", "1")).await);
    assert_eq!(rig.stored(&next).await, is(4, "1"), "it could not have waited");
}

#[tokio::test]
async fn a_sign_in_elsewhere_refuses_it() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    let next = ticket.with_new_secret().unwrap();
    let bind = Bind { principal: Principal::new("ada").unwrap(), max_sessions: None };
    let (proof, grace) = (next.guard().proof, Duration::from_secs(10));
    let sign_in = Changes { ticket: Some(TicketChange::SignIn { proof, grace, bind }), ..Changes::default() };
    committed(rig.store.commit(&change(&ticket, sign_in)).await);
    rig.node.flush().await.unwrap();
    assert_eq!(rig.node.held_sessions(), 0);
    assert_eq!((rig.sees(&next).await, rig.sees(&ticket).await), (is(2, "0"), None));
}

#[tokio::test]
async fn what_no_longer_fits_is_lost_and_its_version_is_told_to_nobody_else() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let fill = |name: &str| Commit { limits: SMALL, ..set(&ticket, name, &"x".repeat(60)) };
    assert_eq!(committed(rig.node.commit(&fill("b")).await).version.0, 2);
    committed(rig.store.commit(&fill("c")).await);
    rig.node.flush().await.unwrap();
    assert_eq!(rig.node.held_sessions(), 0);
    let seen = opened(load(&rig.node, &ticket).await.unwrap());
    assert_eq!((value(&seen, "b"), value(&seen, "c").len()), ("absent".into(), 60));
    assert_eq!(seen.meta.version.0, 3, "the store counts what was told as version 2");
}

#[tokio::test]
async fn an_expectation_is_not_met_by_what_was_lost() {
    for in_background in [false, true] {
        let rig = Rig::new();
        let ticket = rig.session().await;
        let fill = |name: &str| Commit { limits: SMALL, ..set(&ticket, name, &"x".repeat(60)) };
        committed(rig.node.commit(&fill("b")).await);
        committed(rig.store.commit(&fill("b")).await);
        let big = Commit { limits: Limits::default(), ..set(&ticket, "c", &"x".repeat(90)) };
        committed(rig.store.commit(&big).await);
        committed(rig.node.commit(&Commit { limits: SMALL, ..set(&ticket, "d", "12345678") }).await);
        if in_background {
            rig.node.flush().await.unwrap();
            assert!(rig.sees(&ticket).await.is_some(), "another request, which wants no more than any");
        }
        // Both nodes told somebody that `b` has revision 2.
        let attributes = vec![edit("b", None, Some(Expect::Revision(Version(2))))];
        let expecting = || Commit {
            limits: SMALL,
            ..change(&ticket, Changes { attributes: attributes.clone(), ..Changes::default() })
        };
        let refused = rig.node.commit(&expecting()).await.unwrap();
        assert!(matches!(refused, Outcome::Conflict(Conflict::Attribute(_))), "{refused:?}");
        if in_background {
            // Whoever has read the latest knows whose it is.
            assert_eq!(asked_for(&rig, &ticket, Freshness::Latest).await, Freshness::Latest);
            committed(rig.node.commit(&expecting()).await);
        }
    }
}

#[tokio::test]
async fn an_expectation_is_not_met_by_what_was_given_up() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    rig.faults.inject(Operation::Commit, Fault::Fail(ErrorKind::Unavailable));
    rig.clock.advance(INTERVAL / 2);
    committed(rig.store.commit(&set(&ticket, "a", "other")).await);
    rig.clock.advance(INTERVAL / 2);
    rig.node.flush().await.unwrap_err();
    assert_eq!(rig.node.held_sessions(), 0, "it is given up, though another node has kept the session");
    rig.faults.clear(Operation::Commit);
    // Both nodes told somebody that `a` has revision 2.
    let attributes = vec![edit("a", Some("2"), Some(Expect::Revision(Version(2))))];
    let expecting = change(&ticket, Changes { attributes, ..Changes::default() });
    let refused = rig.node.commit(&expecting).await.unwrap();
    assert!(matches!(refused, Outcome::Conflict(Conflict::Attribute(_))), "{refused:?}");
}

/// Returns how new the store's answer to this load had to be.
async fn asked_for(rig: &Rig, ticket: &Ticket, freshness: Freshness) -> Freshness {
    let select = Select::default();
    let load = Load { guard: ticket.guard(), select, touch: Touch::Never, freshness };
    rig.node.load(&load).await.unwrap();
    let loads = rig.faults.calls().into_iter();
    let asked =
        loads.filter_map(|call| if let Call::Load(load) = call { Some(load.freshness) } else { None });
    asked.last().unwrap()
}

#[tokio::test]
async fn a_copy_must_be_as_new_as_what_was_seen_on_another_node() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    let at_least = |version| Freshness::AtLeast(Version(version));
    for (asks, asked) in [
        (Freshness::Any, at_least(1)),
        (at_least(1), at_least(1)),
        // Told here, and not in the store yet.
        (at_least(2), at_least(1)),
        (at_least(3), at_least(3)),
        (Freshness::Latest, Freshness::Latest),
    ] {
        assert_eq!(asked_for(&rig, &ticket, asks).await, asked, "{asks:?}");
    }
}
