use std::sync::{Arc, Mutex};

use cloakroom::core::{
    About, Commit, Committed, Ended, Error, Feed, Freshness, Handle, Intent, Invalidate, Invalidated, Load,
    Loaded, Opened, Outcome, SessionInfo, Sweep, TicketFate, Version,
};
use cloakroom::{MemoryStore, Principal, Store};

use super::super::rig::opened;

/// A node's way to the shared store, which can be behind: it answers from a copy of a session, or acknowledges changes that
/// it keeps to itself.
#[derive(Clone, Debug)]
pub(super) struct Behind {
    source: MemoryStore,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    copy: Option<(Handle, Opened)>,
    holds_back: bool,
    held_back: u64,
    asked: Vec<Freshness>,
}

impl Behind {
    pub(super) fn new(source: &MemoryStore) -> Self {
        Self { source: source.clone(), state: Arc::default() }
    }

    /// Answers for a ticket's session from a copy of its present state from now on, where a copy may answer.
    pub(super) async fn copy(&self, ticket: &str) {
        let handle = cloakroom::core::Ticket::parse(&ticket.as_bytes()[..44]).unwrap().handle();
        let copy = opened(&self.source, ticket).await.unwrap();
        self.state.lock().unwrap().copy = Some((handle, copy));
    }

    /// Keeps changes to itself from now on, as a node does that will die before it has written them.
    pub(super) fn hold_back(&self) {
        self.state.lock().unwrap().holds_back = true;
    }

    /// Returns how new the answers had to be since this was last asked.
    pub(super) fn asked(&self) -> Vec<Freshness> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }

    fn answer_of_copy(&self, load: &Load) -> Option<Opened> {
        let mut state = self.state.lock().unwrap();
        state.asked.push(load.freshness);
        let (_, copy) = state.copy.as_ref().filter(|(handle, _)| *handle == load.guard.handle)?;
        let may_answer = match load.freshness {
            Freshness::Any => true,
            Freshness::AtLeast(version) => copy.meta.version >= version,
            Freshness::Latest => false,
        };
        let mut copy = may_answer.then(|| copy.clone())?;
        copy.attributes.retain(|attribute| load.select.values.includes(attribute.name.as_str()));
        Some(copy)
    }
}

impl Store for Behind {
    fn about(&self) -> About {
        self.source.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        match self.answer_of_copy(load) {
            Some(copy) => Ok(Loaded::Open(Box::new(copy))),
            None => self.source.load(load).await,
        }
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let deferred = matches!(commit.intent, Intent::Change) && commit.changes.ticket.is_none();
        if !deferred || !self.state.lock().unwrap().holds_back {
            return self.source.commit(commit).await;
        }
        let load = Load {
            guard: commit.guard,
            select: cloakroom::core::Select::default(),
            touch: cloakroom::core::Touch::Never,
            freshness: Freshness::Latest,
        };
        let Loaded::Open(stored) = self.source.load(&load).await? else { panic!("no session") };
        let mut state = self.state.lock().unwrap();
        state.held_back += 1;
        Ok(Outcome::Committed(Committed {
            version: Version(stored.meta.version.0 + state.held_back),
            now: stored.now,
            ticket: TicketFate::Kept,
            ended: Vec::new(),
        }))
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        self.source.invalidate(invalidate).await
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.source.sessions_of(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.source.sweep(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.source.acknowledge(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.source.ping().await
    }

    fn feed(&self) -> Option<Feed> {
        self.source.feed()
    }
}
