//! Two requests on two nodes, in every order in which their steps can come.
//!
//! Each request waits before and after each of its two operations on the store, and is let go step by step. All 70
//! ways to merge the four steps of each are tried.

mod actors;
mod driver;

use cloakroom::core::Standing;

use self::actors::{ADA, BOB, INCREMENT, LOGOUT, ROTATE, SET_LATE, SET_OTHER};
use self::driver::in_every_order;

#[tokio::test]
async fn nothing_brings_a_session_back_that_was_logged_out() {
    in_every_order([SET_LATE, LOGOUT], async |it| {
        assert!(!it.rig.opens(&it.ticket).await);
        it.answers[1].clone().is(200).removes_cookie();
        let late = it.answers[0].clone().is(200);
        if it.loaded(0) < it.applied(1) {
            late.without_cookie();
            assert_eq!(it.rig.memory.len(), 0);
        } else {
            let ticket = late.ticket();
            assert_ne!(ticket[..22], it.ticket[..22], "a session of its own");
            assert_eq!(it.rig.names(&ticket).await.unwrap(), ["late"]);
        }
    })
    .await;
}

#[tokio::test]
async fn an_update_brings_nothing_back_either() {
    in_every_order([INCREMENT, LOGOUT], async |it| {
        assert!(!it.rig.opens(&it.ticket).await);
        assert!(it.tickets_of_the_session().is_empty());
        it.answers[1].clone().is(200).removes_cookie();
    })
    .await;
}

#[tokio::test]
async fn a_rotation_brings_nothing_back_either() {
    in_every_order([ROTATE, LOGOUT], async |it| {
        it.answers[0].clone().is(200);
        it.answers[1].clone().is(200).removes_cookie();
        assert_eq!(it.rig.memory.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn two_logouts_are_one() {
    in_every_order([LOGOUT, LOGOUT], async |it| {
        it.answers.iter().for_each(|answer| drop(answer.clone().is(200)));
        assert_eq!(it.rig.memory.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_and_a_logout_end_as_one_of_them() {
    in_every_order([ADA, LOGOUT], async |it| {
        let signed_in = it.answers[0].clone().is(200);
        let left = it.answers[1].clone().is(200);
        assert!(!it.rig.opens(&it.ticket).await, "the ticket from before opens nothing either way");
        if it.first_applied_first() {
            left.without_cookie();
            assert!(it.rig.opens(&signed_in.ticket()).await, "a ticket from before cannot end it");
        } else {
            left.removes_cookie();
            assert!(it.tickets_of_the_session().is_empty());
        }
        for ticket in it.tickets() {
            assert_eq!(it.rig.opened(&ticket).await.unwrap().meta.principal.unwrap().as_str(), "ada");
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_set_before_a_sign_in_is_there_and_what_came_after_with_the_old_ticket_is_not() {
    in_every_order([SET_LATE, ADA], async |it| {
        it.answers[0].clone().is(200).without_cookie();
        let ticket = it.answers[1].clone().is(200).ticket();
        assert!(!it.rig.opens(&it.ticket).await);
        let opened = it.rig.opened(&ticket).await.unwrap();
        assert_eq!(opened.meta.principal.unwrap().as_str(), "ada");
        let names = it.rig.names(&ticket).await.unwrap();
        assert_eq!(names.contains(&"late".to_owned()), it.first_applied_first());
    })
    .await;
}

#[tokio::test]
async fn a_rotation_cannot_take_a_session_from_who_signs_in() {
    in_every_order([ROTATE, ADA], async |it| {
        it.answers[0].clone().is(200);
        it.answers[1].clone().is(200);
        assert!(!it.rig.opens(&it.ticket).await, "the ticket from before the sign-in");
        let ticket = it.answers[1].set_cookie().map(|cookie| cookie.value);
        if let Some(ticket) = ticket {
            assert_eq!(it.rig.opened(&ticket).await.unwrap().meta.principal.unwrap().as_str(), "ada");
        }
    })
    .await;
}

#[tokio::test]
async fn two_sign_ins_of_one_principal_both_end_signed_in() {
    in_every_order([ADA, ADA], async |it| {
        it.answers.iter().for_each(|answer| drop(answer.clone().is(200)));
        let tickets = it.tickets();
        assert!(!tickets.is_empty());
        for ticket in tickets {
            assert_eq!(it.rig.opened(&ticket).await.unwrap().meta.principal.unwrap().as_str(), "ada");
        }
        assert_eq!(it.rig.memory.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn of_two_sign_ins_by_different_principals_the_first_wins() {
    in_every_order([ADA, BOB], async |it| {
        let (won, lost, who) = if it.first_applied_first() { (0, 1, "ada") } else { (1, 0, "bob") };
        let ticket = it.answers[won].clone().is(200).ticket();
        it.answers[lost].clone().is(409).without_cookie();
        assert_eq!(it.rig.opened(&ticket).await.unwrap().meta.principal.unwrap().as_str(), who);
        assert_eq!(it.rig.memory.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn two_rotations_leave_every_ticket_working_and_the_loser_none() {
    in_every_order([ROTATE, ROTATE], async |it| {
        it.answers.iter().for_each(|answer| drop(answer.clone().is(200)));
        let (won, lost) = if it.first_applied_first() { (0, 1) } else { (1, 0) };
        let ticket = it.answers[won].ticket();
        let given = it.answers[lost].set_cookie().map(|cookie| cookie.value);
        // Whoever came after the rotation, and with the ticket from before, may not have got its answer.
        let came_after = it.loaded(lost) > it.applied(won);
        assert_eq!(given, came_after.then(|| ticket.clone()));
        assert!(it.rig.opens(&it.ticket).await);
        let opened = it.rig.opened(&ticket).await.unwrap();
        assert_eq!(opened.standing, Standing::Current, "what is handed out lives on");
    })
    .await;
}

#[tokio::test]
async fn a_rotation_loses_no_change() {
    in_every_order([SET_LATE, ROTATE], async |it| {
        it.answers[0].clone().is(200);
        let ticket = it.answers[1].clone().is(200).ticket();
        assert_eq!(it.rig.names(&ticket).await.unwrap(), ["first", "late"]);
        for given in it.tickets() {
            assert_eq!(given, ticket);
        }
    })
    .await;
}

#[tokio::test]
async fn two_requests_never_lose_each_others_attributes() {
    in_every_order([SET_LATE, SET_OTHER], async |it| {
        it.answers.iter().for_each(|answer| drop(answer.clone().is(200).without_cookie()));
        assert_eq!(it.rig.names(&it.ticket).await.unwrap(), ["first", "late", "other"]);
    })
    .await;
}

#[tokio::test]
async fn two_updates_both_count() {
    in_every_order([INCREMENT, INCREMENT], async |it| {
        it.answers.iter().for_each(|answer| drop(answer.clone().is(200)));
        assert_eq!(it.rig.stored(&it.ticket).await.unwrap()["first"], [3][..]);
    })
    .await;
}
