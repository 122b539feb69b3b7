//! Handing out what has expired.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{EndReason, Ended, Gone, Handle, Select, Store, Sweep, Ticket, Wanted};

use crate::Harness;
use crate::support::*;

/// Creates sessions that expire after `interval`.
pub(super) async fn sessions(store: &impl Store, count: usize, interval: Duration) -> Vec<Ticket> {
    let mut tickets = Vec::new();
    for _ in 0..count {
        let ticket = ticket();
        let draft = create(&ticket).interval(interval).set("a", "1");
        committed(draft.on(store).await);
        tickets.push(ticket);
    }
    tickets
}

pub(super) fn handles_by(tickets: &[Ticket]) -> Vec<Handle> {
    sorted(tickets.iter().map(Ticket::handle))
}

/// Where nothing has expired, nothing is handed out.
pub async fn nothing_expired_is_nothing_handed_out<H: Harness>(harness: &H) {
    let store = harness.store().await;
    assert!(sweep(&store, 10, None).await.is_empty());
    sessions(&store, 2, LONG).await;
    assert!(sweep(&store, 10, None).await.is_empty());
}

/// What has expired is handed out once, and removed.
pub async fn the_expired_is_handed_out_once<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let expired = sessions(&store, 5, unit).await;
    harness.advance(unit * 2).await;
    let ended = sweep_up(harness, &store, 5, None).await;
    assert_eq!(handles(&ended), handles_by(&expired));
    harness.advance(unit).await;
    assert!(sweep(&store, 1000, None).await.is_empty());
    committed(create(&expired[0]).on(&store).await);
    assert!(look(&store, &expired[0]).await.attributes.is_empty());
}

/// A live session is never handed out, nor changed by a sweep.
pub async fn the_live_is_never_handed_out<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let live = sessions(&store, 3, unit * 8).await;
    let expired = sessions(&store, 2, unit).await;
    harness.advance(unit * 2).await;
    let ended = sweep_up(harness, &store, 2, None).await;
    assert_eq!(handles(&ended), handles_by(&expired));
    for ticket in &live {
        assert_value(&look(&store, ticket).await, "a", "1");
    }
}

/// A session is not handed out in the last millisecond before its deadline, nor as long as it is open.
pub async fn the_last_millisecond_is_not_handed_out<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let tickets = sessions(&store, 2, unit * 2).await;
    let early = if harness.is_exact() { Duration::from_millis(1) } else { unit };
    harness.advance(unit * 2 - early).await;
    assert!(sweep(&store, 1000, None).await.is_empty());
    look(&store, &tickets[0]).await;
    harness.advance(early).await;
    let ended = sweep_up(harness, &store, 2, None).await;
    assert_eq!(handles(&ended), handles_by(&tickets));
}

/// A session that was extended is not handed out at its old deadline: by an access, a commit, or a longer interval.
pub async fn the_extended_is_not_handed_out<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let tickets = sessions(&store, 3, unit * 4).await;
    harness.advance(unit * 2).await;
    opened(visit(&store, &tickets[0]).await);
    committed(change(&tickets[1]).set("a", "2").on(&store).await);
    committed(change(&tickets[2]).interval(LONG).on(&store).await);
    harness.advance(unit * 3).await;
    assert!(sweep(&store, 1000, None).await.is_empty());
    for ticket in &tickets {
        look(&store, ticket).await;
    }
}

/// A session whose interval was made shorter is handed out when that is over.
pub async fn the_shortened_is_handed_out<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let tickets = sessions(&store, 1, LONG).await;
    committed(change(&tickets[0]).interval(unit).on(&store).await);
    harness.advance(unit * 2).await;
    let ended = sweep_up(harness, &store, 1, None).await;
    assert_eq!(handles(&ended), handles_by(&tickets));
}

/// What was invalidated is never handed out.
pub async fn the_invalidated_is_never_handed_out<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let tickets = sessions(&store, 2, unit).await;
    let (ended, expired) = (&tickets[0], &tickets[1]);
    end(&store, ended).await;
    harness.advance(unit * 2).await;
    let swept = sweep_up(harness, &store, 1, None).await;
    assert_eq!(handles(&swept), [expired.handle()]);
}

/// A session that is handed out tells who was signed in, its attributes' names, when it was created and last used, and why it ended.
pub async fn what_is_handed_out_tells_what_it_was<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).interval(unit * 3).bound_to("ann").set("b", "1");
    let created = committed(draft.on(&store).await).now;
    harness.advance(unit).await;
    let accessed = committed(change(&ticket).set("a", "1").set("B", "1").on(&store).await).now;
    harness.advance(unit * 4).await;
    let ended = &sweep_up(harness, &store, 1, None).await[0];
    assert_eq!(ended.handle, ticket.handle());
    assert_eq!(ended.principal, Some(principal("ann")));
    assert_eq!(texts(&ended.names), ["B", "a", "b"]);
    assert!(ended.attributes.is_empty(), "no value was asked for");
    assert_eq!((ended.created_at, ended.accessed_at), (created, accessed));
    assert_eq!(ended.reason, EndReason::Inactive);
}

