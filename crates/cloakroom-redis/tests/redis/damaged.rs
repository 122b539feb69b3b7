//! Sessions that cannot be read are an error of their own alone.

use cloakroom_core::{ErrorKind, Invalidate, Store as _, Ticket, Touch};

use crate::support::*;

/// Ways in which a record cannot be read: cut, empty, of another format, or too short for the principal that it tells of.
fn damages(private: &Private, ticket: &Ticket) -> Vec<Vec<u8>> {
    let record = private.ask(&["HGET", &key_of(ticket), "\u{1}meta"]).into_bytes();
    let mut newer = record.clone();
    newer[0] = 2;
    let mut longer = record.clone();
    longer[102] = 200;
    vec![record[..200].to_vec(), Vec::new(), newer, longer]
}

fn store_record(private: &Private, ticket: &Ticket, record: &[u8]) {
    let key = key_of(ticket);
    private.server.ask(&[b"HSET", key.as_bytes(), b"\x01meta", record]).unwrap();
}

#[tokio::test]
async fn a_damaged_session_is_an_error_of_its_own_alone() {
    let private = Private::start().await;
    let store = &private.store;
    let (damaged, sound) = (session(store, "a", "1").await, session(store, "a", "2").await);
    for record in damages(&private, &damaged) {
        store_record(&private, &damaged, &record);
        let error = open(store, &damaged, &["a"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{record:?}");
        let error = store.commit(&change(damaged.guard(), vec![set("a", "3")])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{record:?}");
        assert_eq!(read(store, &sound, "a").await.unwrap(), "2");
    }
}

#[tokio::test]
async fn a_damaged_session_stays_as_it_is() {
    let private = Private::start().await;
    let ticket = session(&private.store, "a", "1").await;
    let newer = damages(&private, &ticket).remove(2);
    store_record(&private, &ticket, &newer);
    let _ = private.store.load(&load(&ticket, &["a"], Touch::AtMostEvery(INTERVAL))).await.unwrap_err();
    let _ = private.store.commit(&change(ticket.guard(), vec![set("a", "3")])).await.unwrap_err();
    let _ = private.store.commit(&create(ticket.guard(), vec![set("a", "3")])).await.unwrap_err();
    assert_eq!(private.ask(&["HGET", &key_of(&ticket), "\u{1}meta"]).into_bytes(), newer);
    assert!(private.ask(&["HGET", &key_of(&ticket), "a"]).text().ends_with('1'));
}

#[tokio::test]
async fn another_type_at_the_key_is_corrupt() {
    let private = Private::start().await;
    let store = &private.store;
    let ticket = session(store, "a", "1").await;
    private.ask(&["SET", &key_of(&ticket), "nonsense"]);
    let error = open(store, &ticket, &["a"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let error = store.commit(&create(ticket.guard(), Vec::new())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let error = store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_damaged_attribute_is_corrupt_and_harms_no_other() {
    let private = Private::start().await;
    let store = &private.store;
    let ticket = session(store, "a", "1").await;
    commit(store, &change(ticket.guard(), vec![set("b", "2")])).await;
    for damage in ["", "x", "\u{2}234567890123456"] {
        private.ask(&["HSET", &key_of(&ticket), "a", damage]);
        assert_eq!(read(store, &ticket, "b").await.unwrap(), "2");
        if !damage.is_empty() {
            let error = open(store, &ticket, &["a"]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
        }
        let error = store.load(&everything(&ticket)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
    }
}

#[tokio::test]
async fn a_commit_that_meets_a_damaged_attribute_is_whole_or_nothing() {
    let private = Private::start().await;
    let ticket = session(&private.store, "a", "1").await;
    private.ask(&["HSET", &key_of(&ticket), "a", "x"]);
    let mut expecting = change(ticket.guard(), vec![set("b", "2"), set("a", "2")]);
    expecting.changes.attributes[1].expect = Some(cloakroom_core::Expect::Absent);
    let error = private.store.commit(&expecting).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(read(&private.store, &ticket, "b").await, None);
}

#[tokio::test]
async fn a_list_leaves_out_what_cannot_be_read_and_ends_it_with_the_others() {
    let private = Private::start().await;
    let store = &private.store;
    let sound = session_of(store, "ada").await;
    for number in 0..4 {
        let damaged = session_of(store, "ada").await;
        let record = damages(&private, &damaged).remove(number);
        store_record(&private, &damaged, &record);
    }
    let wrong_type = session_of(store, "ada").await;
    private.ask(&["SET", &key_of(&wrong_type), "nonsense"]);
    assert_eq!(handles_of(store, "ada").await, [sound.handle()]);
    let all = Invalidate::Principal { principal: principal("ada"), except: None };
    assert_eq!(end(store, all).await, 1);
    assert_eq!(private.keys("cloakroom:*-*"), [key_of(&wrong_type)], "what is no session is left alone");
}

#[tokio::test]
async fn a_sweep_removes_what_is_damaged_and_hands_out_the_rest() {
    let private = Private::start().await;
    let store = &private.store;
    let short = std::time::Duration::from_millis(50);
    let mut tickets = Vec::new();
    for _ in 0..6 {
        tickets.push(brief(store, short).await);
    }
    for (number, ticket) in tickets[..4].iter().enumerate() {
        let record = damages(&private, ticket).remove(number);
        store_record(&private, ticket, &record);
    }
    private.ask(&["SET", &key_of(&tickets[4]), "nonsense"]);
    let handed_out = eventually("a sweep hands out the sound one", async || {
        Some(sweep(store).await).filter(|found| !found.is_empty())
    });
    assert_eq!(handed_out.await, [tickets[5].handle()]);
    let left = private.keys("cloakroom:*-*");
    assert_eq!(left, [key_of(&tickets[2])], "the newer format is left to newer servers");
}
