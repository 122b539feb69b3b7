//! Whatever is committed, loaded and written in whatever order: the node shows what a store without timed writes would.

use std::num::NonZeroU32;
use std::time::Duration;

use cloakroom::core::{
    Changes, Commit, Edit, Freshness, Label, Limits, Load, Loaded, Name, Names, Outcome, Select, Store,
    Touch, Wanted,
};
use cloakroom_testkit::ReferenceStore;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{Rig, change, create, create_as, edit, set};

const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Commit { clear: bool, edits: Vec<(usize, Option<usize>)>, label: Option<u8>, brief: bool },
    Load { names: Option<Vec<usize>>, list: bool, touch: bool },
    Flush,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let edits = vec((0..NAMES.len(), proptest::option::weighted(0.7, 0..40_usize)), 0..4);
    let label = proptest::option::weighted(0.2, 0..9_u8);
    let commit = (proptest::bool::weighted(0.1), edits, label, proptest::bool::weighted(0.1));
    let load = (proptest::option::of(vec(0..NAMES.len(), 0..3)), any::<bool>(), any::<bool>());
    prop_oneof![
        5 => commit.prop_map(|(clear, edits, label, brief)| Step::Commit { clear, edits, label, brief }),
        4 => load.prop_map(|(names, list, touch)| Step::Load { names, list, touch }),
        1 => Just(Step::Flush),
        1 => (1..30_000_u64).prop_map(Step::Pass),
    ]
}

fn name(index: usize) -> Name {
    Name::from_static(NAMES[index])
}

fn load_of(ticket: &cloakroom::core::Ticket, names: Option<&Vec<usize>>, list: bool, touch: bool) -> Load {
    let values = names.map_or(Wanted::Everything, |names| {
        Wanted::Named(names.iter().map(|index| name(*index)).collect::<Names>())
    });
    Load {
        guard: ticket.guard(),
        select: Select { values, names: list },
        touch: if touch { Touch::AtMostEvery(Duration::ZERO) } else { Touch::Never },
        freshness: Freshness::Any,
    }
}

/// Returns all that a load shows, but for the revisions, and for the counts where they are not asked for.
async fn shown(store: &impl Store, load: &Load, counts: bool) -> String {
    match store.load(load).await.unwrap() {
        Loaded::Open(mut opened) => {
            if !counts {
                (opened.meta.attributes, opened.meta.bytes) = (0, 0);
            }
            let mut values: Vec<_> = opened.attributes.iter().map(|held| (&held.name, &held.value)).collect();
            values.sort();
            format!("{:?} {values:?} {:?} {:?}", opened.meta, opened.names, opened.now)
        }
        closed => format!("{closed:?}"),
    }
}

async fn answered(store: &impl Store, commit: &Commit) -> String {
    match store.commit(commit).await.unwrap() {
        Outcome::Committed(committed) => format!("{} {}", committed.version.0, committed.now),
        refused => format!("{refused:?}"),
    }
}

/// `elsewhere`: the session was made on another node, so that this one knows of it only what it loads.
async fn same(elsewhere: bool, steps: Vec<Step>) {
    let rig = Rig::new();
    let plain = ReferenceStore::new(rig.clock.clone());
    let ticket = create(&plain).await;
    if elsewhere {
        create_as(&rig.store, &ticket).await;
    } else {
        create_as(&rig.node, &ticket).await;
    }
    let (mut is_any_brief, mut counts) = (false, true);
    for (index, step) in steps.into_iter().enumerate() {
        match step {
            Step::Commit { clear, edits, label, brief } => {
                is_any_brief |= brief;
                let mut attributes: Vec<_> = Vec::new();
                for (index, bytes) in edits {
                    let value = bytes.map(|bytes| "x".repeat(bytes));
                    attributes.retain(|it: &cloakroom::core::AttributeChange| it.name != name(index));
                    attributes.push(edit(NAMES[index], value.as_deref(), None));
                }
                if let (true, Some(first)) = (brief, attributes.first_mut())
                    && let Edit::Set { ttl, .. } = &mut first.edit
                {
                    *ttl = Some(Duration::from_secs(20));
                }
                let label = label.map(|label| Label::new(label.to_string()).unwrap());
                let changes = Changes { clear, attributes, label, ..Changes::default() };
                let limits = Limits { attribute_bytes: 35, session_bytes: 60, attributes: 2 };
                let commit = Commit { limits, ..change(&ticket, changes) };
                assert_eq!(
                    answered(&rig.node, &commit).await,
                    answered(&plain, &commit).await,
                    "step {index}"
                );
            }
            Step::Load { names, list, touch } => {
                let load = load_of(&ticket, names.as_ref(), list, touch);
                assert_eq!(
                    shown(&rig.node, &load, counts).await,
                    shown(&plain, &load, counts).await,
                    "step {index}: {load:?}"
                );
            }
            Step::Flush => rig.node.flush().await.unwrap(),
            Step::Pass(millis) => {
                // The node's counts may include what has lapsed, until what it holds back is written.
                counts &= !is_any_brief;
                rig.clock.advance(Duration::from_millis(millis));
            }
        }
    }
    rig.node.flush().await.unwrap();
    let all = load_of(&ticket, None, true, false);
    assert_eq!(shown(&rig.store, &all, true).await, shown(&plain, &all, true).await, "at the end");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn it_shows_what_a_store_without_timed_writes_would(elsewhere in any::<bool>(), steps in vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(same(elsewhere, steps));
    }
}

#[tokio::test]
async fn commits_become_one_that_stands_for_them_in_order() {
    let rig = Rig::new();
    let ticket = create(&rig.node).await;
    let clear = Changes { clear: true, attributes: vec![edit("b", Some("2"), None)], ..Changes::default() };
    let remove = Changes { attributes: vec![edit("c", None, None)], ..Changes::default() };
    let commits =
        [set(&ticket, "a", "1"), change(&ticket, clear), set(&ticket, "c", "3"), change(&ticket, remove)];
    for commit in &commits {
        assert!(matches!(rig.node.commit(commit).await.unwrap(), Outcome::Committed(_)));
    }
    rig.node.flush().await.unwrap();
    let written = rig.commits().pop().unwrap();
    assert_eq!((written.stands_for, written.changes.clear), (NonZeroU32::new(4).unwrap(), true));
    let names: Vec<_> =
        written.changes.attributes.iter().map(|it| (it.name.as_str(), is_set(&it.edit))).collect();
    assert_eq!(names, [("b", true), ("c", false)]);
}

fn is_set(edit: &Edit) -> bool {
    matches!(edit, Edit::Set { .. })
}
