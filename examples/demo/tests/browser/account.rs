use crate::support::{Browser, Shop};

const NOBODY: &str =
    "[...document.querySelectorAll('.top nav a')].some((link) => link.innerText == 'Sign in')";

async fn sign_in(browser: &Browser, shop: &Shop, name: &str) {
    browser.goto(shop.at("/sign-in")).await;
    browser.enter("#name", name).await;
    browser.follow(".sign-in button").await;
    browser.wait_for_path("/account").await;
}

async fn sessions(browser: &Browser) -> u64 {
    let count = browser.eval("document.querySelectorAll('.ticket').length").await;
    count.as_u64().expect("a number")
}

#[tokio::test]
async fn signing_in_keeps_the_cart_and_signing_out_ends_the_session() {
    let shop = Shop::open();
    let browser = Browser::open().await;
    browser.goto(shop.at("/things/puddle")).await;
    browser.follow("#add").await;
    sign_in(&browser, &shop, "Ada Byron").await;
    assert_eq!(browser.text(".notice").await, "Welcome, Ada Byron.");
    assert_eq!(browser.text("#in-cart").await, "1");
    assert_eq!(sessions(&browser).await, 1);
    assert!(browser.text(".ticket.here h2").await.starts_with("Chrome on Linux"));

    browser.follow("#sign-out").await;
    browser.wait_for_path("/goodbye").await;
    assert_eq!(browser.eval(NOBODY).await, true);

    browser.back_to("/account").await;
    browser.wait_until(&format!("{NOBODY} || document.querySelector('.problem')")).await;
    assert!(!browser.text("body").await.contains("Ada"), "nothing private is shown");
    browser.reload().await;
    assert_eq!(browser.text("h1").await, "You are not signed in");
    browser.goto(shop.at("/cart")).await;
    assert_eq!(browser.eval(NOBODY).await, true);
    assert_eq!(browser.text("#in-cart").await, "0");
    assert!(browser.text(".inspector").await.contains("You have no session."));
}

#[tokio::test]
async fn a_session_is_ended_from_another_browser() {
    let shop = Shop::open();
    let (here, there) = (Browser::open().await, Browser::open().await);
    sign_in(&there, &shop, "Ada").await;
    let handle = there.text("#handle").await;
    sign_in(&here, &shop, "Ada").await;
    assert_eq!(sessions(&here).await, 2);

    here.follow(&format!("#session-{handle} button")).await;
    assert_eq!(here.text(".notice").await, "That session has ended.");
    assert_eq!(sessions(&here).await, 1);
    assert_eq!(here.text(".top .name").await, "Ada", "this one goes on");

    there.reload().await;
    assert_eq!(there.text("h1").await, "You are not signed in");
    there.goto(shop.at("/")).await;
    assert_eq!(there.eval(NOBODY).await, true);
}

#[tokio::test]
async fn all_others_end_or_all() {
    let shop = Shop::open();
    let (here, there) = (Browser::open().await, Browser::open().await);
    sign_in(&there, &shop, "Grace").await;
    sign_in(&here, &shop, "Grace").await;
    here.follow("form[action='/account/end-others'] button").await;
    assert_eq!(here.text(".notice").await, "One other session has ended.");
    there.goto(shop.at("/")).await;
    assert_eq!(there.eval(NOBODY).await, true);

    sign_in(&there, &shop, "Grace").await;
    here.follow("form[action='/account/end-all'] button").await;
    here.wait_for_path("/goodbye").await;
    assert_eq!(here.eval(NOBODY).await, true);
    there.reload().await;
    assert_eq!(there.text("h1").await, "You are not signed in");
}

#[tokio::test]
async fn a_page_warns_before_the_session_ends() {
    let shop = Shop::open_with(&["--idle", "60"]);
    let browser = Browser::open().await;
    browser.goto(shop.at("/")).await;
    assert_eq!(browser.eval("document.getElementById('ends-soon')").await, serde_json::Value::Null);
    browser.goto(shop.at("/things/puddle")).await;
    browser.follow("#add").await;
    assert_eq!(browser.eval("document.getElementById('ends-soon').hidden").await, true);
    assert_eq!(browser.eval("document.getElementById('ends-soon').dataset.seconds").await, "60");

    let shop = Shop::open_with(&["--idle", "12"]);
    browser.goto(shop.at("/things/puddle")).await;
    browser.follow("#add").await;
    browser.wait_until("document.getElementById('ends-soon')?.hidden === false").await;
}
