use crate::support::{Browser, Shop};

/// Makes the tab submit its form when it is told to, at the same moment as all others that were made ready.
const MAKE_READY: &str = "window.starter = new BroadcastChannel('start'); \
                          window.starter.onmessage = () => document.querySelector('form.add').requestSubmit()";
const START: &str = "new BroadcastChannel('start').postMessage('now')";

async fn quantity(browser: &Browser, slug: &str) -> u64 {
    let input = format!("document.querySelector('#{slug} .quantity input')?.valueAsNumber ?? 0");
    browser.eval(&input).await.as_u64().expect("a number")
}

#[tokio::test]
async fn two_tabs_at_once_lose_nothing() {
    const ROUNDS: u64 = 6;
    let shop = Shop::open();
    let browser = Browser::open().await;
    browser.goto(shop.at("/things/stationmaster")).await;
    browser.follow("#add").await;
    let first = browser.tab().await;
    let second = browser.open_tab().await;

    for round in 0..ROUNDS {
        // In turn two different things, and the same.
        let things = if round % 2 == 0 { ["puddle", "drizzle"] } else { ["marmalade", "marmalade"] };
        for (tab, thing) in [(&first, things[0]), (&second, things[1])] {
            browser.turn_to(tab).await;
            browser.goto(shop.at(&format!("/things/{thing}"))).await;
            browser.script(MAKE_READY).await;
        }
        browser.script(START).await;
        for tab in [&first, &second] {
            browser.turn_to(tab).await;
            browser.wait_for_path("/cart").await;
        }
    }

    browser.goto(shop.at("/cart")).await;
    assert_eq!(quantity(&browser, "stationmaster").await, 1);
    assert_eq!(quantity(&browser, "puddle").await, ROUNDS / 2);
    assert_eq!(quantity(&browser, "drizzle").await, ROUNDS / 2);
    assert_eq!(quantity(&browser, "marmalade").await, ROUNDS);
    assert_eq!(browser.text("#in-cart").await, (1 + 2 * ROUNDS).to_string());
}

#[tokio::test]
async fn a_cart_is_changed_and_survives_a_restart() {
    let mut shop = Shop::open();
    let browser = Browser::open().await;
    browser.goto(shop.at("/things/puddle")).await;
    browser.enter(".add input", "2").await;
    browser.follow("#add").await;
    browser.goto(shop.at("/things/wanderer")).await;
    browser.follow("#add").await;
    browser.enter("#wanderer .quantity input", "3").await;
    browser.follow("#wanderer .quantity button").await;
    browser.follow("#puddle .remove button").await;
    assert_eq!(browser.text(".notice").await, "Puddle is back on its hook.");

    shop.restart();

    browser.goto(shop.at("/cart")).await;
    assert_eq!(quantity(&browser, "wanderer").await, 3);
    assert_eq!(quantity(&browser, "puddle").await, 0);
    assert_eq!(browser.text(".total .price").await, "€ 546");
    assert_eq!(browser.text(".notice").await, "(absent)", "a notice is shown once");
}

#[tokio::test]
async fn the_back_button_finds_pages_only_and_they_are_up_to_date() {
    let shop = Shop::open();
    let browser = Browser::open().await;
    browser.goto(shop.at("/")).await;
    browser.follow("li.snowdrop a").await;
    browser.follow("#add").await;
    browser.reload().await;
    assert_eq!(quantity(&browser, "snowdrop").await, 1, "a reload adds nothing again");

    browser.back_to("/things/snowdrop").await;
    browser.wait_until("document.querySelector('#in-cart').innerText == '1'").await;
    browser.back_to("/").await;
    browser.wait_until("document.querySelector('#in-cart').innerText == '1'").await;
}
