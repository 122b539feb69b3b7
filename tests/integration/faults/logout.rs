//! A logout against another request of the session on another node, at every point at which one can stand while the other goes on.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::actor::{Actor, At, Request};
use crate::support::{Answer, Backend, Contents, Node, Site, Visitor, for_each_single_server, for_one_store};

for_each_single_server!(
    nothing_is_left_for_a_slow_writer,
    nothing_is_left_for_a_touch,
    nothing_is_left_for_a_rotation,
    nothing_is_left_for_an_update,
);
for_one_store!(
    nats,
    Nats,
    nothing_is_left_for_a_slow_writer,
    nothing_is_left_for_a_touch,
    nothing_is_left_for_a_rotation,
    nothing_is_left_for_an_update
);

/// More commands than any request needs.
const MANY: usize = 30;

/// Two nodes whose commands are held, and a site of others that are not.
struct Rig {
    site: Site,
    rival: Node,
    logout: Node,
    principals: AtomicU32,
}

/// A session that is to end, and another one of the same principal.
struct Session {
    visitor: Visitor,
    handle: String,
    watcher: Visitor,
}

async fn nothing_is_left_for_a_slow_writer(backend: Backend) {
    against(backend, Request::post("/slow?ms=1&set=late")).await;
}

async fn nothing_is_left_for_a_touch(backend: Backend) {
    against(backend, Request::get("/attributes/number")).await;
}

async fn nothing_is_left_for_a_rotation(backend: Backend) {
    against(backend, Request::post("/rotate")).await;
}

async fn nothing_is_left_for_an_update(backend: Backend) {
    against(backend, Request::post("/increment/number")).await;
}

/// Tries every pair of points: the rival goes on to the one, the logout to the other, then the rival to its end.
async fn against(backend: Backend, request: Request) {
    let rig = Rig::start(backend).await;
    let mut schedules = 0;
    for rivals_steps in 0..MANY {
        let mut rival_ended = false;
        for steps in 0..MANY {
            let (rivals_end, logouts_end) = rig.run(&request, rivals_steps, steps).await;
            schedules += 1;
            rival_ended = rivals_end == At::End;
            if logouts_end != At::Command {
                break;
            }
        }
        if rival_ended {
            println!("{schedules} schedules");
            assert!(rivals_steps > 0 && schedules > 4, "{schedules} schedules, so nothing was held");
            return;
        }
    }
    panic!("{request:?} has no end");
}

impl Rig {
    async fn start(backend: Backend) -> Self {
        let options = ["--touch-every", "0s", "--store-timeout", "20s", "--sweep-every", "1h"];
        let site = Site::start(backend, &options).await;
        let (rival, logout) = (Node::of(&site).await, Node::of(&site).await);
        let rig = Self { site, rival, logout, principals: AtomicU32::new(0) };
        for node in [&rig.rival, &rig.logout] {
            let Session { mut visitor, .. } = rig.session().await;
            visitor.post(&node.server, "/increment/number").await.is(200);
            visitor.post(&node.server, "/logout").await.is(204);
        }
        rig
    }

    async fn session(&self) -> Session {
        let principal = format!("ada{}", self.principals.fetch_add(1, Ordering::Relaxed));
        let watcher = Visitor::signed_in(self.site.a(), &principal).await;
        let mut visitor = Visitor::signed_in(self.site.a(), &principal).await;
        visitor.post_json(self.site.a(), "/attributes", json!({ "number": 1, "other": [1] })).await.is(204);
        let handle = visitor.handle(self.site.a()).await;
        assert!(Contents::of(&self.site).await.knows(&handle), "the store tells nothing");
        Session { visitor, handle, watcher }
    }

    /// Runs one schedule, and returns where the two stood when both were held.
    async fn run(&self, request: &Request, rivals_steps: usize, steps: usize) -> (At, At) {
        let session = self.session().await;
        let mut rival = Actor::begin(&self.rival, &session.visitor, request.clone()).await;
        let rival_at = rival.steps(rivals_steps).await;
        let mut logout = Actor::begin(&self.logout, &session.visitor, Request::post("/logout")).await;
        let logout_at = logout.steps_past_another(steps).await;
        let mut logouts_at = logout_at;
        while logouts_at != At::End {
            rival.run_past_another().await;
            logouts_at = logout.run_past_another().await;
        }
        logout.finish().await.unwrap().is(204).removes_cookie();
        let about = format!("{request:?} after {rivals_steps} commands, the logout after {steps}");
        self.check(&session, session.ticket(), &about).await;
        let late = rival.finish().await.unwrap();
        let ticket = ticket_of(&late).filter(|ticket| ticket[..22] == session.ticket()[..22]);
        self.check(&session, ticket.as_deref().unwrap_or(session.ticket()), &about).await;
        (rival_at, logout_at)
    }

    /// Checks that nothing opens the session, and that the store holds nothing of it.
    async fn check(&self, session: &Session, ticket: &str, about: &str) {
        for ticket in [session.ticket(), ticket] {
            let seen = Visitor::holding(ticket).session(self.site.a()).await;
            assert_eq!(seen["new"], true, "it opens: {about}");
        }
        if self.site.backend() == Backend::Redis {
            // What a principal's key has there are hints: those of a session that ended young go when they are read.
            session.watcher.clone().get(self.site.a(), "/principal/sessions").await.is(200);
        }
        assert!(!Contents::of(&self.site).await.knows(&session.handle), "the store has it: {about}");
    }
}

impl Session {
    fn ticket(&self) -> &str {
        self.visitor.ticket.as_ref().unwrap()
    }
}

fn ticket_of(answer: &Answer) -> Option<String> {
    answer.set_cookie().map(|cookie| cookie.value).filter(|value| !value.is_empty())
}
