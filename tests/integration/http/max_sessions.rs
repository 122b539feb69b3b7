use futures_util::future::join_all;
use serde_json::Value;

use crate::support::{Backend, Server, Site, Visitor, for_each_site};

for_each_site!(
    a_further_sign_in_ends_the_oldest,
    signing_in_again_ends_nobody,
    sign_ins_that_race_for_the_last_place_leave_as_many_as_allowed,
);

async fn listed(visitor: &mut Visitor, server: &Server) -> Vec<String> {
    let list: Vec<Value> =
        serde_json::from_value(visitor.get(server, "/principal/sessions").await.is(200).json()).unwrap();
    list.iter().map(|session| session["handle"].as_str().unwrap().to_owned()).collect()
}

async fn a_further_sign_in_ends_the_oldest(backend: Backend) {
    let site = Site::start(backend, &["--max-sessions-per-principal", "2"]).await;
    let mut visitors = Vec::new();
    for number in 0..4 {
        // Which is the oldest is told by the store's clock, in milliseconds; nodes take that of NATS from a round trip.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        visitors.push(Visitor::signed_in(site.node(number), "ada").await);
    }
    let mut bob = Visitor::signed_in(site.a(), "bob").await;
    let signed_in: Vec<_> = join_all(visitors.iter_mut().map(|visitor| visitor.session(site.b()))).await;
    let principals: Vec<_> = signed_in.iter().map(|seen| seen["principal"].as_str()).collect();
    assert_eq!(principals, [None, None, Some("ada"), Some("ada")]);
    assert_eq!(listed(&mut visitors[3], site.a()).await.len(), 2);
    assert_eq!(bob.session(site.b()).await["principal"], "bob");
    let last = &signed_in[3]["handle"];
    let told = Visitor::new().get(site.node(3), "/events").await.is(200).json();
    let told: Vec<&Value> = told.as_array().unwrap().iter().collect();
    let end = told.iter().position(|event| event["event"] == "invalidated").unwrap();
    assert!(told[end..].iter().any(|event| event["handle"] == *last), "on the node of the sign-in: {told:?}");
}

async fn signing_in_again_ends_nobody(backend: Backend) {
    let site = Site::start(backend, &["--max-sessions-per-principal", "2"]).await;
    let mut one = Visitor::signed_in(site.a(), "ada").await;
    let mut two = Visitor::signed_in(site.b(), "ada").await;
    for _ in 0..3 {
        one.login(site.b(), "ada").await.is(204).ticket();
        two.login(site.a(), "ada").await.is(204).ticket();
    }
    assert_eq!(one.session(site.a()).await["principal"], "ada");
    assert_eq!(two.session(site.b()).await["principal"], "ada");
}

async fn sign_ins_that_race_for_the_last_place_leave_as_many_as_allowed(backend: Backend) {
    let site = Site::start(backend, &["--max-sessions-per-principal", "3", "--store-timeout", "20s"]).await;
    let sign_ins = (0..10).map(|number| Visitor::signed_in(site.node(number), "ada"));
    let mut visitors = join_all(sign_ins).await;
    let mut still = Vec::new();
    for visitor in &mut visitors {
        let seen = visitor.session(site.b()).await;
        if seen["principal"] == "ada" {
            still.push(seen["handle"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(still.len(), 3, "{still:?}");
    let mut listed = listed(&mut Visitor::signed_in(site.a(), "ada").await, site.a()).await;
    assert_eq!(listed.len(), 3);
    listed.retain(|handle| still.contains(handle));
    assert_eq!(listed.len(), 2, "the list and what the tickets open agree");
}
