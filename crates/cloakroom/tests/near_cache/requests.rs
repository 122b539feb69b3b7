use std::num::NonZeroU32;
use std::time::Duration;

use cloakroom::core::{
    AttributeChange, Changes, Commit, CommitId, Creation, Edit, Freshness, Guard, Intent, Limits, Load,
    Loaded, Name, Opened, Outcome, Seed, Select, Store, Ticket, TicketChange, Touch, Version, Wanted,
};

/// The max inactive interval of every session here.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1000);

pub(crate) fn name(text: &str) -> Name {
    Name::new(text.to_owned()).unwrap()
}

pub(crate) fn change(guard: Guard, attributes: &[(&str, &str)]) -> Commit {
    let set = |(name, value): &(&str, &str)| AttributeChange {
        name: self::name(name),
        edit: Edit::Set { value: value.as_bytes().to_vec().into(), ttl: None },
        expect: None,
    };
    Commit {
        id: CommitId::generate().unwrap(),
        guard,
        intent: Intent::Change,
        changes: Changes { attributes: attributes.iter().map(set).collect(), ..Changes::default() },
        limits: Limits::default(),
        age: Duration::ZERO,
        stands_for: NonZeroU32::MIN,
    }
}

pub(crate) fn create(guard: Guard, attributes: &[(&str, &str)]) -> Commit {
    let creation = Creation { max_inactive_interval: INTERVAL, max_lifetime: None, bind: None };
    Commit { intent: Intent::Create(creation), ..change(guard, attributes) }
}

pub(crate) fn renewal(ticket: &Ticket) -> (Ticket, Commit) {
    let seed = Seed::generate().unwrap();
    let next = ticket.successor(&seed);
    let mut commit = change(ticket.guard(), &[]);
    commit.changes.ticket = Some(TicketChange::Renew { proof: next.guard().proof, seed, grace: INTERVAL });
    (next, commit)
}

pub(crate) async fn commit(store: &impl Store, commit: &Commit) -> Version {
    match store.commit(commit).await.unwrap() {
        Outcome::Committed(committed) => committed.version,
        other => panic!("{other:?}"),
    }
}

/// Makes a session with these attributes.
pub(crate) async fn session(store: &impl Store, attributes: &[(&str, &str)]) -> Ticket {
    let ticket = Ticket::generate().unwrap();
    commit(store, &create(ticket.guard(), attributes)).await;
    ticket
}

/// Asks for these attributes, without a touch.
pub(crate) fn asking(ticket: &Ticket, attributes: &[&str]) -> Load {
    let values = Wanted::Named(attributes.iter().map(|text| name(text)).collect());
    let select = Select { values, names: false };
    Load { guard: ticket.guard(), select, touch: Touch::Never, freshness: Freshness::Any }
}

pub(crate) async fn open(store: &impl Store, load: &Load) -> Option<Opened> {
    match store.load(load).await.unwrap() {
        Loaded::Open(opened) => Some(*opened),
        Loaded::Absent | Loaded::Superseded => None,
    }
}

/// Reads one attribute of a session that is open.
pub(crate) async fn read(store: &impl Store, ticket: &Ticket, attribute: &str) -> Option<String> {
    let opened = open(store, &asking(ticket, &[attribute])).await.expect("the session is open");
    opened.attributes.first().map(|held| String::from_utf8(held.value.to_vec()).unwrap())
}

/// Tries until it is so, as long as a test may take.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let tries = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), tries).await.unwrap_or_else(|_| panic!("never: {what}"));
}
