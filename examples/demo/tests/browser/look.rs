use crate::support::{Browser, PHONE, Shop};

async fn scheme(browser: &Browser) -> String {
    let scheme = browser.eval("getComputedStyle(document.documentElement).colorScheme").await;
    scheme.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn the_theme_is_kept_in_the_session() {
    let mut shop = Shop::open();
    let browser = Browser::open().await;
    browser.goto(shop.at("/things/puddle")).await;
    assert_eq!(scheme(&browser).await, "light dark", "the browser's choice");
    browser.follow(".theme button[value=dark]").await;
    browser.wait_for_path("/things/puddle").await;
    assert_eq!(scheme(&browser).await, "dark");

    shop.restart();
    browser.goto(shop.at("/cart")).await;
    assert_eq!(scheme(&browser).await, "dark");
    browser.follow(".theme button[value=auto]").await;
    assert_eq!(scheme(&browser).await, "light dark");
}

/// Visits every kind of page with something on it, and calls `look` on each.
async fn tour(shop: &Shop, browser: &Browser, look: impl AsyncFn(&str)) {
    for path in ["/", "/cart", "/fitting", "/sign-in", "/things/ferryman"] {
        browser.goto(shop.at(path)).await;
        look(path).await;
    }
    browser.follow("#add").await;
    look("the cart, with a notice").await;
    browser.goto(shop.at("/fitting")).await;
    browser.follow("main form button").await;
    for choice in ["nothing", "late", "everything", "chestnut"] {
        look("a question").await;
        browser.click(&format!("input[value={choice}]")).await;
        browser.follow(".question .button").await;
    }
    look("the result").await;
    browser.goto(shop.at("/things/puddle")).await;
    look("a thing, with others that were seen").await;
    browser.goto(shop.at("/sign-in")).await;
    browser.enter("#name", "Wolfeschlegelsteinhausenbergerdorff the Younger").await;
    browser.follow(".sign-in button").await;
    look("the account").await;
    browser.script("document.getElementById('ends-soon').hidden = false").await;
    look("the warning").await;
    browser.goto(shop.at("/account/confirm?which=others")).await;
    look("who wants to end the others").await;
    browser.goto(shop.at("/account")).await;
    browser.follow("#sign-out").await;
    look("goodbye").await;
}

#[tokio::test]
async fn nothing_is_wider_than_a_phone() {
    let shop = Shop::open();
    let browser = Browser::open_sized(PHONE).await;
    let unfold = "document.querySelector('.inspector details').open = true";
    tour(&shop, &browser, async |place: &str| {
        assert_eq!(browser.eval("innerWidth").await, 360, "{place}");
        assert_eq!(browser.eval("document.documentElement.scrollWidth").await, 360, "{place}");
        browser.script(unfold).await;
        assert_eq!(browser.eval("document.documentElement.scrollWidth").await, 360, "{place}, unfolded");
    })
    .await;
    browser.goto(shop.at("/nowhere")).await;
    assert_eq!(browser.eval("document.documentElement.scrollWidth").await, 360);
}

#[tokio::test]
async fn on_a_phone_the_inspector_is_folded_until_it_is_asked_for() {
    let shop = Shop::open();
    let browser = Browser::open_sized(PHONE).await;
    browser.goto(shop.at("/")).await;
    assert!(!browser.text(".inspector").await.contains("You have no session."));
    browser.click(".inspector summary").await;
    browser
        .wait_until("document.querySelector('.inspector').innerText.includes('You have no session.')")
        .await;
}

#[tokio::test]
async fn nothing_is_complained_about() {
    let shop = Shop::open();
    let browser = Browser::open().await;
    tour(&shop, &browser, async |place: &str| {
        // What it merely tells is no complaint: that it has cleared the site's data, for one.
        let mut complaints = browser.console().await;
        complaints.retain(|entry| entry["level"] != "INFO");
        assert_eq!(complaints, Vec::<serde_json::Value>::new(), "{place}");
    })
    .await;
}

#[tokio::test]
async fn localhost_is_as_good_as_its_number() {
    let shop = Shop::open();
    let browser = Browser::open().await;
    let page = shop.at("/things/drizzle").replace("127.0.0.1", "localhost");
    browser.goto(page).await;
    browser.follow("#add").await;
    assert_eq!(browser.text("#in-cart").await, "1");
}

#[tokio::test]
async fn a_page_restored_from_memory_asks_again() {
    let shop = Shop::open();
    let browser = Browser::open().await;
    browser.goto(shop.at("/")).await;
    browser
        .script("window.left = true; dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        .await;
    browser.wait_until("document.readyState == 'complete' && !window.left").await;
}
