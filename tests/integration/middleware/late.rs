//! Requests that come late: after a renewal, a sign-in, a logout, or the head of their own response.

use std::time::Duration;

use cloakroom::core::BoxFuture;
use cloakroom::{Attr, Attribute, Error, ErrorKind, LoadPolicy, Principal, Session, Store as _};
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::{Moment, Operation};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::rig::Rig;

const GRACE: Duration = Duration::from_secs(15);

type Handled = BoxFuture<'static, Result<StatusCode, Error>>;
type Handler = fn(Session) -> Handled;

fn done(result: Result<(), Error>) -> Handled {
    Box::pin(async move { result.map(|()| StatusCode::OK) })
}

const SET_LATE: Handler = |it| done(it.set_named("late", &1));

const READ: Handler = |it| {
    Box::pin(async move {
        it.get_named::<i64>("first").await?;
        Ok(StatusCode::OK)
    })
};

const ROTATE: Handler = |it| {
    it.rotate();
    done(Ok(()))
};

const ADA: Handler = |it| done(it.sign_in("ada"));

async fn sessions_of(rig: &Rig, principal: &'static str) -> usize {
    let principal = Principal::new(principal).unwrap();
    rig.memory.sessions_of(&principal).await.unwrap().len()
}

async fn principal(rig: &Rig, ticket: &str) -> Option<String> {
    rig.opened(ticket).await.unwrap().meta.principal.map(|principal| principal.to_string())
}

#[tokio::test]
async fn whoever_rotated_before_a_sign_in_took_the_session_gets_no_cookie() {
    let late: [Handler; 3] = [
        SET_LATE,
        |it| {
            Box::pin(async move {
                it.set_named("late", &1)?;
                assert_eq!(it.commit().await.unwrap_err().kind(), ErrorKind::Gone);
                Ok(StatusCode::OK)
            })
        },
        |it| {
            Box::pin(async move {
                assert_eq!(it.heartbeat().await.unwrap_err().kind(), ErrorKind::Gone);
                Ok(StatusCode::OK)
            })
        },
    ];
    for late in late {
        let rig = Rig::new();
        let ticket = rig.session().await;
        let rotates = |session: Session| {
            let (rig, ticket) = (&rig, &ticket);
            async move {
                session.rotate();
                session.commit().await?;
                let new = rig.node().run(Some(ticket), ADA).await.is(200).ticket();
                assert_eq!(late(session).await?, StatusCode::OK);
                assert_eq!(rig.names(&new).await.unwrap(), ["first"]);
                Ok(StatusCode::OK)
            }
        };
        rig.run(Some(&ticket), rotates).await.is(200).without_cookie();
        assert!(!rig.opens(&ticket).await);
        assert_eq!(sessions_of(&rig, "ada").await, 1);
    }
}

#[tokio::test]
async fn after_a_sign_in_neither_ticket_from_before_is_answered_with_a_cookie() {
    let rig = Rig::new();
    let oldest = rig.session().await;
    let older = rig.run(Some(&oldest), ROTATE).await.is(200).ticket();
    let new = rig.run(Some(&oldest), ADA).await.is(200).ticket();
    for late in [&oldest, &older] {
        for handler in [SET_LATE, READ, ROTATE, ADA] {
            assert!(!rig.opens(late).await);
            rig.run(Some(late), handler).await.is(200).without_cookie();
        }
    }
    assert_eq!(rig.names(&new).await.unwrap(), ["first"]);
    assert_eq!(principal(&rig, &new).await.as_deref(), Some("ada"));
    assert_eq!(rig.memory.len(), 1);
}

/// Its request never had a session that could have ended.
#[tokio::test]
async fn whoever_comes_with_the_ticket_before_a_sign_in_has_nothing_to_reload() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    rig.run(Some(&ticket), ADA).await.is(200).ticket();
    let late = |session: Session| async move {
        session.reload().await?;
        session.heartbeat().await?;
        Ok(StatusCode::OK)
    };
    rig.run(Some(&ticket), late).await.is(200).without_cookie();
}

/// What a request does after it has rotated and committed, none of which shows that the browser has the new ticket.
const AFTER_A_ROTATION: [(&str, Handler); 8] = [
    ("nothing", |_| done(Ok(()))),
    ("set", SET_LATE),
    ("read", READ),
    ("names", |it| Box::pin(async move { it.attribute_names().await.map(|_| StatusCode::OK) })),
    ("reload", |it| Box::pin(async move { it.reload().await.map(|()| StatusCode::OK) })),
    ("heartbeat", |it| Box::pin(async move { it.heartbeat().await.map(|()| StatusCode::OK) })),
    ("update", |it| {
        Box::pin(async move {
            it.update_named("late", |number: &mut i64| *number += 1).await?;
            Ok(StatusCode::OK)
        })
    }),
    ("rotation", ROTATE),
];

