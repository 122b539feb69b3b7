use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Backend, Held, Site, Visitor, for_each_site};

for_each_site!(
    a_request_that_had_loaded_before_the_sign_in_changes_nothing,
    several_sign_ins_of_one_principal_all_end_signed_in,
    of_sign_ins_by_different_principals_one_wins,
    a_sign_in_that_comes_late_is_judged_by_its_principal,
);

async fn a_request_that_had_loaded_before_the_sign_in_changes_nothing(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (mut signing_in, ticket) = Visitor::with_session(site.a()).await;
    let late = Held::begin(site.a(), &ticket, "late").await;
    signing_in.login(site.b(), "ada").await.is(204).ticket();
    late.finish().await.is(204).without_cookie();
    assert_eq!(signing_in.names(site.a()).await, ["first"]);
    assert_eq!(signing_in.session(site.b()).await["principal"], "ada");
}

async fn several_sign_ins_of_one_principal_all_end_signed_in(backend: Backend) {
    let site = Site::start(backend, &["--store-timeout", "20s"]).await;
    let (visitor, _) = Visitor::with_session(site.a()).await;
    let sign_ins = (0..6).map(|number| {
        let (mut visitor, server) = (visitor.clone(), site.node(number));
        async move { visitor.login(server, "ada").await.is(204).set_cookie() }
    });
    let given: Vec<_> = join_all(sign_ins).await.into_iter().flatten().collect();
    assert!(!given.is_empty());
    for cookie in given {
        let seen = Visitor::holding(cookie.value).session(site.b()).await;
        assert_eq!((&seen["principal"], &seen["names"]), (&json!("ada"), &json!(["first"])));
    }
}

async fn of_sign_ins_by_different_principals_one_wins(backend: Backend) {
    let site = Site::start(backend, &["--store-timeout", "20s", "--rotation-grace", "10m"]).await;
    let (visitor, old) = Visitor::with_session(site.a()).await;
    let people = ["ada", "bob", "cleo", "dora"];
    let sign_ins = people.iter().enumerate().map(|(number, principal)| {
        let (mut visitor, server) = (visitor.clone(), site.node(number));
        async move { (principal, visitor.login(server, principal).await) }
    });
    let (won, lost): (Vec<_>, Vec<_>) =
        join_all(sign_ins).await.into_iter().partition(|(_, it)| it.status == 204);
    assert_eq!(won.len(), 1);
    for (_, answer) in lost {
        answer.is(409).without_cookie();
    }
    let (winner, answer) = &won[0];
    assert_eq!(Visitor::holding(answer.ticket()).session(site.b()).await["principal"], **winner);
    assert_eq!(Visitor::holding(old).session(site.a()).await["principal"], Value::Null);
    for principal in people.iter().filter(|principal| principal != winner) {
        let mut other = Visitor::signed_in(site.a(), principal).await;
        let listed = other.get(site.b(), "/principal/sessions").await.is(200).json();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{principal} has this one alone");
    }
}

async fn a_sign_in_that_comes_late_is_judged_by_its_principal(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (mut visitor, old) = Visitor::with_session(site.a()).await;
    visitor.login(site.a(), "ada").await.is(204).ticket();
    Visitor::holding(&old).login(site.b(), "ada").await.is(204).without_cookie();
    Visitor::holding(&old).login(site.b(), "bob").await.is(409).without_cookie();
    assert_eq!(visitor.session(site.b()).await["principal"], "ada");
}
