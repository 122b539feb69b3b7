use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde_json::json;

use crate::support::{Answer, Backend, Raw, Server, Site, Visitor, for_each_site};

for_each_site!(no_log_tells_a_ticket_or_a_value);

/// A text that stands nowhere but in attributes.
pub(super) const VALUE: &str = "value-that-is-nobodys-business";

/// Does about everything that can be done to a session, and returns every ticket that was handed out.
pub(super) async fn scenario(server: &Server) -> Vec<String> {
    let mut tickets = Vec::new();
    let (mut visitor, created) = Visitor::with_session(server).await;
    visitor.set(server, "it", VALUE).await;
    visitor.post_json(server, "/attributes", json!({ "a": VALUE, "b": [VALUE] })).await.is(204);
    visitor.post_json(server, "/push/list", json!(VALUE)).await.is(204);
    visitor.post(server, "/increment/it").await;
    visitor.post_json(server, "/push/it", json!(VALUE)).await;
    visitor.put(server, "/attributes/it", format!("{VALUE} is not JSON")).await.is(400);
    visitor.put(server, "/attributes/large", json!(VALUE.repeat(20_000))).await.is(413);
    visitor.get(server, "/attributes/it").await.is(200);
    let rotated = visitor.post(server, "/rotate").await.is(204).ticket();
    Visitor::holding(&created).get(server, "/session").await.is(200);
    let signed_in = visitor.login(server, "ada").await.is(204).ticket();
    Visitor::holding(&rotated).set(server, "late", VALUE).await;
    visitor.post(server, "/fail?set=it").await.is(500);
    let _ = visitor.try_send(server, http::Method::POST, "/panic?set=it", String::new()).await;
    visitor.get(server, "/stream").await.is(200);
    for bad in [&signed_in[..43], &signed_in.replace(&signed_in[..1], "!"), &format!("{signed_in}.{VALUE}")] {
        let line = format!("__Host-id={bad}");
        Raw::get(server, "/session", &[line.as_bytes()]).await.is(200);
    }
    visitor.get(server, "/principal/sessions").await.is(200);
    visitor.post(server, "/logout").await.is(204);
    visitor.get(server, "/session").await.is(200);
    tickets.extend([created, rotated, signed_in]);
    tickets
}

async fn no_log_tells_a_ticket_or_a_value(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    // The driver of NATS shows whole messages at that level.
    let filter = if matches!(backend, Backend::Nats | Backend::NatsMirrored) {
        "trace,async_nats=debug"
    } else {
        "trace"
    };
    let server = site.another_logging(filter).await;
    let tickets = scenario(&server).await;
    let log = server.stop().await;
    assert!(log.contains("TRACE") && log.contains("session invalidated"), "the log is there");
    assert!(!log.contains(VALUE), "a value is in the log");
    for telling in encoded(VALUE.as_bytes()) {
        assert!(!holds(log.as_bytes(), &telling), "a value is in the log");
    }
    tells_no_ticket(log.as_bytes(), &tickets);
}

/// Each answer that a visitor gets is searched: see [`Answer::tells_nothing_of`].
#[tokio::test]
async fn no_answer_tells_a_ticket_but_in_its_cookie() {
    let site = Site::start(Backend::Memory, &[]).await;
    let tickets = scenario(site.a()).await;
    for path in ["/events", "/metrics", "/healthz", "/plain"] {
        let answer = Visitor::new().get(site.a(), path).await.is(200);
        tickets.iter().for_each(|ticket| answer.tells_nothing_of(ticket));
    }
    let telling = Answer { status: 200, headers: HeaderMap::new(), body: tickets[0].clone().into() };
    let found = std::panic::catch_unwind(|| telling.tells_nothing_of(&tickets[0]));
    assert!(found.is_err(), "the search finds what is there");
}

#[tokio::test]
async fn no_file_holds_what_opens_a_session() {
    let site = Site::start(Backend::Sqlite, &[]).await;
    let mut tickets = scenario(site.a()).await;
    let mut visitor = Visitor::signed_in(site.a(), "ada").await;
    tickets.push(visitor.ticket.clone().unwrap());
    tickets.push(visitor.post(site.a(), "/rotate").await.is(204).ticket());
    visitor.set(site.a(), "it", VALUE).await;
    let mut stored = Vec::new();
    for file in std::fs::read_dir(site.folder()).unwrap() {
        stored.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    assert!(holds(&stored, VALUE.as_bytes()), "these are the files");
    tells_no_ticket(&stored, &tickets);
}

/// Checks that a text tells no ticket's secret, however it may be written.
#[track_caller]
pub(super) fn tells_no_ticket(text: &[u8], tickets: &[String]) {
    for ticket in tickets {
        let secret = &ticket[22..];
        let raw = URL_SAFE_NO_PAD.decode(secret).unwrap();
        let mut forms = encoded(&raw);
        forms.extend([secret.into(), secret.replace('-', "+").replace('_', "/").into(), raw]);
        for telling in forms {
            assert!(!holds(text, &telling), "a ticket is told: {:?}", String::from_utf8_lossy(&telling));
        }
    }
}

/// Returns the ways to write bytes as text.
fn encoded(raw: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let listed = format!("{raw:?}");
    vec![hex.to_uppercase().into(), hex.into(), listed[1..listed.len() - 1].into()]
}

/// Returns whether these bytes stand in a text.
pub(super) fn holds(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}
