use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};

use crate::support::Shop;

/// A visitor without a browser, who keeps the one cookie there is.
struct Visitor {
    client: Client,
    cookie: Option<String>,
}

impl Visitor {
    fn new() -> Self {
        let client = Client::builder().redirect(Policy::none()).build();
        Self { client: client.expect("a client"), cookie: None }
    }

    fn with_cookie(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    async fn send(&mut self, request: RequestBuilder) -> Response {
        let response = self.with_cookie(request).send().await.expect("an answer");
        if let Some(set) = set_cookie(&response) {
            self.cookie = set.split(';').next().map(str::to_owned);
        }
        response
    }

    async fn get(&mut self, url: String) -> Response {
        self.send(self.client.get(url)).await
    }

    fn posting(&self, url: String, form: &'static str) -> RequestBuilder {
        let request = self.client.post(url).body(form);
        request.header(CONTENT_TYPE, "application/x-www-form-urlencoded")
    }

    async fn post(&mut self, url: String, form: &'static str) -> Response {
        self.send(self.posting(url, form)).await
    }

    async fn page(&mut self, url: String) -> String {
        self.get(url).await.text().await.expect("a text")
    }
}

fn set_cookie(response: &Response) -> Option<&str> {
    response.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok())
}

fn location(response: &Response) -> &str {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    location.expect("a redirect")
}

#[tokio::test]
async fn looking_around_makes_no_session() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    for path in [
        "/",
        "/things/puddle",
        "/cart",
        "/fitting",
        "/fitting/sky",
        "/sign-in",
        "/account",
        "/static/style.css",
    ] {
        let answer = visitor.get(shop.at(path)).await;
        assert_eq!(set_cookie(&answer), None, "{path}");
    }
}

#[tokio::test]
async fn the_cookie_is_the_safe_one_unless_told_otherwise() {
    let shop = Shop::open();
    let answer = Visitor::new().post(shop.at("/cart/puddle"), "quantity=1").await;
    let cookie = set_cookie(&answer).expect("a session");
    assert!(cookie.starts_with("__Host-id="), "{cookie}");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; Path=/; Secure"), "{cookie}");

    let shop = Shop::open_with(&["--insecure-cookie"]);
    let answer = Visitor::new().post(shop.at("/cart/puddle"), "quantity=1").await;
    let cookie = set_cookie(&answer).expect("a session");
    assert!(cookie.starts_with("id=") && !cookie.contains("Secure"), "{cookie}");
}

#[tokio::test]
async fn many_at_once_lose_nothing() {
    const EACH: usize = 12;
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    visitor.post(shop.at("/cart/ferryman"), "quantity=1").await;
    let adding: Vec<_> = ["puddle", "drizzle"]
        .repeat(EACH)
        .into_iter()
        .map(|thing| visitor.posting(shop.at(&format!("/cart/{thing}")), "quantity=1"))
        .map(|request| tokio::spawn(visitor.with_cookie(request).send()))
        .collect();
    for added in adding {
        let added = added.await.expect("it runs").expect("an answer");
        assert_eq!(added.status(), StatusCode::SEE_OTHER);
    }
    let page = visitor.page(shop.at("/cart")).await;
    assert!(page.contains(&format!("id=\"in-cart\">{}<", 2 * EACH + 1)), "{page}");
}

#[tokio::test]
async fn another_site_changes_nothing() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    visitor.post(shop.at("/cart/puddle"), "quantity=1").await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://example.com"),
        ("origin", "null"),
    ] {
        let forged = visitor.posting(shop.at("/cart/puddle"), "quantity=1").header(name, value);
        assert_eq!(visitor.send(forged).await.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert!(visitor.page(shop.at("/cart")).await.contains("id=\"in-cart\">1<"));
}

#[tokio::test]
async fn a_redirect_stays_in_the_shop() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    let answer = visitor.post(shop.at("/theme"), "theme=dark&back=%2Fthings%2Fpuddle").await;
    assert_eq!(location(&answer), "/things/puddle");
    let answer = visitor.post(shop.at("/theme"), "theme=light&back=%2F%2Fexample.com").await;
    assert_eq!(location(&answer), "/");
}

#[tokio::test]
async fn a_name_is_text_and_nothing_else() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    visitor.post(shop.at("/sign-in"), "name=%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    let page = visitor.page(shop.at("/account")).await;
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("alert(1)"), "{page}");

    let answer = visitor.post(shop.at("/sign-in"), "name=%20").await;
    assert_eq!(location(&answer), "/sign-in", "no name is no sign-in");
}

#[tokio::test]
async fn who_signs_in_after_another_inherits_nothing() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    visitor.post(shop.at("/cart/puddle"), "quantity=1").await;
    visitor.post(shop.at("/sign-in"), "name=Ada").await;
    visitor.post(shop.at("/sign-in"), "name=Grace").await;
    let page = visitor.page(shop.at("/account")).await;
    assert!(page.contains("As <strong>Grace</strong>"), "{page}");
    assert!(page.contains("id=\"in-cart\">0<"), "{page}");
}

