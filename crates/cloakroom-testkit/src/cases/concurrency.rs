//! Many requests to one session at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cloakroom_core::{
    Conflict, Expect, Opened, Outcome, Standing, Store, Ticket, TicketFate, Touch, Version,
};

use crate::Harness;
use crate::support::*;

async fn nodes<H: Harness>(harness: &H) -> [Arc<H::Store>; 2] {
    [node(harness).await, node(harness).await]
}

async fn session(store: &impl Store) -> Ticket {
    let ticket = ticket();
    committed(create(&ticket).set("a", "0").set("b", "0").set("c", "0").on(store).await);
    ticket
}

/// However many read while a session is changed, nobody ever sees half a commit, and each sees the version of what it reads.
pub async fn nobody_sees_half_a_commit<H: Harness>(harness: &H) {
    let nodes = nodes(harness).await;
    let ticket = session(&*nodes[0]).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let crowd = at_once(4, |number| {
        let (store, is_over) = (Arc::clone(&nodes[number % 2]), Arc::clone(&is_over));
        async move {
            if number == 0 {
                write_whole(&*store, &ticket).await;
                is_over.store(true, Ordering::SeqCst);
            } else {
                while !is_over.load(Ordering::SeqCst) {
                    assert_whole(&look(&*store, &ticket).await);
                    tokio::task::yield_now().await;
                }
            }
        }
    });
    soon("a crowd of readers", crowd).await;
}

/// Writes the same value to three attributes again and again; every third time it clears them first, and every second
/// time there is a fourth.
async fn write_whole(store: &impl Store, ticket: &Ticket) {
    for round in 1..60 {
        let value = round.to_string();
        let draft = change(ticket);
        let draft = if round % 3 == 0 { draft.clear() } else { draft };
        let draft = draft.set("a", value.clone()).set("b", value.clone()).set("c", value.clone());
        let draft = if round % 2 == 0 { draft.set("d", value) } else { draft.remove("d") };
        committed(draft.on(store).await);
        tokio::task::yield_now().await;
    }
}

fn assert_whole(opened: &Opened) {
    let expected = (opened.meta.version.0 - 1).to_string();
    let count = if opened.meta.version.0 % 2 == 1 && opened.meta.version.0 > 1 { 4 } else { 3 };
    let values: Vec<_> = opened.attributes.iter().map(|it| &it.value[..]).collect();
    assert_eq!(values, vec![expected.as_bytes(); count], "at {:?}", opened.meta.version);
    assert_eq!(opened.meta.attributes as usize, count);
    assert_eq!(opened.names.as_ref().map(Vec::len), Some(count));
    let is_current = |revision| revision == opened.meta.version;
    assert!(opened.attributes.iter().all(|it| is_current(it.revision)), "{opened:?}");
}

/// Writers of different attributes lose nothing of each other, and every commit has a version of its own.
pub async fn writers_of_different_attributes_lose_nothing<H: Harness>(harness: &H) {
    let nodes = nodes(harness).await;
    let ticket = session(&*nodes[0]).await;
    let writers = at_once(10, |number| {
        let store = Arc::clone(&nodes[number % 2]);
        async move {
            let mut versions = Vec::new();
            for round in 0..6 {
                let draft = change(&ticket).set(&format!("{number} {round}"), "1");
                versions.push(committed(draft.on(&*store).await).version);
            }
            versions
        }
    });
    let versions = sorted(soon("ten writers", writers).await.into_iter().flatten());
    let expected: Vec<_> = (2..62).map(Version).collect();
    assert_eq!(versions, expected);
    let opened = look(&*nodes[1], &ticket).await;
    assert_eq!((opened.attributes.len(), opened.meta.attributes), (63, 63));
    assert_eq!(opened.meta.version, Version(61));
}

