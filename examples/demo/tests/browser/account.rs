use std::time::Instant;

use crate::support::{Browser, PATIENCE, Shop};

const NOBODY: &str =
    "[...document.querySelectorAll('.top nav a')].some((link) => link.innerText == 'Sign in')";

const END_OTHERS: &str = "button[value=others]";

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
    here.follow(END_OTHERS).await;
    assert_eq!(here.text(".notice").await, "One other session has ended.");
    there.goto(shop.at("/")).await;
    assert_eq!(there.eval(NOBODY).await, true);

    sign_in(&there, &shop, "Grace").await;
    here.follow("button[value=all]").await;
    here.wait_for_path("/goodbye").await;
    assert_eq!(here.eval(NOBODY).await, true);
    there.reload().await;
    assert_eq!(there.text("h1").await, "You are not signed in");
}

#[tokio::test]
async fn ending_others_takes_a_fresh_sign_in() {
    let shop = Shop::open_with(&["--confirm-after", "0"]);
    let (here, there) = (Browser::open().await, Browser::open().await);
    sign_in(&there, &shop, "Ada").await;
    sign_in(&here, &shop, "Ada").await;

    here.follow(END_OTHERS).await;
    assert_eq!(here.text("h1").await, "Is it you?");
    here.enter("#name", "Mallory").await;
    here.follow(".sign-in button").await;
    assert_eq!(here.text("h1").await, "Is it you?", "that is not who is signed in");
    there.reload().await;
    assert_eq!(there.text(".top .name").await, "Ada", "nothing has ended");

    let number = here.text("#handle").await;
    here.enter("#name", "Ada").await;
    here.follow(".sign-in button").await;
    assert_eq!(here.text(".notice").await, "One other session has ended.");
    assert_eq!(sessions(&here).await, 1);
    assert_eq!(here.text("#handle").await, number, "the session here goes on, under a new ticket");
    there.goto(shop.at("/")).await;
    assert_eq!(there.eval(NOBODY).await, true);

    here.follow(".ticket.here button").await;
    here.wait_for_path("/goodbye").await;
}

/// Returns what the warning shows; nothing where it is hidden or absent.
async fn warning(browser: &Browser) -> String {
    let shown = browser
        .eval("[...document.querySelectorAll('#ends-soon')].map((it) => it.checkVisibility() ? it.innerText : '').join()")
        .await;
    shown.as_str().expect("a text").trim().to_owned()
}

#[tokio::test]
async fn a_page_warns_before_the_session_ends() {
    let shop = Shop::open_with(&["--idle", "60"]);
    let browser = Browser::open().await;
    browser.goto(shop.at("/")).await;
    assert_eq!(browser.eval("document.getElementById('ends-soon')").await, serde_json::Value::Null);
    browser.goto(shop.at("/things/puddle")).await;
    browser.follow("#add").await;
    assert_eq!(warning(&browser).await, "");
    let seconds = browser.eval("Number(document.getElementById('ends-soon').dataset.seconds)").await;
    assert!((1.0..=60.0).contains(&seconds.as_f64().expect("a number")), "{seconds}");
}

#[tokio::test]
async fn a_visitor_who_wants_to_stay_stays() {
    let shop = Shop::open_with(&["--idle", "40"]);
    let browser = Browser::open().await;
    browser.goto(shop.at("/things/puddle")).await;
    browser.follow("#add").await;
    browser.wait_until("document.getElementById('stay').checkVisibility()").await;
    assert!(warning(&browser).await.contains("about to end"));
    browser.click("#stay").await;
    browser.wait_until("document.getElementById('ends-soon').hidden").await;
    // It is asked for again, and this time nobody answers: the page says so by itself.
    browser.wait_until("document.getElementById('stay').checkVisibility()").await;
    browser.wait_until("document.querySelector('.soon .gone').checkVisibility()").await;
    assert!(warning(&browser).await.starts_with("Your session has ended."));
    browser.follow(".soon .gone a").await;
    assert_eq!(browser.text("#in-cart").await, "0");
}

/// The page asks before it warns.
#[tokio::test]
async fn a_page_does_not_warn_while_another_tab_is_used() {
    let shop = Shop::open_with(&["--idle", "60"]);
    let browser = Browser::open().await;
    browser.goto(shop.at("/things/puddle")).await;
    browser.follow("#add").await;
    let waits = browser.tab().await;
    browser.script("window.asked = 0; const ask = window.fetch; window.fetch = (...it) => { asked += 1; return ask(...it); }").await;
    browser.open_tab().await;
    let used = browser.tab().await;
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < 2 * PATIENCE, "the page never asks");
        browser.goto(shop.at("/cart")).await;
        browser.turn_to(&waits).await;
        assert_eq!(warning(&browser).await, "");
        if browser.eval("window.asked > 0").await == true {
            break;
        }
        browser.turn_to(&used).await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