#[tokio::test]
async fn signing_out_lets_the_browser_forget_the_shop() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    let answer = visitor.post(shop.at("/sign-in"), "name=Ada").await;
    assert!(!answer.headers().contains_key("clear-site-data"));
    let answer = visitor.post(shop.at("/sign-out"), "").await;
    assert_eq!(answer.headers()["clear-site-data"], "\"cache\", \"storage\"", "and not others' cookies");
    assert!(set_cookie(&answer).expect("it is removed").contains("Max-Age=0"));
}

#[tokio::test]
async fn every_page_of_a_visitors_own_is_kept_by_nobody() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    visitor.post(shop.at("/sign-in"), "name=Ada").await;
    for path in ["/", "/cart", "/account", "/session/time-left"] {
        let answer = visitor.get(shop.at(path)).await;
        assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn a_cart_is_checked_out_once() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    visitor.post(shop.at("/cart/puddle"), "quantity=2").await;
    visitor.post(shop.at("/checkout"), "").await;
    let page = visitor.page(shop.at("/cart")).await;
    assert!(page.contains("Your 2 things do not exist") && page.contains("id=\"in-cart\">0<"), "{page}");
    visitor.post(shop.at("/checkout"), "").await;
    assert!(!visitor.page(shop.at("/cart")).await.contains("Thank you"));
}

#[tokio::test]
async fn the_inspector_tells_what_was_carried() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    visitor.post(shop.at("/trunk"), "back=%2F").await;
    let page = visitor.page(shop.at("/sign-in")).await;
    // "trunk", and 16 KiB of text with three bytes for its length.
    assert!(page.contains("<td>16.4 kB</td>"), "{page}");
    assert!(page.contains("wrote 16.4 kB <i>of 16.4 kB</i>"), "the trunk was carried when it was left");
    assert!(page.contains("read 0 B <i>of 16.4 kB</i>"), "and is not any more");

    visitor.post(shop.at("/theme"), "theme=dark&back=%2F").await;
    let page = visitor.page(shop.at("/sign-in")).await;
    // "theme", and "dark" with a byte for its length.
    assert!(page.contains("wrote 10 B <i>of 16.4 kB</i>"), "{page}");
    assert!(page.contains("read 10 B <i>of 16.4 kB</i>"), "{page}");
    assert!(page.contains("load, commit"), "{page}");
}

#[tokio::test]
async fn what_is_not_there_is_said_on_a_page() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    for path in ["/nowhere", "/things/nothing", "/fitting/nothing"] {
        let answer = visitor.get(shop.at(path)).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().await.expect("a text").contains("Nothing on this hook"), "{path}");
    }
    assert_eq!(visitor.get(shop.at("/account")).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_voucher_is_good_for_one_try() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    let draws = async |visitor: &mut Visitor| {
        visitor.post(shop.at("/voucher"), "").await;
        let page = visitor.page(shop.at("/voucher")).await;
        let (_, code) = page.split_once("Your code is ").expect("a code");
        assert!(!visitor.page(shop.at("/voucher")).await.contains("Your code is"), "it is told once");
        code[..6].to_owned()
    };
    let redeems = async |visitor: &mut Visitor, code: &str| {
        let request = visitor.posting(shop.at("/voucher/redeem"), "").body(format!("code={code}"));
        visitor.send(request).await;
        visitor.page(shop.at("/voucher")).await
    };
    assert!(redeems(&mut visitor, "000000").await.contains("no code that is good"));
    let code = draws(&mut visitor).await;
    assert!(redeems(&mut visitor, &code).await.contains("a free cup of tea"));
    assert!(redeems(&mut visitor, &code).await.contains("no code that is good"), "it is good once");
    let code = draws(&mut visitor).await;
    let wrong = if code == "123456" { "654321" } else { "123456" };
    assert!(redeems(&mut visitor, wrong).await.contains("it is void now"));
    assert!(redeems(&mut visitor, &code).await.contains("no code that is good"));
}

#[tokio::test]
async fn a_notice_is_shown_in_one_of_two_tabs() {
    let shop = Shop::open();
    let mut visitor = Visitor::new();
    visitor.post(shop.at("/cart/puddle"), "quantity=1").await;
    let tabs = [(); 2].map(|()| visitor.with_cookie(visitor.client.get(shop.at("/cart"))).send());
    let mut shown = 0;
    for tab in tabs.map(tokio::spawn) {
        let page = tab.await.expect("it runs").expect("an answer").text().await.expect("a text");
        shown += page.matches("Puddle is in your cart.").count();
    }
    assert_eq!(shown, 1);
}