/// Of two writers of one attribute the last one wins: the one with the higher version.
pub async fn the_last_writer_of_an_attribute_wins<H: Harness>(harness: &H) {
    let nodes = nodes(harness).await;
    let ticket = session(&*nodes[0]).await;
    let writers = at_once(8, |number| {
        let store = Arc::clone(&nodes[number % 2]);
        async move {
            let draft = change(&ticket).set("a", number.to_string());
            (committed(draft.on(&*store).await).version, number)
        }
    });
    let (version, last) = soon("eight writers", writers).await.into_iter().max().expect("writers");
    let opened = look(&*nodes[0], &ticket).await;
    assert_value(&opened, "a", last.to_string());
    assert_eq!(attribute(&opened, "a").map(|it| it.revision), Some(version));
}

/// Counting by compare-and-set under contention gives the exact total.
pub async fn compare_and_set_gives_the_exact_total<H: Harness>(harness: &H) {
    let nodes = nodes(harness).await;
    let ticket = session(&*nodes[0]).await;
    let counters = at_once(6, |number| {
        let store = Arc::clone(&nodes[number % 2]);
        async move {
            for _ in 0..10 {
                increment(&*store, &ticket).await;
            }
        }
    });
    soon("six counters", counters).await;
    assert_value(&look(&*nodes[0], &ticket).await, "a", "60");
}

/// Adds one to `a` by compare-and-set, as often as it takes; others come in between the read and the write.
async fn increment(store: &impl Store, ticket: &Ticket) {
    loop {
        let opened = opened(load(store, ticket, named(&["a"]), Touch::Never).await);
        let held = attribute(&opened, "a").expect("the counter");
        let count: u32 =
            std::str::from_utf8(&held.value).ok().and_then(|it| it.parse().ok()).expect("a number");
        let draft = change(ticket).set("a", (count + 1).to_string());
        tokio::task::yield_now().await;
        match draft.expecting(Expect::Revision(held.revision)).on(store).await {
            Outcome::Committed(_) => return,
            other => assert_conflict(other, &Conflict::Attribute(name("a"))),
        }
    }
}

/// Of many that expect an attribute to be absent, one sets it.
pub async fn one_of_many_sets_what_was_absent<H: Harness>(harness: &H) {
    let nodes = nodes(harness).await;
    let ticket = session(&*nodes[0]).await;
    let setters = at_once(8, |number| {
        let store = Arc::clone(&nodes[number % 2]);
        let draft = change(&ticket).set("x", number.to_string()).expecting(Expect::Absent);
        async move { matches!(draft.on(&*store).await, Outcome::Committed(_)) }
    });
    let set = soon("eight setters", setters).await;
    let winners: Vec<_> = (0..8).filter(|&number| set[number]).collect();
    assert_eq!(winners.len(), 1, "winners: {winners:?}");
    assert_value(&look(&*nodes[0], &ticket).await, "x", winners[0].to_string());
}

/// Accesses lose nothing that is committed at the same time.
pub async fn accesses_lose_nothing<H: Harness>(harness: &H) {
    let nodes = nodes(harness).await;
    let ticket = session(&*nodes[0]).await;
    harness.advance(harness.unit()).await;
    let crowd = at_once(4, |number| {
        let store = Arc::clone(&nodes[number / 2]);
        async move {
            for round in 0..20 {
                if number % 2 == 0 {
                    opened(visit(&*store, &ticket).await);
                } else {
                    let draft = change(&ticket).set(&format!("{number} {round}"), "1");
                    committed(draft.on(&*store).await);
                }
            }
        }
    });
    soon("accesses and commits", crowd).await;
    let opened = look(&*nodes[0], &ticket).await;
    assert_eq!((opened.attributes.len(), opened.meta.version), (43, Version(41)));
}

