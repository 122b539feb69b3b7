//! A store that is away for a while.

mod directory;
mod tables;

use self::directory::Directory;
use self::tables::Tables;
use super::{Backend, Proxy, Site};

/// A store that is away, until it is told to come back.
#[derive(Debug)]
pub(crate) struct Outage<'a> {
    how: How<'a>,
}

#[derive(Debug)]
enum How<'a> {
    /// A directory that is away or locked.
    Directory(Directory),
    /// A file whose tables are hidden or locked.
    Tables(Tables),
    /// A server that nothing gets through to.
    Proxies(&'a [Proxy]),
}

impl<'a> Outage<'a> {
    /// Makes every operation fail: the directory or the tables are hidden, the server refuses connections.
    pub(crate) async fn begin(site: &'a Site) -> Self {
        match site.backend() {
            Backend::File => return Self { how: How::Directory(Directory::hide(site)) },
            Backend::Sqlite => return Self { how: How::Tables(Tables::hide(site).await) },
            _ => {}
        }
        let proxies = proxies(site);
        for proxy in proxies {
            proxy.refuse().await;
        }
        Self { how: How::Proxies(proxies) }
    }

    /// Makes every operation hang that writes, or all: the sessions or the tables are locked, nothing gets through to the server or back.
    pub(crate) async fn hang(site: &'a Site) -> Self {
        match site.backend() {
            Backend::File => return Self { how: How::Directory(Directory::lock(site)) },
            Backend::Sqlite => return Self { how: How::Tables(Tables::lock(site).await) },
            _ => {}
        }
        let proxies = proxies(site);
        proxies.iter().for_each(Proxy::black_hole);
        Self { how: How::Proxies(proxies) }
    }

    /// Lets the store come back.
    pub(crate) async fn end(self) {
        match self.how {
            How::Directory(directory) => directory.restore(),
            How::Tables(tables) => tables.restore().await,
            How::Proxies(proxies) => {
                for proxy in proxies {
                    proxy.pass().await;
                }
            }
        }
    }
}

fn proxies(site: &Site) -> &[Proxy] {
    let proxies = site.proxies();
    assert!(!proxies.is_empty(), "this site is not breakable");
    proxies
}
