use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Backend, Server, Site, Visitor, eventually, for_each_site};

for_each_site!(
    each_change_of_a_sessions_life_is_told_where_it_was_asked_for,
    what_changes_nothing_is_no_event,
    an_end_is_told_with_the_names_of_the_attributes,
    a_rotation_that_lost_the_race_is_not_told,
    the_ends_of_other_sessions_are_told_by_whoever_ended_them,
    what_expired_is_told_once_on_one_node,
);

/// Returns a node's events of one session.
async fn events(server: &Server, handle: &str) -> Vec<Value> {
    let all: Vec<Value> =
        serde_json::from_value(Visitor::new().get(server, "/events").await.is(200).without_cookie().json())
            .unwrap();
    all.into_iter().filter(|event| event["handle"] == handle).collect()
}

/// Returns what happened to one session, as far as a node knows.
async fn story(server: &Server, handle: &str) -> Vec<String> {
    let events = events(server, handle).await;
    events.iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
}

/// Returns a session's events as all nodes together know them.
async fn events_anywhere(site: &Site, handle: &str) -> Vec<Value> {
    let told = join_all(site.nodes().iter().map(|node| events(node, handle))).await;
    told.into_iter().flatten().collect()
}

fn is_two_nodes(site: &Site) -> bool {
    site.a().address() != site.b().address()
}

async fn each_change_of_a_sessions_life_is_told_where_it_was_asked_for(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let handle = visitor.handle(site.a()).await;
    visitor.post(site.a(), "/rotate").await.is(204);
    visitor.login(site.a(), "ada").await.is(204);
    visitor.post(site.a(), "/logout").await.is(204);
    assert_eq!(story(site.a(), &handle).await, ["created", "rotated", "signed_in", "invalidated"]);
    if is_two_nodes(&site) {
        assert!(story(site.b(), &handle).await.is_empty());
    }
    let mut visitor = Visitor::signed_in(site.b(), "ada").await;
    let handle = visitor.handle(site.b()).await;
    assert_eq!(story(site.b(), &handle).await, ["created", "signed_in"]);
}

async fn what_changes_nothing_is_no_event(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let handle = visitor.handle(site.a()).await;
    visitor.set(site.a(), "more", 1).await;
    visitor.post(site.a(), "/increment/first").await.is(200);
    visitor.post(site.a(), "/interval?ms=60000").await.is(204);
    visitor.get(site.a(), "/session").await.is(200);
    visitor.post(site.a(), "/fail?set=a").await.is(500);
    Visitor::new().post(site.a(), "/rotate").await.is(204);
    Visitor::new().post(site.a(), "/logout").await.is(204);
    assert_eq!(story(site.a(), &handle).await, ["created"]);
    let all = Visitor::new().get(site.a(), "/events").await.is(200).json();
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
}

async fn an_end_is_told_with_the_names_of_the_attributes(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
    let handle = visitor.handle(site.a()).await;
    visitor.set(site.a(), "b", 1).await;
    visitor.set(site.a(), "a", 1).await;
    visitor.post(site.a(), "/logout-and-fail").await.is(500);
    let expected = [
        json!({ "event": "created", "handle": handle, "names": [] }),
        json!({ "event": "invalidated", "handle": handle, "names": ["a", "b", "first"] }),
    ];
    assert_eq!(events(site.a(), &handle).await, expected);
    Visitor::holding(ticket).post(site.a(), "/logout").await.is(204);
    assert_eq!(events(site.a(), &handle).await.len(), 2, "it ends once");
}

async fn a_rotation_that_lost_the_race_is_not_told(backend: Backend) {
    let site = Site::start(backend, &["--store-timeout", "20s", "--rotation-grace", "10m"]).await;
    let (visitor, _) = Visitor::with_session(site.a()).await;
    let handle = visitor.clone().handle(site.a()).await;
    let rotations = (0..6).map(|number| {
        let (mut visitor, server) = (visitor.clone(), site.node(number));
        async move { visitor.post(server, "/rotate").await.is(204) }
    });
    join_all(rotations).await;
    let told = events_anywhere(&site, &handle).await;
    let mut told: Vec<_> = told.iter().map(|event| event["event"].as_str().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, ["created", "rotated"]);
}

async fn the_ends_of_other_sessions_are_told_by_whoever_ended_them(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut handles = Vec::new();
    for number in 0..3 {
        handles.push(Visitor::signed_in(site.node(number), "ada").await.handle(site.a()).await);
    }
    let mut here = Visitor::signed_in(site.b(), "ada").await;
    here.delete(site.b(), &format!("/principal/sessions/{}", handles[0])).await.is(204);
    here.delete(site.b(), "/principal/sessions").await.is(200);
    for handle in &handles {
        assert_eq!(story(site.b(), handle).await.last().unwrap(), "invalidated");
        assert!(!is_two_nodes(&site) || !story(site.a(), handle).await.contains(&"invalidated".to_owned()));
    }
}

async fn what_expired_is_told_once_on_one_node(backend: Backend) {
    let site = Site::start(backend, &["--sweep-every", "20ms"]).await;
    let mut handles = Vec::new();
    for number in 0..12 {
        let server = site.node(number);
        let (mut visitor, _) = Visitor::with_session(server).await;
        handles.push(visitor.handle(server).await);
        visitor.post(server, "/interval?ms=50").await.is(204);
    }
    let told = |handle: String| {
        let site = &site;
        async move {
            let mut told = events_anywhere(site, &handle).await;
            told.retain(|event| event["event"] == "expired");
            told
        }
    };
    for handle in &handles {
        eventually(|| async { !told(handle.clone()).await.is_empty() }).await;
    }
    for handle in &handles {
        let told = told(handle.clone()).await;
        assert_eq!(told, [json!({ "event": "expired", "handle": handle, "names": ["first"] })]);
    }
}
