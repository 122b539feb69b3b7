//! Visitors who write all the time, and know what they were told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

pub(super) use crate::support::served;
use crate::support::{Answer, Server, Site, Visitor, eventually};

pub(super) const BOUND: [&str; 2] = ["--store-timeout", "3s"];

/// How long an answer may take: two store timeouts, and what a busy machine may need.
const LONGEST: Duration = Duration::from_secs(2 * 3 + 15);

/// How many there are, the same number on each node.
const WRITERS: usize = 6;

/// After how many writes a writer begins a new session, which may hold half as many attributes.
const WRITES: usize = 1000;

/// Writers on all nodes of a site.
pub(super) struct Traffic<'a> {
    site: &'a Site,
    visitors: Vec<Visitor>,
    acknowledged: Vec<AtomicUsize>,
    refused: AtomicUsize,
    is_over: AtomicBool,
    written: Mutex<Vec<Written>>,
}

/// What a visitor has written to a session.
#[derive(Debug, Default)]
struct Written {
    visitor: Visitor,
    names: Vec<String>,
    increments: usize,
    perhaps: usize,
}

impl<'a> Traffic<'a> {
    /// Makes writers with a session each. They do nothing yet.
    pub(super) async fn on(site: &'a Site) -> Self {
        let mut visitors = Vec::new();
        for number in 0..WRITERS {
            visitors.push(newcomer(site.node(number)).await);
        }
        let acknowledged = (0..WRITERS).map(|_| AtomicUsize::new(0)).collect();
        let (refused, is_over, written) = Default::default();
        Self { site, visitors, acknowledged, refused, is_over, written }
    }

    /// Writes while something goes on, and until every writer writes again; then checks that all which was acknowledged
    /// is there, and nothing was done twice.
    pub(super) async fn during(self, fault: impl AsyncFnOnce(&Self)) {
        let writers = join_all((0..WRITERS).map(|number| self.write(number)));
        let fault = async {
            self.flows().await;
            fault(&self).await;
            self.flows().await;
            self.is_over.store(true, Ordering::Relaxed);
        };
        tokio::join!(writers, fault);
        let all = std::mem::take(&mut *self.written.lock().unwrap());
        for written in all {
            for server in [self.site.a(), self.site.b()] {
                written.check(server).await;
            }
        }
    }

    /// Waits until every writer was told of another success.
    pub(super) async fn flows(&self) {
        let now = || self.acknowledged.iter().map(|count| count.load(Ordering::Relaxed));
        let before: Vec<usize> = now().collect();
        // What is acknowledged next may have been written before.
        eventually(async || now().zip(&before).all(|(now, before)| now > before + 1)).await;
    }

    /// Returns how many writes were refused so far.
    pub(super) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// Returns the handles of the sessions in which the writers begin.
    pub(super) async fn handles(&self) -> Vec<String> {
        let handles = self.visitors.iter().map(async |visitor| visitor.clone().handle(self.site.a()).await);
        join_all(handles).await
    }

    async fn write(&self, number: usize) {
        let server = self.site.node(number);
        let mut written = Written { visitor: self.visitors[number].clone(), ..Written::default() };
        for count in 1.. {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            if count % WRITES == 0 {
                self.written.lock().unwrap().push(std::mem::take(&mut written));
            }
            if written.write(server, count).await {
                self.acknowledged[number].fetch_add(1, Ordering::Relaxed);
            } else {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.written.lock().unwrap().push(written);
    }
}

impl Written {
    /// Returns whether it was acknowledged.
    async fn write(&mut self, server: &Server, count: usize) -> bool {
        let is_increment = count.is_multiple_of(2);
        let had_ticket = self.visitor.ticket.is_some();
        let name = format!("n{count:06}");
        let answer = within(async {
            match is_increment {
                true => self.visitor.post(server, "/increment/total").await,
                false => self.visitor.put(server, &format!("/attributes/{name}"), count).await,
            }
        });
        let answer = answer.await;
        let is_acknowledged = match answer.status {
            200 | 204 => true,
            503 => false,
            _ => panic!("{answer:?}"),
        };
        if had_ticket || !is_acknowledged {
            answer.without_cookie();
        }
        match (is_increment, is_acknowledged) {
            (true, true) => self.increments += 1,
            (true, false) => self.perhaps += 1,
            (false, true) => self.names.push(name),
            (false, false) => {}
        }
        is_acknowledged
    }

    async fn check(&self, server: &Server) {
        if self.visitor.ticket.is_none() {
            assert_eq!((self.names.len(), self.increments), (0, 0), "{self:?}");
            return;
        }
        let seen = served(&self.visitor, server, "/session").await.is(200).json();
        let names: Vec<&str> =
            seen["names"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
        let lost: Vec<&String> = self.names.iter().filter(|name| !names.contains(&name.as_str())).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?} of {seen}");
        if self.increments > 0 {
            let total = served(&self.visitor, server, "/attributes/total").await.is(200).json();
            let expected = self.increments..=self.increments + self.perhaps;
            let is_right = expected.clone().any(|number| total == json!(number));
            assert!(is_right, "{total} increments were done; expected {expected:?}");
        }
    }
}

/// Makes a visitor with a session, as soon as the store takes one.
pub(super) async fn newcomer(server: &Server) -> Visitor {
    let newcomer = Mutex::new(Visitor::new());
    eventually(async || {
        let mut visitor = Visitor::new();
        let is_made = visitor.put(server, "/attributes/first", 1).await.status == 204;
        *newcomer.lock().unwrap() = visitor;
        is_made
    })
    .await;
    newcomer.into_inner().unwrap()
}

/// Waits for an answer that must come within the bound, whatever the store does.
pub(super) async fn within(answer: impl Future<Output = Answer>) -> Answer {
    let sent = Instant::now();
    let answer = tokio::time::timeout(2 * LONGEST, answer).await.expect("an answer must come");
    assert!(sent.elapsed() < LONGEST, "{:?} for {answer:?}", sent.elapsed());
    answer
}
