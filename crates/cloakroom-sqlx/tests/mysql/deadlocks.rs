//! Many nodes at once, on the same sessions and principals: nothing fails, and nothing is lost or told twice.

use std::collections::HashSet;
use std::time::Duration;

use cloakroom_core::{
    AtLimit, AttributeChange, Bind, Commit, Conflict, Edit, Expect, Handle, Intent, Invalidate, Invalidated,
    MaxSessions, Outcome, Select, Store as _, Sweep, Ticket, TicketChange, Touch, Version,
};
use cloakroom_sqlx::MySqlStore;
use cloakroom_testkit::Harness as _;

use crate::support::*;

const NODES: usize = 4;
const ROUNDS: usize = 40;

async fn nodes_of(nodes: &Nodes) -> Vec<MySqlStore> {
    nodes.store().await;
    let mut stores = Vec::new();
    for _ in 0..NODES {
        stores.push(nodes.node(4).await);
    }
    stores
}

fn remove(attribute: &str) -> AttributeChange {
    AttributeChange { name: name(attribute), edit: Edit::Remove, expect: None }
}

async fn all<T: Send + 'static>(tasks: impl IntoIterator<Item = tokio::task::JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::new();
    for task in tasks.into_iter().collect::<Vec<_>>() {
        results.push(task.await.unwrap());
    }
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_one_session_lose_nothing_of_each_other() {
    let nodes = Nodes::new().await;
    let stores = nodes_of(&nodes).await;
    let ticket = session(&stores[0], "shared", "1").await;
    let guard = ticket.guard();
    let writers = (0..16).map(|writer| {
        let store = stores[writer % NODES].clone();
        tokio::spawn(async move {
            let own = format!("own{writer}");
            for round in 0..10 {
                commit(&store, &change(guard, vec![set(&own, round.to_string()), set("shared", "2")])).await;
                commit(&store, &change(guard, vec![remove("brief"), set(&own, round.to_string())])).await;
                commit(&store, &change(guard, vec![set("brief", "1")])).await;
            }
        })
    });
    all(writers).await;
    let opened = open(&stores[0], &ticket, &["own0", "own7", "own15"]).await.unwrap().unwrap();
    assert_eq!(opened.meta.version, Version(1 + 16 * 30));
    assert!(opened.attributes.len() == 3 && opened.attributes.iter().all(|it| it.value == "9"));
    let held = count(&nodes.tables().await, "cloakroom_attributes WHERE name > ''").await;
    assert_eq!(i64::from(opened.meta.attributes), held, "what is counted is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counting_up_loses_nothing() {
    let nodes = Nodes::new().await;
    let stores = nodes_of(&nodes).await;
    let ticket = session(&stores[0], "count", "0").await;
    let counters = (0..8).map(|counter| {
        let (store, ticket) = (stores[counter % NODES].clone(), ticket);
        tokio::spawn(async move {
            for _ in 0..15 {
                count_up(&store, &ticket).await;
            }
        })
    });
    all(counters).await;
    assert_eq!(read(&stores[0], &ticket, "count").await.unwrap(), "120");
}

async fn count_up(store: &MySqlStore, ticket: &Ticket) {
    loop {
        let opened = open(store, ticket, &["count"]).await.unwrap().unwrap();
        let (held, now) = (&opened.attributes[0], std::str::from_utf8(&opened.attributes[0].value).unwrap());
        let mut next = set("count", (now.parse::<u32>().unwrap() + 1).to_string());
        next.expect = Some(Expect::Revision(held.revision));
        match store.commit(&change(ticket.guard(), vec![next])).await.unwrap() {
            Outcome::Committed(_) => return,
            Outcome::Conflict(Conflict::Attribute(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn limited(mut commit: Commit, who: &str) -> Commit {
    let max = MaxSessions { count: 2, at_limit: AtLimit::EndOldest };
    let limit = Bind { principal: principal(who), max_sessions: Some(max) };
    match (&mut commit.intent, &mut commit.changes.ticket) {
        (Intent::Create(creation), _) => creation.bind = Some(limit),
        (Intent::Change, Some(TicketChange::SignIn { bind, .. })) => *bind = limit,
        _ => panic!("not a sign-in"),
    }
    commit
}

/// Sign-ins by two principals, who also take over each other's sessions, each limited to two sessions.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sign_ins_keep_to_the_limit_and_wait_for_nobody_forever() {
    let nodes = Nodes::new().await;
    let stores = nodes_of(&nodes).await;
    let tasks = (0..NODES * 2).map(|task| {
        let store = stores[task % NODES].clone();
        tokio::spawn(async move {
            let (mine, theirs) = if task % 2 == 0 { ("ada", "bob") } else { ("bob", "ada") };
            let mut ended = Vec::new();
            for _ in 0..ROUNDS {
                ended.extend(sign_in_twice(&store, mine, theirs).await);
            }
            ended
        })
    });
    let told: Vec<Handle> = all(tasks).await.concat();
    assert_eq!(told.iter().collect::<HashSet<_>>().len(), told.len(), "each end is told once");
    let (ada, bob) = (principal("ada"), principal("bob"));
    let left =
        stores[0].sessions_of(&ada).await.unwrap().len() + stores[0].sessions_of(&bob).await.unwrap().len();
    assert!(left <= 4, "{left} sessions are left");
    assert_eq!(left + told.len(), NODES * 2 * ROUNDS);
}

/// Creates a session of one principal, has the other one take it over, and returns what has ended for it.
async fn sign_in_twice(store: &MySqlStore, mine: &str, theirs: &str) -> Vec<Handle> {
    let ticket = Ticket::generate().unwrap();
    let creation = limited(create(ticket.guard(), vec![set("a", "1")]), mine);
    let (_, rebinding) = sign_in(&ticket, theirs);
    let mut ended = Vec::new();
    for commit in [creation, limited(rebinding, theirs)] {
        if let Outcome::Committed(committed) = store.commit(&commit).await.unwrap() {
            ended.extend(committed.ended.into_iter().map(|ended| ended.handle));
        }
    }
    ended
}

/// Everything at once, on few sessions, in small tables.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_at_once_fails_nowhere() {
    let nodes = Nodes::new().await;
    let stores = nodes_of(&nodes).await;
    let mut tickets = Vec::new();
    for _ in 0..6 {
        tickets.push(session_of(&stores[0], "ada").await);
    }
    let tasks = (0..NODES * 3).map(|task| {
        let (store, tickets) = (stores[task % NODES].clone(), tickets.clone());
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let ticket = &tickets[(task + round) % tickets.len()];
                do_something(&store, ticket, task + round).await;
            }
        })
    });
    all(tasks).await;
    let tables = nodes.tables().await;
    let orphans = "cloakroom_attributes WHERE session NOT IN (SELECT handle FROM cloakroom_sessions)";
    assert_eq!(count(&tables, orphans).await, 0);
}

async fn do_something(store: &MySqlStore, ticket: &Ticket, what: usize) {
    let guard = ticket.guard();
    let ada = principal("ada");
    match what % 11 {
        0 | 1 => drop(store.commit(&change(guard, vec![set("a", "1"), set("b", "2")])).await.unwrap()),
        2 => drop(store.commit(&change(guard, vec![set("c", "1"), remove("b")])).await.unwrap()),
        3 => {
            let mut cleared = change(guard, vec![set("d", "1")]);
            cleared.changes.clear = true;
            drop(store.commit(&cleared).await.unwrap());
        }
        4 | 5 => {
            let touching = load(ticket, &["a"], Touch::AtMostEvery(Duration::ZERO));
            drop(store.load(&touching).await.unwrap());
        }
        6 => drop(store.commit(&limited(sign_in(ticket, "bob").1, "bob")).await.unwrap()),
        7 => drop(store.invalidate(&Invalidate::Principal { principal: ada, except: None }).await.unwrap()),
        8 => drop(store.commit(&create(guard, vec![set("a", "1")])).await.unwrap()),
        9 => drop(store.invalidate(&Invalidate::Ticket(guard)).await.unwrap()),
        _ => {
            expired(store, "a").await;
            sweep(store).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_sweep_and_acknowledge_at_once() {
    const EXPIRED: usize = 120;
    let nodes = Nodes::new().await;
    let stores = nodes_of(&nodes).await;
    let mut handles = HashSet::new();
    for _ in 0..EXPIRED {
        handles.insert(expired(&stores[0], "a").await.handle());
    }
    let sweepers = (0..NODES * 2).map(|task| {
        let store = stores[task % NODES].clone();
        tokio::spawn(async move { sweep_up(&store).await })
    });
    let mut swept = all(sweepers).await.concat();
    swept.extend(crate::support::sweep(&stores[0]).await);
    assert_eq!(swept.len(), EXPIRED, "each is handed out once");
    assert_eq!(swept.into_iter().collect::<HashSet<_>>(), handles);
    assert_eq!(count(&nodes.tables().await, "cloakroom_sessions").await, 0);
}

/// Sweeps a few at a time, and acknowledges them, until nothing is left.
async fn sweep_up(store: &MySqlStore) -> Vec<Handle> {
    let lease = Sweep { limit: 7, lease: Some(INTERVAL), select: Select::default() };
    let mut swept = Vec::new();
    loop {
        let ended = store.sweep(&lease).await.unwrap();
        let handles: Vec<_> = ended.into_iter().map(|ended| ended.handle).collect();
        store.acknowledge(&handles).await.unwrap();
        swept.extend_from_slice(&handles);
        if handles.is_empty() {
            return swept;
        }
    }
}

/// All of a principal's sessions end again and again, while others sign in: whoever signed in before an end began is gone
/// when it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_sign_in_slips_through() {
    let nodes = Nodes::new().await;
    let stores = nodes_of(&nodes).await;
    let signing_in = (1..NODES).map(|node| {
        let store = stores[node].clone();
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                session_of(&store, "ada").await;
            }
        })
    });
    let signing_in: Vec<_> = signing_in.collect();
    let all_of_ada = Invalidate::Principal { principal: principal("ada"), except: None };
    let mut ended = HashSet::new();
    for _ in 0..ROUNDS {
        let before: HashSet<_> = handles_of(&stores[0]).await;
        let Invalidated::Done(now) = stores[0].invalidate(&all_of_ada).await.unwrap() else { panic!() };
        for session in now {
            assert!(ended.insert(session.handle), "each end is told once");
        }
        assert!(handles_of(&stores[0]).await.is_disjoint(&before));
    }
    all(signing_in).await;
    let left = handles_of(&stores[0]).await;
    assert_eq!(ended.len() + left.len(), (NODES - 1) * ROUNDS);
}

async fn handles_of(store: &MySqlStore) -> HashSet<Handle> {
    let sessions = store.sessions_of(&principal("ada")).await.unwrap();
    sessions.into_iter().map(|info| info.handle).collect()
}
