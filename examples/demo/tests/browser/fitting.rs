use crate::support::{Browser, Shop};

async fn answer(browser: &Browser, choice: &str) {
    browser.click(&format!("input[value={choice}]")).await;
    browser.follow(".question .button").await;
}

async fn chosen(browser: &Browser) -> String {
    let chosen = browser.eval("document.querySelector('input:checked')?.value ?? '(none)'").await;
    chosen.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn the_way_goes_back_and_forward() {
    let shop = Shop::open();
    let browser = Browser::open().await;
    browser.goto(shop.at("/fitting")).await;
    browser.follow("main form button").await;
    answer(&browser, "rain").await;
    answer(&browser, "doors").await;
    answer(&browser, "stroll").await;
    browser.wait_for_path("/fitting/load").await;

    browser.back_to("/fitting/pace").await;
    assert_eq!(chosen(&browser).await, "stroll");
    browser.back_to("/fitting/shelter").await;
    assert_eq!(chosen(&browser).await, "doors");
    browser.forward_to("/fitting/pace").await;
    browser.follow(".back").await;
    browser.wait_for_path("/fitting/shelter").await;
    browser.follow(".forward").await;
    browser.wait_for_path("/fitting/pace").await;
    browser.follow(".forward").await;
    answer(&browser, "nothing").await;
    answer(&browser, "midnight").await;
    browser.wait_for_path("/fitting/result").await;
    assert_eq!(browser.text("h1").await, "Stationmaster");
}

#[tokio::test]
async fn another_answer_after_the_back_button_leads_another_way() {
    let shop = Shop::open();
    let browser = Browser::open().await;
    browser.goto(shop.at("/fitting")).await;
    browser.follow("main form button").await;
    answer(&browser, "rain").await;
    answer(&browser, "doors").await;
    browser.back_to("/fitting/shelter").await;
    browser.back_to("/fitting/sky").await;
    answer(&browser, "frost").await;
    browser.wait_for_path("/fitting/frost").await;

    browser.goto(shop.at("/fitting/shelter")).await;
    browser.wait_for_path("/fitting/frost").await;

    browser.goto(shop.at("/fitting")).await;
    assert_eq!(browser.text("main .button").await, "Go on where you were");
    browser.follow("main .button").await;
    browser.wait_for_path("/fitting/frost").await;
    assert_eq!(browser.text(".way").await, "It freezes");
}
