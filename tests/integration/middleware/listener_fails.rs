//! Listeners that panic, hang, block and dawdle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cloakroom::core::{Clock, Timestamp};
use cloakroom::{MemoryStore, Session, SessionEvent, SessionLayer, SessionListener};
use http::{Request, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::ear::{Ear, ROTATE};
use super::log::logged;
use super::rig::{Rig, respond};

struct Panics;

impl SessionListener for Panics {
    async fn heard(&self, _: &SessionEvent) {
        panic!("as it must");
    }
}

/// Does not return before it is let go.
#[derive(Clone)]
struct Hangs {
    begun: Arc<AtomicUsize>,
    let_go: Arc<Semaphore>,
}

impl Hangs {
    fn new() -> Self {
        Self { begun: Arc::default(), let_go: Arc::new(Semaphore::new(0)) }
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }
}

impl SessionListener for Hangs {
    async fn heard(&self, _: &SessionEvent) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.let_go.acquire().await.unwrap().forget();
    }
}

#[tokio::test]
async fn a_panic_reaches_neither_the_request_nor_other_listeners() {
    let ear = Ear::new();
    let rig = Rig::with(|layer| layer.listener(Panics).listener(ear.clone()));
    let lives = async {
        let ticket = rig.session().await;
        rig.run(Some(&ticket), ROTATE).await.is(200).ticket();
        rig.layer.settled().await;
    };
    let (log, ()) = logged(lives).await;
    assert_eq!(ear.story(), ["created", "rotated"]);
    drop(log);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_hangs_holds_up_nobody_but_itself() {
    let (ear, hangs) = (Ear::new(), Hangs::new());
    let rig = Rig::with(|layer| layer.listener(hangs.clone()).listener(ear.clone()));
    let began = Instant::now();
    let ticket = rig.session().await;
    let ticket = rig.run(Some(&ticket), ROTATE).await.is(200).ticket();
    assert_eq!(began.elapsed(), Duration::ZERO, "no request waits");
    rig.layer.settled().await;
    assert_eq!(began.elapsed().as_secs(), 5, "its time, once");
    assert_eq!(ear.story(), ["created", "rotated"]);
    assert_eq!(hangs.begun(), 1, "it hears nothing more");
    hangs.let_go.add_permits(2);
    rig.run(Some(&ticket), ROTATE).await.is(200).ticket();
    rig.layer.settled().await;
    assert_eq!(hangs.begun(), 2, "until it has returned");
    assert_eq!(ear.story().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn how_long_a_listener_may_take_is_for_the_layer_to_say() {
    for before in [false, true] {
        let hangs = Hangs::new();
        let minute = Duration::from_secs(60);
        let rig = Rig::with(|layer| {
            if before {
                layer.listener_timeout(minute).listener(hangs.clone())
            } else {
                layer.listener(hangs.clone()).listener_timeout(minute)
            }
        });
        let began = Instant::now();
        rig.session().await;
        rig.layer.settled().await;
        assert_eq!(began.elapsed().as_secs(), 60);
    }
}

/// Blocks the thread that it runs on, as none should.
struct Blocks(Arc<Semaphore>);

impl SessionListener for Blocks {
    async fn heard(&self, _: &SessionEvent) {
        while self.0.try_acquire().is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn even_one_that_blocks_its_thread_does_not_hold_up_the_end() {
    let (ear, let_go) = (Ear::new(), Arc::new(Semaphore::new(0)));
    let rig = Rig::with(|layer| {
        let layer = layer.listener(Blocks(Arc::clone(&let_go))).listener(ear.clone());
        layer.listener_timeout(Duration::from_millis(20))
    });
    rig.session().await;
    rig.layer.settled().await;
    assert_eq!(ear.story(), ["created"]);
    let_go.add_permits(1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_slow_listener_is_bounded() {
    let hangs = Hangs::new();
    let rig = Rig::with(|layer| layer.listener(hangs.clone()).listener_timeout(Duration::from_secs(1 << 20)));
    let makes = |session: cloakroom::Session| async move {
        session.set_named("first", &1)?;
        Ok(StatusCode::OK)
    };
    rig.run(None, makes).await.is(200);
    while hangs.begun() == 0 {
        tokio::task::yield_now().await;
    }
    let crowd = async {
        for _ in 0..10_003 {
            rig.run(None, makes).await.is(200);
        }
    };
    let (log, ()) = logged(crowd).await;
    assert_eq!(log.matches("an event is dropped").count(), 3);
    hangs.let_go.add_permits(20_000);
    rig.layer.settled().await;
    assert_eq!(hangs.begun(), 10_001);
}

/// Takes almost as long as it may.
#[derive(Clone)]
struct Dawdles(Ear);

impl SessionListener for Dawdles {
    async fn heard(&self, event: &SessionEvent) {
        tokio::time::sleep(Duration::from_secs(4)).await;
        SessionListener::heard(&self.0, event).await;
    }
}

/// The time that a test has paused, for a store.
#[derive(Debug)]
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1 << 40).plus(self.0.elapsed())
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_lasts_until_a_slow_listener_has_heard_of_the_session() {
    let memory = MemoryStore::builder().clock(Arc::new(Paused(Instant::now()))).build();
    let ear = Ear::new();
    let minute = Duration::from_secs(60);
    let node =
        || SessionLayer::new(memory.clone()).max_inactive_interval(minute).listener(Dawdles(ear.clone()));
    let (one, other) = (node(), node());
    let makes = async |request: Request<()>| {
        Session::from_extensions(request.extensions()).await?.set_named("first", &1)?;
        Ok(StatusCode::OK)
    };
    for _ in 0..3 {
        respond(&one, Request::new(()), makes).await;
    }
    one.settled().await;
    tokio::time::sleep(minute).await;
    let [one, other] = [one, other].map(|layer| layer.sweeper().lease(Duration::from_secs(1)));
    let later = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        other.sweep().await.unwrap()
    };
    let (told, told_again) = tokio::join!(one.sweep(), later);
    assert_eq!((told.unwrap(), told_again), (3, 0));
    assert_eq!(ear.story(), ["created", "created", "created", "expired", "expired", "expired"]);
}
