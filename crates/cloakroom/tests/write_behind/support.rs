//! What the tests are written with.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::WriteBehind;
use cloakroom::core::{
    AttributeChange, Changes, Commit, CommitId, Committed, Creation, Edit, Error, Expect, Freshness, Intent,
    Limits, Load, Loaded, Name, Opened, Outcome, Select, Store, Ticket, Touch, Wanted,
};
use cloakroom_testkit::faulty::{Call, Faults, Faulty, Operation};
use cloakroom_testkit::{ManualClock, ReferenceStore};
use tokio::task::JoinHandle;

pub(crate) const INTERVAL: Duration = Duration::from_secs(1000);

/// How long a commit is held back, at most.
pub(crate) const EVERY: Duration = Duration::from_secs(10);

pub(crate) type Held = WriteBehind<Faulty<ReferenceStore>>;

/// A store that fails on demand, one node with timed writes before it, and a look at the store that bypasses the node.
pub(crate) struct Rig {
    pub(crate) node: Held,
    pub(crate) faults: Faults,
    pub(crate) store: ReferenceStore,
    pub(crate) clock: ManualClock,
}

impl Rig {
    /// Ages are those of the store's clock, which stands still; timers go by tokio's, which a test pauses.
    pub(crate) fn new() -> Self {
        Self::with(10_000, 64 << 20)
    }

    pub(crate) fn with(sessions: usize, bytes: usize) -> Self {
        let clock = ManualClock::default();
        let store = ReferenceStore::new(clock.clone());
        let faulty = Faulty::new(store.clone());
        let faults = faulty.faults();
        let builder = WriteBehind::builder(faulty).every(EVERY).max_sessions(sessions).max_bytes(bytes);
        let node = builder.clock(Arc::new(clock.clone())).build();
        Self { node, faults, store, clock }
    }

    /// Makes a session with `a` at version 1, which this node knows.
    pub(crate) async fn session(&self) -> Ticket {
        create(&self.node).await
    }

    /// Holds back `a` = 1, which makes version 2.
    pub(crate) async fn held(&self) -> Ticket {
        let ticket = self.session().await;
        let before = self.faults.count(Operation::Commit);
        assert_eq!(committed(self.node.commit(&set(&ticket, "a", "1")).await).version.0, 2);
        assert_eq!(self.faults.count(Operation::Commit), before, "it is held back");
        ticket
    }

    pub(crate) async fn sees(&self, ticket: &Ticket) -> Option<(u64, String)> {
        seen(load(&self.node, ticket).await.unwrap())
    }

    /// Returns the version and `a` that the store has.
    pub(crate) async fn stored(&self, ticket: &Ticket) -> Option<(u64, String)> {
        seen(load(&self.store, ticket).await.unwrap())
    }

    pub(crate) fn commits(&self) -> Vec<Commit> {
        let calls = self.faults.calls().into_iter();
        calls.filter_map(|call| if let Call::Commit(commit) = call { Some(*commit) } else { None }).collect()
    }

    /// Begins a load on the node, in a task of its own.
    pub(crate) fn begin_load(&self, ticket: &Ticket) -> JoinHandle<Loaded> {
        let (node, ticket) = (self.node.clone(), *ticket);
        tokio::spawn(async move { load(&node, &ticket).await.unwrap() })
    }

    /// Begins a commit on the node, in a task of its own.
    pub(crate) fn begin_commit(&self, commit: Commit) -> JoinHandle<Result<Outcome, Error>> {
        let node = self.node.clone();
        tokio::spawn(async move { node.commit(&commit).await })
    }

    /// Begins to write all that is held back.
    pub(crate) fn begin_flush(&self) -> JoinHandle<Result<(), Error>> {
        let node = self.node.clone();
        tokio::spawn(async move { node.flush().await })
    }
}

/// Makes a session with `a` at version 1.
pub(crate) async fn create(store: &impl Store) -> Ticket {
    let ticket = Ticket::generate().unwrap();
    create_as(store, &ticket).await;
    ticket
}

pub(crate) async fn create_as(store: &impl Store, ticket: &Ticket) {
    let creation = Creation { max_inactive_interval: INTERVAL, max_lifetime: None, bind: None };
    let create = Commit { intent: Intent::Create(creation), ..set(ticket, "a", "0") };
    assert_eq!(committed(store.commit(&create).await).version.0, 1);
}

pub(crate) fn change(ticket: &Ticket, changes: Changes) -> Commit {
    Commit {
        id: CommitId::generate().unwrap(),
        guard: ticket.guard(),
        intent: Intent::Change,
        changes,
        limits: Limits::default(),
        age: Duration::ZERO,
        stands_for: NonZeroU32::MIN,
    }
}

pub(crate) fn edit(name: &str, value: Option<&str>, expect: Option<Expect>) -> AttributeChange {
    let set = |value: &str| Edit::Set { value: value.to_owned().into(), ttl: None };
    let name = Name::new(name.to_owned()).unwrap();
    AttributeChange { name, edit: value.map_or(Edit::Remove, set), expect }
}

pub(crate) fn set(ticket: &Ticket, name: &str, value: &str) -> Commit {
    let attributes = vec![edit(name, Some(value), None)];
    change(ticket, Changes { attributes, ..Changes::default() })
}

#[track_caller]
pub(crate) fn committed(answer: Result<Outcome, Error>) -> Committed {
    match answer {
        Ok(Outcome::Committed(committed)) => committed,
        other => panic!("expected Committed, got {other:?}"),
    }
}

pub(crate) async fn load(store: &impl Store, ticket: &Ticket) -> Result<Loaded, Error> {
    let load = Load {
        guard: ticket.guard(),
        select: Select { values: Wanted::Everything, names: true },
        touch: Touch::Never,
        freshness: Freshness::Any,
    };
    store.load(&load).await
}

#[track_caller]
pub(crate) fn opened(loaded: Loaded) -> Opened {
    match loaded {
        Loaded::Open(opened) => *opened,
        other => panic!("expected it to open, got {other:?}"),
    }
}

/// Returns the version and `a` of a snapshot; `None` if nothing was opened.
pub(crate) fn seen(loaded: Loaded) -> Option<(u64, String)> {
    let Loaded::Open(opened) = loaded else { return None };
    Some((opened.meta.version.0, value(&opened, "a")))
}

pub(crate) fn value(opened: &Opened, name: &str) -> String {
    let found = opened.attributes.iter().find(|held| held.name.as_str() == name);
    found.map_or_else(|| "absent".to_owned(), |held| String::from_utf8(held.value.to_vec()).unwrap())
}

pub(crate) fn is(version: u64, a: &str) -> Option<(u64, String)> {
    Some((version, a.to_owned()))
}