#[tokio::test]
async fn a_rotation_whose_answer_was_lost_is_given_again_within_the_grace() {
    for (case, then) in AFTER_A_ROTATION {
        let clock = ManualClock::default();
        let rig = Rig::on_clock(&clock, |layer| layer.rotation_grace(GRACE));
        let ticket = rig.session().await;
        let rotates = |session: Session| async move {
            session.rotate();
            session.commit().await?;
            then(session).await
        };
        let lost = rig.run(Some(&ticket), rotates).await.is(200).ticket();
        clock.advance(GRACE - Duration::from_secs(1));
        let again = rig.run(Some(&ticket), READ).await.is(200).ticket();
        assert_eq!(again, lost, "{case}");
        rig.run(Some(&again), READ).await.is(200).without_cookie();
        clock.advance(Duration::from_secs(2));
        assert!(!rig.opens(&ticket).await, "{case}");
        assert!(rig.names(&again).await.unwrap().contains(&"first".to_owned()), "{case}");
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Cart(u32);

impl Attribute for Cart {
    const NAME: &'static str = "cart";
}

#[tokio::test]
async fn what_was_changed_by_reference_before_a_logout_is_gone_with_the_session() {
    for sets in [false, true] {
        let rig = Rig::new();
        let fills = |session: Session| async move {
            session.set(&Cart(41))?;
            Ok(StatusCode::OK)
        };
        let ticket = rig.run(None, fills).await.is(200).ticket();
        let leaves = |session: Session| async move {
            let mut cart: Attr<Cart> = session.attr().await?;
            cart.0 += 1;
            session.invalidate();
            if sets {
                session.set_named("fresh", &1)?;
            }
            drop(cart);
            assert!(session.get::<Cart>().await?.is_none());
            Ok(StatusCode::NO_CONTENT)
        };
        let answer = rig.run(Some(&ticket), leaves).await.is(204);
        assert!(!rig.opens(&ticket).await);
        if sets {
            assert_eq!(rig.names(&answer.ticket()).await.unwrap(), ["fresh"]);
        } else {
            answer.removes_cookie();
            assert!(rig.memory.is_empty());
        }
    }
}

#[tokio::test]
async fn an_update_does_not_sign_in_whose_request_then_fails() {
    for is_new in [false, true] {
        for status in [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR] {
            let rig = Rig::new();
            let ticket = if is_new { None } else { Some(rig.session().await) };
            let signs_in = |session: Session| async move {
                session.sign_in("ada")?;
                session.update_named("late", |number: &mut i64| *number += 1).await?;
                Ok(status)
            };
            let answer = rig.run(ticket.as_deref(), signs_in).await.is(status.as_u16());
            let opens = answer.set_cookie().map_or_else(|| ticket.clone().unwrap(), |cookie| cookie.value);
            let expected = (status == StatusCode::OK).then_some("ada");
            assert_eq!(principal(&rig, &opens).await.as_deref(), expected);
            assert_eq!(sessions_of(&rig, "ada").await, usize::from(expected.is_some()));
            assert!(rig.names(&opens).await.unwrap().contains(&"late".to_owned()), "the update stands");
            assert_eq!(rig.memory.len(), 1);
        }
    }
}

async fn changes_and_signs_in(session: Session) -> Result<StatusCode, Error> {
    session.clear();
    session.set_named("first", &7)?;
    session.set_label("late")?;
    session.set_max_inactive_interval(Duration::from_secs(1))?;
    session.sign_in("ada")?;
    Ok(StatusCode::NO_CONTENT)
}

/// Checks that a session is as it was before the late sign-in.
async fn is_untouched(rig: &Rig, ticket: &str) {
    let opened = rig.opened(ticket).await.unwrap();
    assert_eq!(opened.meta.label, None);
    assert!(opened.meta.max_inactive_interval > Duration::from_secs(1));
    assert_eq!(rig.stored(ticket).await.unwrap()["first"], [1][..]);
    assert_eq!(sessions_of(rig, "ada").await, 1);
}

#[tokio::test]
async fn a_late_sign_in_of_the_same_principal_writes_nothing() {
    let rig = Rig::new();
    let ticket = rig.session().await;
    let new = rig.run(Some(&ticket), ADA).await.is(200).ticket();
    rig.run(Some(&ticket), changes_and_signs_in).await.is(204).without_cookie();
    is_untouched(&rig, &new).await;
}

#[tokio::test]
async fn a_sign_in_that_was_overtaken_by_one_of_the_same_principal_writes_nothing() {
    for commits in [false, true] {
        let rig = Rig::new();
        let ticket = rig.session().await;
        let gate = rig.faults.hold_next(Operation::Commit, Moment::Before);
        let late = |session: Session| async move {
            let status = changes_and_signs_in(session.clone()).await;
            if commits {
                session.commit().await?;
            }
            status
        };
        let overtakes = async {
            gate.arrived().await;
            let new = rig.node().run(Some(&ticket), ADA).await.is(200).ticket();
            gate.open();
            new
        };
        let (late, new) = tokio::join!(rig.run(Some(&ticket), late), overtakes);
        late.is(204).without_cookie();
        is_untouched(&rig, &new).await;
    }
}

/// Handles a request, and returns its session after the answer has gone out.
async fn after_head(rig: &Rig, ticket: &str) -> Session {
    let (sender, receiver) = oneshot::channel();
    let keeps = |session: Session| async move {
        sender.send(session).unwrap();
        Ok(StatusCode::OK)
    };
    rig.run(Some(ticket), keeps).await.is(200).without_cookie();
    receiver.await.unwrap()
}

#[tokio::test]
async fn what_came_too_late_for_a_cookie_does_not_poison_later_commits() {
    for ask in [ROTATE, ADA] {
        let rig = Rig::new();
        let ticket = rig.session().await;
        let session = after_head(&rig, &ticket).await;
        ask(session.clone()).await.unwrap();
        assert_eq!(session.commit().await.unwrap_err().kind(), ErrorKind::HeadSent);
        assert_eq!(session.principal(), None);
        session.set_named("late", &1).unwrap();
        session.commit().await.unwrap();
        assert_eq!(rig.names(&ticket).await.unwrap(), ["first", "late"]);
        assert_eq!(sessions_of(&rig, "ada").await, 0);
    }
}

/// Checks that one of two names is listed, and has the value.
async fn are_of_one_state(session: &Session) -> Result<(), Error> {
    let names = session.attribute_names().await?;
    assert_eq!(names.len(), 1, "{names:?}");
    for name in ["first", "moved"] {
        let is_listed = names.iter().any(|listed| listed.as_str() == name);
        assert_eq!(session.contains_named(name).await?, is_listed, "{name} {names:?}");
    }
    Ok(())
}

/// Another request moves a value from `first` to `moved`: whoever reads sees it in one of them, never in both or none.
#[tokio::test]
async fn names_and_values_are_of_one_state_whatever_was_loaded() {
    for policy in [LoadPolicy::OnDemand, LoadPolicy::Everything] {
        let rig = Rig::with(|layer| layer.load(policy.clone()));
        let ticket = rig.session().await;
        let moves = |session: Session| async move {
            session.remove_named("first");
            session.set_named("moved", &1)?;
            Ok(StatusCode::OK)
        };
        let reads = |session: Session| {
            let (rig, ticket, policy) = (&rig, &ticket, &policy);
            async move {
                assert_eq!(session.get_named::<i64>("first").await?, Some(1));
                rig.node().run(Some(ticket), moves).await.is(200);
                are_of_one_state(&session).await?;
                session.reload().await?;
                let names = session.attribute_names().await?;
                assert_eq!(names.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["moved"]);
                assert_eq!(session.get_named::<i64>("first").await?, None, "{policy:?}");
                assert_eq!(session.get_named::<i64>("moved").await?, Some(1), "{policy:?}");
                Ok(StatusCode::OK)
            }
        };
        rig.run(Some(&ticket), reads).await.is(200);
    }
}

#[tokio::test]
async fn taking_what_only_this_request_has_set_makes_no_session() {
    let rig = Rig::new();
    let takes = |session: Session| async move {
        session.set_named("code", &7)?;
        assert_eq!(session.take_once_named::<i64>("code").await?, Some(7));
        assert_eq!(session.take_once_named::<i64>("code").await?, None);
        Ok(StatusCode::OK)
    };
    rig.run(None, takes).await.is(200).without_cookie();
    assert!(rig.memory.is_empty());
    assert!(rig.faults.calls().is_empty());
}

/// Nobody who has lost the session is handed a ticket that would overwrite the one of the sign-in.
#[tokio::test]
async fn whoever_learns_from_a_read_that_a_sign_in_took_the_session_gets_no_cookie() {
    let late: [(&str, Handler); 4] = [
        ("get", |it| Box::pin(async move { gone(it.get_named::<i64>("first").await) })),
        ("reload", |it| Box::pin(async move { gone(it.reload().await) })),
        ("names", |it| Box::pin(async move { gone(it.attribute_names().await) })),
        ("update", |it| {
            Box::pin(async move { gone(it.update_named("late", |it: &mut i64| *it += 1).await) })
        }),
    ];
    for (case, late) in late {
        println!("{case}");
        let rig = Rig::new();
        let ticket = rig.session().await;
        let rotates = |session: Session| {
            let (rig, ticket) = (&rig, &ticket);
            async move {
                session.rotate();
                session.commit().await?;
                rig.node().run(Some(ticket), ADA).await.is(200).ticket();
                late(session).await
            }
        };
        rig.run(Some(&ticket), rotates).await.is(200).without_cookie();
    }
}

fn gone<T: std::fmt::Debug>(answer: Result<T, Error>) -> Result<StatusCode, Error> {
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Gone);
    Ok(StatusCode::OK)
}