/// Of many that create one handle, one does, and the others find it taken.
pub async fn one_of_many_creates_a_handle<H: Harness>(harness: &H) {
    let nodes = nodes(harness).await;
    let first = ticket();
    let creators = at_once(8, |number| {
        let store = Arc::clone(&nodes[number % 2]);
        let ticket = other_ticket(&first);
        async move {
            let outcome = create(&ticket).set("a", number.to_string()).on(&*store).await;
            matches!(outcome, Outcome::Committed(_)).then_some((ticket, number))
        }
    });
    let created: Vec<_> = soon("eight creators", creators).await.into_iter().flatten().collect();
    assert_eq!(created.len(), 1, "one create wins");
    let (ticket, number) = created[0];
    let opened = look(&*nodes[0], &ticket).await;
    assert_eq!(contents(&opened), [("a", number.to_string().as_bytes())]);
    assert_eq!(opened.meta.version, Version(1));
}

/// Parallel renewals of one ticket agree: one changes it, and the others are told its seed.
pub async fn parallel_renewals_agree<H: Harness>(harness: &H) {
    let nodes = nodes(harness).await;
    let ticket = session(&*nodes[0]).await;
    let renewals = at_once(6, |number| {
        let store = Arc::clone(&nodes[number % 2]);
        let renewal = renewal(&ticket);
        let draft = change(&ticket).renew(&renewal, LONG).set(&format!("{number}"), "1");
        async move {
            match committed(draft.on(&*store).await).ticket {
                TicketFate::Changed => renewal.seed,
                TicketFate::AlreadyRenewed(Some(seed)) => seed,
                other => panic!("expected to be told of the renewal, got {other:?}"),
            }
        }
    });
    let seeds = soon("six renewals", renewals).await;
    assert!(seeds.iter().all(|seed| *seed == seeds[0]), "there must be one seed for all");
    let opened = look(&*nodes[0], &ticket.successor(&seeds[0])).await;
    assert_eq!(opened.standing, Standing::Current);
    assert_eq!((opened.attributes.len(), opened.meta.version), (9, Version(7)));
}

/// Of parallel sign-ins of one principal one changes the ticket, and the others find it done.
pub async fn parallel_sign_ins_of_one_principal_agree<H: Harness>(harness: &H) {
    let nodes = nodes(harness).await;
    let ticket = session(&*nodes[0]).await;
    let sign_ins = at_once(6, |number| {
        let store = Arc::clone(&nodes[number % 2]);
        let next = other_ticket(&ticket);
        let draft = change(&ticket).sign_in(&next, "ann", LONG);
        async move {
            let fate = committed(draft.on(&*store).await).ticket;
            assert!(matches!(fate, TicketFate::Changed | TicketFate::AlreadySignedIn), "{fate:?}");
            (fate == TicketFate::Changed).then_some(next)
        }
    });
    let changed: Vec<_> = soon("six sign-ins", sign_ins).await.into_iter().flatten().collect();
    assert_eq!(changed.len(), 1, "one sign-in changes the ticket");
    look(&*nodes[0], &changed[0]).await;
    assert_superseded(peek(&*nodes[0], &ticket).await);
    assert_eq!(handles_of(&*nodes[0], "ann").await, [ticket.handle()]);
}

/// Of parallel sign-ins of different principals one wins, and the others are told of a conflict.
pub async fn parallel_sign_ins_of_different_principals_conflict<H: Harness>(harness: &H) {
    let nodes = nodes(harness).await;
    let ticket = session(&*nodes[0]).await;
    let sign_ins = at_once(5, |number| {
        let store = Arc::clone(&nodes[number % 2]);
        let next = other_ticket(&ticket);
        let draft = change(&ticket).sign_in(&next, &format!("user {number}"), LONG);
        async move {
            match draft.on(&*store).await {
                Outcome::Committed(_) => Some((next, number)),
                other => {
                    assert_conflict(other, &Conflict::Principal);
                    None
                }
            }
        }
    });
    let won: Vec<_> = soon("five sign-ins", sign_ins).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1, "one principal wins");
    let (next, winner) = won[0];
    assert_eq!(look(&*nodes[0], &next).await.meta.principal, Some(principal(&format!("user {winner}"))));
    for number in 0..5 {
        let count = handles_of(&*nodes[0], &format!("user {number}")).await.len();
        assert_eq!(count, usize::from(number == winner), "sessions of user {number}");
    }
}
