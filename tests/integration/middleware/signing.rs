//! Signed cookies.

use cloakroom::core::Ticket;
use cloakroom::{Error, Session, SessionLayer, SigningKey};
use cloakroom_testkit::faulty::Operation;
use http::StatusCode;
use http::header::COOKIE as COOKIE_HEADER;

use super::rig::{Rig, request};

fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes([byte; 64])
}

fn signing(keys: &[u8]) -> impl FnOnce(SessionLayer) -> SessionLayer {
    let keys: Vec<SigningKey> = keys.iter().map(|byte| key(*byte)).collect();
    |layer| layer.keys(keys)
}

async fn sees(session: Session) -> Result<StatusCode, Error> {
    Ok(if session.is_new() { StatusCode::NOT_FOUND } else { StatusCode::OK })
}

async fn rotate(session: Session) -> Result<StatusCode, Error> {
    session.rotate();
    Ok(StatusCode::OK)
}

#[tokio::test]
async fn a_forged_ticket_costs_no_store_operation() {
    let rig = Rig::with(signing(&[1]));
    let ticket = rig.session().await;
    let by_another = Rig::with(signing(&[2])).session().await;
    let forged = [
        ticket[..44].to_owned(),
        Ticket::generate().unwrap().expose(),
        format!("{}{}", &ticket[..44], &by_another[44..]),
        format!("{}{}", &by_another[..44], &ticket[44..]),
        by_another,
        format!("{ticket}{}", &ticket[44..]),
    ];
    for forged in forged {
        rig.run(Some(&forged), sees).await.is(404).without_cookie();
    }
    assert!(rig.faults.calls().is_empty());
    rig.run(Some(&ticket), sees).await.is(200).without_cookie();
    assert_eq!(rig.faults.count(Operation::Load), 1);
}

#[tokio::test]
async fn a_ticket_of_an_old_key_works_and_is_signed_anew_when_next_handed_out() {
    let old = Rig::with(signing(&[1]));
    let both = old.node_with(signing(&[2, 1]));
    let new = old.node_with(signing(&[2]));
    let ticket = old.session().await;
    both.run(Some(&ticket), sees).await.is(200).without_cookie();
    new.run(Some(&ticket), sees).await.is(404).without_cookie();
    let signed_anew = both.run(Some(&ticket), rotate).await.is(200).ticket();
    new.run(Some(&signed_anew), sees).await.is(200).without_cookie();
    old.run(Some(&signed_anew), sees).await.is(404).without_cookie();
}

/// Two layers with the same keys on one store, as an application and its administration may be.
#[tokio::test]
async fn a_cookie_of_one_layer_is_not_genuine_in_another() {
    let shop = Rig::with(signing(&[1]));
    let ticket = shop.session().await;
    let admin = shop.node_with(|layer| layer.cookie_name("__Host-admin").keys([key(1)]));
    let mut stolen = request(None);
    stolen.headers_mut().insert(COOKIE_HEADER, format!("__Host-admin={ticket}").parse().unwrap());
    admin.send(stolen, sees).await.is(404).without_cookie();
}

#[tokio::test]
async fn forged_cookies_do_not_crowd_out_the_genuine_one() {
    let rig = Rig::with(signing(&[1, 2]));
    let ticket = rig.session().await;
    let flood = |number: usize| {
        let forged =
            (0..number).map(|_| format!("{}{}", Ticket::generate().unwrap().expose(), &ticket[44..]));
        let pairs: Vec<String> = forged.chain([ticket.clone()]).map(|it| format!("__Host-id={it}")).collect();
        let mut request = request(None);
        request.headers_mut().insert(COOKIE_HEADER, pairs.join("; ").parse().unwrap());
        request
    };
    rig.send(flood(15), sees).await.is(200).without_cookie();
    assert_eq!(rig.faults.count(Operation::Load), 1);
    rig.send(flood(100), sees).await.is(404).without_cookie();
    assert_eq!(rig.faults.count(Operation::Load), 1, "within a bound");
}

#[tokio::test]
async fn unusable_settings_are_refused() {
    let named = |length: usize| Rig::new().layer.cookie_name("x".repeat(length));
    assert!(Rig::with(signing(&[])).layer.check().is_err(), "as good as unsigned, and unnoticed");
    assert!(named(4096 - 44).check().is_ok());
    assert!(named(4096 - 44 - 22).keys([key(1)]).check().is_ok());
    assert!(named(4096 - 44 - 21).keys([key(1)]).check().is_err(), "the signature counts too");
}

#[tokio::test]
async fn no_debug_shows_a_key() {
    let rig = Rig::with(|layer| layer.keys([key(0x5a)]));
    let shown = format!("{:?} {:?}", key(0x5a), rig.layer);
    for telling in ["5a", "5A", "90", "Z"] {
        assert!(!shown.contains(telling), "{shown}");
    }
}
