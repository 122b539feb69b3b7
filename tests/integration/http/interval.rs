use crate::support::{Backend, Site, Visitor, for_each_site};

for_each_site!(
    a_session_keeps_its_own_interval,
    by_itself_it_makes_no_session,
    a_session_keeps_the_interval_that_it_was_made_with,
);

async fn a_session_keeps_its_own_interval(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    visitor.post(site.a(), "/interval?ms=86400000").await.is(204).without_cookie();
    let keeps = async |visitor: &mut Visitor| {
        assert_eq!(visitor.session(site.b()).await["max_inactive_interval_ms"], 86_400_000);
    };
    keeps(&mut visitor).await;
    visitor.set(site.a(), "later", 1).await;
    keeps(&mut visitor).await;
    visitor.post(site.a(), "/rotate").await.is(204);
    keeps(&mut visitor).await;
    visitor.login(site.a(), "ada").await.is(204);
    keeps(&mut visitor).await;
    let (mut other, _) = Visitor::with_session(site.a()).await;
    assert_eq!(other.session(site.a()).await["max_inactive_interval_ms"], 30 * 60 * 1000);
    visitor.post(site.a(), "/logout-then-set/again").await.is(204);
    assert_eq!(visitor.session(site.a()).await["max_inactive_interval_ms"], 30 * 60 * 1000);
}

async fn by_itself_it_makes_no_session(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    Visitor::new().post(site.a(), "/interval?ms=1000").await.is(204).without_cookie();
}

async fn a_session_keeps_the_interval_that_it_was_made_with(backend: Backend) {
    let site = Site::start(backend, &["--max-inactive-interval", "45m"]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    assert_eq!(visitor.session(site.b()).await["max_inactive_interval_ms"], 45 * 60 * 1000);
}
