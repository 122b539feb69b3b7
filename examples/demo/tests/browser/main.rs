//! The demo, driven in a real browser: headless Chromium, through `WebDriver`. `http` talks to it without one.
//!
//! Each test has a shop and a browser of its own, on free ports, with files in a folder that goes away with it.

mod account;
mod cart;
mod fitting;
mod http;
mod look;
mod support;
