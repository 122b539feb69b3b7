//! Micro-benchmarks of what every request does: the ticket, the codec, the decision. `cargo bench -p benches`.

use std::error::Error;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use cloakroom::core::{
    AttributeChange, Changes, Commit, CommitId, Creation, Edit, Intent, Limits, Name, Record, Size, Ticket,
    Timestamp, Touch, Verdict,
};
use cloakroom::{Attribute, Session};
use criterion::{Criterion, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const LATER: Timestamp = Timestamp::from_millis(1_700_000_000_500);

fn ticket(criterion: &mut Criterion) {
    let ticket = Ticket::generate().expect("the operating system has random bytes");
    let text = ticket.expose();
    let mut group = criterion.benchmark_group("ticket");
    group.bench_function("parse", |bencher| bencher.iter(|| Ticket::parse(black_box(text.as_bytes()))));
    group.bench_function("hash", |bencher| bencher.iter(|| black_box(&ticket).guard()));
    group.bench_function("generate", |bencher| bencher.iter(Ticket::generate));
    group.bench_function("write", |bencher| bencher.iter(|| black_box(&ticket).expose()));
    group.finish();
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<(String, u32)>,
}

impl Attribute for Cart {
    const NAME: &'static str = "cart";
}

/// Through a session that is all in memory: encode or decode, and find the attribute.
fn codec(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be built");
    let items = (0..20).map(|number| (format!("article {number}"), number)).collect();
    let (session, cart) = (Session::for_test(), Cart { items });
    session.set(&cart).expect("a cart can be encoded");
    let mut group = criterion.benchmark_group("codec");
    group.bench_function("set", |bencher| bencher.iter(|| session.set(black_box(&cart))));
    group.bench_function("get", |bencher| bencher.iter(|| runtime.block_on(session.get::<Cart>())));
    group.finish();
}

/// Which tickets open a session, whether an access is due, and what a commit does.
fn decision(criterion: &mut Criterion) {
    let (record, commit) = session().expect("a session can be made");
    let revision = record.version;
    let held = |_: &Name| Some(Size { value: 5, revision });
    let mut group = criterion.benchmark_group("decision");
    group.bench_function("admit", |bencher| {
        bencher.iter(|| black_box(&record).admit(black_box(&commit.guard.proof), LATER));
    });
    let admission = record.admit(&commit.guard.proof, LATER);
    let throttle = Touch::AtMostEvery(Duration::from_secs(60));
    group.bench_function("access", |bencher| {
        bencher.iter_batched_ref(
            || record.clone(),
            |record| record.access(admission, LATER, throttle),
            criterion::BatchSize::SmallInput,
        );
    });
    group.bench_function("apply", |bencher| {
        bencher.iter_batched_ref(
            || record.clone(),
            |record| {
                let verdict = record.apply(&commit, LATER, held);
                assert!(matches!(verdict, Verdict::Apply(_)));
            },
            criterion::BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// Returns a session and a commit that changes one of its attributes.
fn session() -> Result<(Record, Commit)> {
    let creation =
        Creation { max_inactive_interval: Duration::from_secs(1_800), max_lifetime: None, bind: None };
    let change = AttributeChange {
        name: Name::new("counter".to_owned())?,
        edit: Edit::Set { value: vec![0xce, 0, 0, 0, 1].into(), ttl: None },
        expect: None,
    };
    let commit = |intent| -> Result<Commit> {
        Ok(Commit {
            id: CommitId::generate()?,
            guard: Ticket::generate()?.guard(),
            intent,
            changes: Changes { attributes: vec![change.clone()], ..Changes::default() },
            limits: Limits::default(),
            age: Duration::ZERO,
            stands_for: NonZeroU32::MIN,
        })
    };
    let create = commit(Intent::Create(creation.clone()))?;
    let record = Record::create(&create, &creation, NOW)?;
    Ok((record, Commit { guard: create.guard, ..commit(Intent::Change)? }))
}

criterion_group!(all, ticket, codec, decision);
criterion_main!(all);
