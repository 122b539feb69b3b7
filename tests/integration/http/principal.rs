use serde_json::{Value, json};

use crate::support::{Backend, Held, Server, Site, Visitor, for_each_site};

for_each_site!(
    a_principal_sees_every_session_of_theirs,
    a_principal_ends_one_session,
    a_principal_ends_the_session_in_use,
    a_principal_ends_all,
    nobody_ends_what_is_not_theirs,
    without_a_principal_there_is_no_list,
    a_request_under_way_brings_nothing_back,
);

async fn list(visitor: &mut Visitor, server: &Server) -> Vec<Value> {
    let answer = visitor.get(server, "/principal/sessions").await.is(200).without_cookie();
    serde_json::from_value(answer.json()).unwrap()
}

async fn handles(visitor: &mut Visitor, server: &Server) -> Vec<String> {
    let listed = list(visitor, server).await;
    listed.iter().map(|session| session["handle"].as_str().unwrap().to_owned()).collect()
}

async fn a_principal_sees_every_session_of_theirs(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut ada = [
        Visitor::signed_in(site.a(), "ada").await,
        Visitor::signed_in(site.b(), "ada").await,
        Visitor::signed_in(site.a(), "ada").await,
    ];
    let mut bob = Visitor::signed_in(site.a(), "bob").await;
    let (mut anonymous, _) = Visitor::with_session(site.a()).await;
    anonymous.get(site.a(), "/session").await.is(200);
    let mut expected = Vec::new();
    for visitor in &mut ada {
        expected.push(visitor.handle(site.a()).await);
    }
    let listed = list(&mut ada[1], site.b()).await;
    for session in &listed {
        assert_eq!(session.as_object().unwrap().len(), 4, "{session}");
        assert!(session["created_at_ms"].as_u64() <= session["last_accessed_at_ms"].as_u64());
        assert_eq!(session["current"], session["handle"] == expected[1]);
    }
    let mut seen = handles(&mut ada[1], site.a()).await;
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    assert_eq!(list(&mut bob, site.a()).await.len(), 1);
}

async fn a_principal_ends_one_session(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut here = Visitor::signed_in(site.a(), "ada").await;
    let mut there = Visitor::signed_in(site.b(), "ada").await;
    let handle = there.handle(site.b()).await;
    let path = format!("/principal/sessions/{handle}");
    here.delete(site.a(), &path).await.is(204).without_cookie();
    assert_eq!(there.session(site.b()).await["new"], true, "at once, on every node");
    here.delete(site.a(), &path).await.is(404).without_cookie();
    assert_eq!(handles(&mut here, site.b()).await, [here.clone().handle(site.a()).await]);
}

async fn a_principal_ends_the_session_in_use(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut here = Visitor::signed_in(site.a(), "ada").await;
    let ticket = here.ticket.clone().unwrap();
    let path = format!("/principal/sessions/{}", here.handle(site.a()).await);
    here.delete(site.b(), &path).await.is(204).removes_cookie();
    assert_eq!(Visitor::holding(ticket).session(site.a()).await["new"], true);
}

async fn a_principal_ends_all(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut here = Visitor::signed_in(site.a(), "ada").await;
    let mut there = Visitor::signed_in(site.b(), "ada").await;
    let mut bob = Visitor::signed_in(site.a(), "bob").await;
    let ticket = here.ticket.clone().unwrap();
    let answer = here.delete(site.a(), "/principal/sessions").await.is(200).removes_cookie();
    assert_eq!(answer.json(), json!({ "invalidated": 2 }));
    for mut gone in [Visitor::holding(ticket), there.clone()] {
        assert_eq!(gone.session(site.b()).await["new"], true);
    }
    there.get(site.b(), "/principal/sessions").await.is(401);
    assert_eq!(bob.session(site.b()).await["principal"], "bob");
    let mut again = Visitor::signed_in(site.a(), "ada").await;
    assert_eq!(list(&mut again, site.b()).await.len(), 1, "one may sign in again");
}

async fn nobody_ends_what_is_not_theirs(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut ada = Visitor::signed_in(site.a(), "ada").await;
    let mut bob = Visitor::signed_in(site.a(), "bob").await;
    let (mut anonymous, _) = Visitor::with_session(site.a()).await;
    let foreign = [ada.handle(site.a()).await, anonymous.handle(site.a()).await];
    let unknown = "00000000-0000-4000-8000-000000000000".to_owned();
    for handle in foreign.into_iter().chain([unknown, "nonsense".to_owned(), "%20".to_owned()]) {
        let path = format!("/principal/sessions/{handle}");
        bob.delete(site.b(), &path).await.is(404).without_cookie();
    }
    assert_eq!(ada.session(site.b()).await["principal"], "ada");
    assert_eq!(anonymous.names(site.b()).await, ["first"]);
}

async fn without_a_principal_there_is_no_list(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (with_session, _) = Visitor::with_session(site.a()).await;
    let handle = with_session.clone().handle(site.a()).await;
    for mut visitor in [Visitor::new(), with_session] {
        visitor.get(site.a(), "/principal/sessions").await.is(401).without_cookie();
        visitor.delete(site.a(), "/principal/sessions").await.is(401).without_cookie();
        for handle in [handle.as_str(), "nonsense"] {
            let path = format!("/principal/sessions/{handle}");
            visitor.delete(site.a(), &path).await.is(401).without_cookie();
        }
    }
    assert_eq!(Visitor::new().session(site.a()).await["new"], true);
}

async fn a_request_under_way_brings_nothing_back(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut here = Visitor::signed_in(site.a(), "ada").await;
    let mut there = Visitor::signed_in(site.a(), "ada").await;
    let late = Held::begin(site.b(), there.ticket.as_ref().unwrap(), "late").await;
    here.delete(site.a(), "/principal/sessions").await.is(200);
    late.finish().await.is(204).without_cookie();
    assert_eq!(there.session(site.a()).await["new"], true);
}
