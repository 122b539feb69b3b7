use crate::support::{Server, Visitor};

#[tokio::test]
async fn each_response_names_its_node() {
    let server = Server::start(&["--node", "north"]).await;
    let (mut visitor, _) = Visitor::with_session(&server).await;
    for (path, status) in
        [("/plain", 200), ("/session", 200), ("/nonsense", 404), ("/healthz", 200), ("/events", 200)]
    {
        assert_eq!(visitor.get(&server, path).await.is(status).header("x-node"), "north", "{path}");
    }
    assert_eq!(visitor.post(&server, "/fail?set=a").await.is(500).header("x-node"), "north");
    let nameless = Server::start(&[]).await;
    assert_eq!(Visitor::new().get(&nameless, "/plain").await.is(200).header("x-node"), "");
}
