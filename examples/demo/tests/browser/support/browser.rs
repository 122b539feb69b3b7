use std::path::Path;
use std::time::Duration;

use fantoccini::wd::{Capabilities, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::driver::{CHROMIUM, Driver};
use super::log::TakeConsole;

const WIDE: [u32; 2] = [1280, 900];
pub(crate) const PHONE: [u32; 2] = [360, 740];

/// How long a condition may take to come true. Only a failing test waits that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
const GLANCE: Duration = Duration::from_millis(20);

/// A headless Chromium with a profile of its own. It is killed when this is dropped.
pub(crate) struct Browser {
    client: Client,
    _driver: Driver,
    _folder: TempDir,
}

impl Browser {
    pub(crate) async fn open() -> Self {
        Self::open_sized(WIDE).await
    }

    pub(crate) async fn open_sized(size: [u32; 2]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the browser");
        let driver = Driver::start(folder.path());
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(folder.path(), size))
            .connect(&driver.url)
            .await
            .expect("chromium starts");
        Self { client, _driver: driver, _folder: folder }
    }

    pub(crate) async fn goto(&self, url: String) {
        self.client.goto(&url).await.expect("the page loads");
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.expect("the page loads");
    }

    /// Presses the browser's back button, and waits until the page of this path is there.
    pub(crate) async fn back_to(&self, path: &str) {
        self.client.back().await.expect("there is a page before");
        self.wait_for_path(path).await;
    }

    pub(crate) async fn forward_to(&self, path: &str) {
        self.client.forward().await.expect("there is a page after");
        self.wait_for_path(path).await;
    }

    pub(crate) async fn wait_for_path(&self, path: &str) {
        self.wait_until(&format!("document.readyState == 'complete' && location.pathname == {path:?}")).await;
    }

    /// Clicks on what leads to another page, or to the same page anew, and waits for it.
    pub(crate) async fn follow(&self, selector: &str) {
        self.script("window.left = true").await;
        self.click(selector).await;
        self.wait_until("document.readyState == 'complete' && !window.left").await;
    }

    pub(crate) async fn click(&self, selector: &str) {
        let element = self.client.find(Locator::Css(selector)).await;
        let element = element.unwrap_or_else(|error| panic!("{selector}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    pub(crate) async fn enter(&self, selector: &str, text: &str) {
        let element = self.client.find(Locator::Css(selector)).await;
        let element = element.unwrap_or_else(|error| panic!("{selector}: {error}"));
        element.clear().await.expect("it is a field");
        element.send_keys(text).await.expect("it is a field");
    }

    /// Returns what an element shows.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let text = self.eval(&format!("document.querySelector({selector:?})?.innerText ?? '(absent)'")).await;
        text.as_str().expect("a text").trim().to_owned()
    }

    pub(crate) async fn eval(&self, expression: &str) -> Value {
        self.script(&format!("return {expression}")).await
    }

    pub(crate) async fn script(&self, script: &str) -> Value {
        let result = self.client.execute(script, Vec::new()).await;
        result.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until an expression is true. That it cannot be evaluated, between two pages, is no reason to give up.
    pub(crate) async fn wait_until(&self, expression: &str) {
        let script = format!("return Boolean({expression})");
        let come_true = async {
            while !matches!(self.client.execute(&script, Vec::new()).await, Ok(Value::Bool(true))) {
                tokio::time::sleep(GLANCE).await;
            }
        };
        if tokio::time::timeout(PATIENCE, come_true).await.is_err() {
            let url = self.client.current_url().await;
            panic!("never came true at {url:?}: {expression}");
        }
    }

    /// Opens a second tab and turns to it.
    pub(crate) async fn open_tab(&self) -> WindowHandle {
        let tab = self.client.new_window(true).await.expect("a tab opens");
        self.turn_to(&tab.handle).await;
        tab.handle
    }

    pub(crate) async fn tab(&self) -> WindowHandle {
        self.client.window().await.expect("there is a tab")
    }

    pub(crate) async fn turn_to(&self, tab: &WindowHandle) {
        self.client.switch_to_window(tab.clone()).await.expect("the tab is open");
    }

    /// Returns what was written to the console since the last time.
    pub(crate) async fn console(&self) -> Vec<Value> {
        let told = self.client.issue_cmd(TakeConsole).await.expect("chromedriver keeps the console");
        told.as_array().expect("a list").clone()
    }
}

fn capabilities(folder: &Path, [width, height]: [u32; 2]) -> Capabilities {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let size = format!("--window-size={width},{height}");
    let mut options = json!({
        "binary": CHROMIUM,
        "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", profile, size,
        ],
    });
    if width < 500 {
        // A window cannot be that narrow.
        options["mobileEmulation"] =
            json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": 2 } });
    }
    Capabilities::from_iter([
        ("goog:chromeOptions".to_owned(), options),
        ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
    ])
}
