use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Backend, Site, Visitor, eventually, for_each_site};

for_each_site!(
    a_rotation_keeps_the_session_and_its_name,
    the_ticket_before_works_during_the_grace,
    the_ticket_before_ends_with_the_grace,
    only_the_ticket_immediately_before_works,
    a_lost_answer_is_given_again,
    once_the_new_ticket_was_used_the_old_one_gets_no_cookie,
    a_logout_with_either_ticket_ends_the_session,
    parallel_rotations_leave_every_ticket_working,
    rotating_and_changing_is_one_commit_among_others,
    without_a_session_there_is_nothing_to_rotate,
);

async fn a_rotation_keeps_the_session_and_its_name(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, old) = Visitor::with_session(site.a()).await;
    let before = visitor.session(site.a()).await;
    let new = visitor.post(site.a(), "/rotate").await.is(204).ticket();
    assert_eq!(new[..22], old[..22], "load balancers route by this half");
    assert_ne!(new[22..], old[22..]);
    let after = visitor.session(site.b()).await;
    for same in ["handle", "names", "created_at_ms"] {
        assert_eq!(before[same], after[same]);
    }
    assert_eq!(after["new"], false);
}

async fn the_ticket_before_works_during_the_grace(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (mut visitor, old) = Visitor::with_session(site.a()).await;
    visitor.post(site.a(), "/rotate").await.is(204).ticket();
    visitor.get(site.a(), "/session").await.is(200);
    let late = || Visitor::holding(&old);
    assert_eq!(late().attribute(site.b(), "first").await, Some(json!(1)));
    late().put(site.b(), "/attributes/late", "2").await.is(204).without_cookie();
    assert_eq!(late().post(site.b(), "/increment/first").await.is(200).without_cookie().json(), json!(2));
    late().post(site.b(), "/slow?ms=1&set=slow").await.is(204).without_cookie();
    assert_eq!(visitor.names(site.a()).await, ["first", "late", "slow"]);
}

async fn the_ticket_before_ends_with_the_grace(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "300ms"]).await;
    let (mut visitor, old) = Visitor::with_session(site.a()).await;
    visitor.post(site.a(), "/rotate").await.is(204).ticket();
    visitor.get(site.a(), "/session").await.is(200);
    eventually(|| async { Visitor::holding(&old).session(site.b()).await["new"] == true }).await;
    let mut late = Visitor::holding(&old);
    let other = late.put(site.b(), "/attributes/late", "1").await.is(204).ticket();
    assert_ne!(other[..22], old[..22], "a session of its own");
    assert_eq!(visitor.names(site.a()).await, ["first"]);
}

async fn only_the_ticket_immediately_before_works(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (mut visitor, first) = Visitor::with_session(site.a()).await;
    let second = visitor.post(site.a(), "/rotate").await.is(204).ticket();
    let third = visitor.post(site.b(), "/rotate").await.is(204).ticket();
    assert_eq!(Visitor::holding(&first).session(site.b()).await["new"], true);
    assert_eq!(Visitor::holding(&third).session(site.b()).await["new"], false);
    assert_eq!(Visitor::holding(&second).session(site.b()).await["new"], false);
}

async fn a_lost_answer_is_given_again(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "6s"]).await;
    let (visitor, old) = Visitor::with_session(site.a()).await;
    let lost = visitor.clone().post(site.a(), "/rotate").await.is(204).ticket();
    let mut back = Visitor::holding(&old);
    let given = back.get(site.b(), "/attributes/first").await.is(200).ticket();
    assert_eq!(given, lost, "the ticket that was on its way, for it may still come");
    // The ticket from before dies; what was given lives on.
    eventually(|| async { Visitor::holding(&old).session(site.b()).await["new"] == true }).await;
    assert_eq!(back.names(site.a()).await, ["first"]);
}

async fn once_the_new_ticket_was_used_the_old_one_gets_no_cookie(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (mut visitor, old) = Visitor::with_session(site.a()).await;
    visitor.post(site.a(), "/rotate").await.is(204).ticket();
    visitor.get(site.b(), "/session").await.is(200).without_cookie();
    let mut late = Visitor::holding(&old);
    late.get(site.a(), "/session").await.is(200).without_cookie();
    late.put(site.a(), "/attributes/late", "1").await.is(204).without_cookie();
    late.post(site.a(), "/rotate").await.is(204).without_cookie();
    late.get(site.a(), "/session").await.is(200).without_cookie();
    visitor.get(site.b(), "/session").await.is(200).without_cookie();
}

async fn a_logout_with_either_ticket_ends_the_session(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    for with_old in [false, true] {
        let (mut visitor, old) = Visitor::with_session(site.a()).await;
        let new = visitor.post(site.a(), "/rotate").await.is(204).ticket();
        let mut leaving = Visitor::holding(if with_old { &old } else { &new });
        leaving.post(site.b(), "/logout").await.is(204).removes_cookie();
        for ticket in [&old, &new] {
            assert_eq!(Visitor::holding(ticket).session(site.a()).await["new"], true);
        }
    }
}

async fn parallel_rotations_leave_every_ticket_working(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (visitor, old) = Visitor::with_session(site.a()).await;
    let handle = visitor.clone().handle(site.a()).await;
    let rotations = (0..8).map(|number| {
        let (mut visitor, server) = (visitor.clone(), site.node(number));
        async move { visitor.post(server, "/rotate").await.is(204).set_cookie() }
    });
    let given: Vec<String> = join_all(rotations).await.into_iter().flatten().map(|it| it.value).collect();
    assert!(!given.is_empty());
    for ticket in given.iter().chain([&old]) {
        assert_eq!(Visitor::holding(ticket).handle(site.b()).await, handle);
    }
    for ticket in &given {
        let mut back = Visitor::holding(ticket);
        back.post(site.a(), "/increment/first").await.is(200).without_cookie();
    }
}

async fn rotating_and_changing_is_one_commit_among_others(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (visitor, _) = Visitor::with_session(site.a()).await;
    let requests = (0..10).map(|number| {
        let (mut visitor, server) = (visitor.clone(), site.node(number));
        async move {
            if number % 3 == 0 {
                visitor.post(server, "/rotate").await.is(204);
            } else {
                visitor.set(server, &format!("n{number}"), number).await;
            }
            visitor
        }
    });
    for mut visitor in join_all(requests).await {
        let names = visitor.names(site.a()).await;
        assert_eq!(names, ["first", "n1", "n2", "n4", "n5", "n7", "n8"]);
    }
}

async fn without_a_session_there_is_nothing_to_rotate(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    visitor.post(site.a(), "/rotate").await.is(204).without_cookie();
    assert_eq!(visitor.session(site.a()).await["handle"], Value::Null);
}