/// Requests that come too late change nothing of what is handed out.
pub async fn late_requests_change_nothing_of_it<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let ticket = ticket();
    let draft = create(&ticket).interval(unit).bound_to("ann").set("a", "1");
    let created = committed(draft.on(&store).await).now;
    harness.advance(unit * 2).await;
    assert_absent(visit(&store, &ticket).await);
    let late = change(&ticket).clear().set("b", "1").interval(LONG);
    assert_gone(late.on(&store).await, Gone::Absent);
    let late = change(&ticket).sign_in(&other_ticket(&ticket), "bob", LONG);
    assert_gone(late.on(&store).await, Gone::Absent);
    let ended = &sweep_up(harness, &store, 1, None).await[0];
    assert_eq!(ended.principal, Some(principal("ann")));
    assert_eq!(texts(&ended.names), ["a"]);
    assert_eq!((ended.created_at, ended.accessed_at), (created, created));
}

/// A session whose lifetime was over before its interval ended for that reason.
pub async fn a_lifetime_is_told_as_the_reason<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let draft = create(&ticket()).interval(unit * 4).lifetime(unit);
    committed(draft.on(&store).await);
    harness.advance(unit * 2).await;
    let ended = sweep_up(harness, &store, 1, None).await;
    assert_eq!(ended[0].reason, EndReason::MaxLifetime);
    let draft = create(&ticket()).interval(unit).lifetime(unit * 4);
    committed(draft.on(&store).await);
    harness.advance(unit * 2).await;
    let ended = sweep_up(harness, &store, 1, None).await;
    assert_eq!(ended[0].reason, EndReason::Inactive);
}

/// A sweep hands out the values that it was asked for.
pub async fn selected_values_are_handed_out<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let select = |values| Select { values, names: false };
    let cases = [
        (select(Wanted::Everything), vec!["a", "b"]),
        (named(&["b", "nobody"]), vec!["b"]),
        (select(Wanted::Nothing), vec![]),
    ];
    for (select, expected) in cases {
        let draft = create(&ticket()).interval(unit).set("a", "a").set("b", "b");
        committed(draft.on(&store).await);
        harness.advance(unit * 2).await;
        let ended = sweep_selecting(harness, &store, select).await;
        assert_eq!(texts(&ended.names), ["a", "b"]);
        let values = sorted(ended.attributes.iter().map(|it| (it.name.as_str(), &it.value[..])));
        assert_eq!(values, expected.iter().map(|it| (*it, it.as_bytes())).collect::<Vec<_>>());
    }
}

/// Sweeps until a session was handed out, with these values.
pub(super) async fn sweep_selecting<H: Harness>(harness: &H, store: &H::Store, select: Select) -> Ended {
    let request = Sweep { limit: 10, lease: None, select };
    for _ in 0..10 {
        let mut ended = store.sweep(&request).await.expect("sweep: the store must answer");
        if let Some(ended) = ended.pop() {
            return ended;
        }
        harness.advance(harness.unit() / 10).await;
    }
    panic!("the expired session was not handed out")
}

/// A sweep hands out no more than it was asked for, and the next one goes on.
pub async fn a_limit_holds_and_the_next_sweep_goes_on<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let expired = sessions(&store, 7, unit).await;
    harness.advance(unit * 2).await;
    let mut found = Vec::new();
    for _ in 0..20 {
        found.extend(handles(&sweep(&store, 3, None).await));
        harness.advance(unit / 10).await;
    }
    assert_eq!(sorted(found), handles_by(&expired));
}

/// Among sweepers at work at once, each expired session is handed out to one.
pub async fn each_is_handed_out_to_one_of_many_sweepers<H: Harness>(harness: &H) {
    crowd_of_sweepers(harness, None).await;
}

pub(super) async fn crowd_of_sweepers<H: Harness>(harness: &H, lease: Option<Duration>) {
    let nodes = [node(harness).await, node(harness).await];
    let unit = harness.unit();
    let expired = sessions(&nodes[0], 60, unit).await;
    harness.advance(unit * 2).await;
    let sweepers = at_once(4, |number| {
        let store = Arc::clone(&nodes[number % 2]);
        async move {
            let mut found = Vec::new();
            for _ in 0..30 {
                found.extend(handles(&sweep(&store, 5, lease).await));
                tokio::task::yield_now().await;
            }
            found
        }
    });
    let mut found: Vec<_> = soon("a crowd of sweepers", sweepers).await.into_iter().flatten().collect();
    if found.len() < expired.len() {
        let left = expired.len() - found.len();
        found.extend(handles(&sweep_up(harness, &*nodes[0], left, lease).await));
    }
    let count = found.len();
    assert_eq!(count, expired.len(), "as many are handed out as have expired");
    assert!(sorted(found) == handles_by(&expired), "each that has expired is handed out");
}

/// What was swept away is in no list, and counts for no principal.
pub async fn what_was_swept_is_in_no_list<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let unit = harness.unit();
    let draft = create(&ticket()).interval(unit).bound_to("ann");
    committed(draft.on(&store).await);
    harness.advance(unit * 2).await;
    sweep_up(harness, &store, 1, Some(unit)).await;
    assert!(sessions_of(&store, "ann").await.is_empty());
    harness.advance(unit * 2).await;
    sweep_up(harness, &store, 1, None).await;
    assert!(sessions_of(&store, "ann").await.is_empty());
}
