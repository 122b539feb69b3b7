use servers::{MariaDb, Nats, Postgres, Redis};

use super::{Backend, blocking};

/// A server of a test's own, which it may kill or stop. It is durable: what it acknowledges is on disk.
#[derive(Debug)]
pub(crate) struct Private {
    server: Option<Kind>,
}

#[derive(Debug)]
enum Kind {
    Redis(Redis),
    Postgres(Postgres),
    MariaDb(MariaDb),
    Nats(Nats),
}

impl Private {
    /// Starts one.
    pub(crate) async fn start(backend: Backend) -> Self {
        let server = blocking(move || match backend {
            Backend::Redis => Kind::Redis(Redis::options().durable().start().unwrap()),
            Backend::Postgres => Kind::Postgres(Postgres::start().unwrap()),
            Backend::MariaDb => Kind::MariaDb(MariaDb::start().unwrap()),
            Backend::Nats => Kind::Nats(Nats::start().unwrap()),
            other => panic!("{other:?} is not one server"),
        });
        Self { server: Some(server.await) }
    }

    /// Returns its URL.
    pub(crate) fn url(&self) -> String {
        match self.server.as_ref().unwrap() {
            Kind::Redis(server) => server.url(),
            Kind::Postgres(server) => server.url(),
            Kind::MariaDb(server) => server.url(),
            Kind::Nats(server) => format!("{}?storage=file", server.url()),
        }
    }

    /// Returns its port.
    pub(crate) fn port(&self) -> u16 {
        super::upstream::port(&self.url())
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        match self.server.as_mut().unwrap() {
            Kind::Redis(server) => server.kill(),
            Kind::Postgres(server) => server.kill(),
            Kind::MariaDb(server) => server.kill(),
            Kind::Nats(server) => server.kill(),
        }
    }

    /// Starts it again, on the same port and files, while others go on.
    pub(crate) async fn restart(&mut self) {
        let mut server = self.server.take().unwrap();
        let restarted = blocking(move || {
            match &mut server {
                Kind::Redis(server) => server.restart(),
                Kind::Postgres(server) => server.restart(),
                Kind::MariaDb(server) => server.restart(),
                Kind::Nats(server) => server.restart(),
            }
            .unwrap();
            server
        });
        self.server = Some(restarted.await);
    }

    /// Stops it with SIGSTOP.
    pub(crate) fn pause(&self) {
        match self.server.as_ref().unwrap() {
            Kind::Redis(server) => server.pause(),
            Kind::Postgres(server) => server.pause(),
            Kind::MariaDb(server) => server.pause(),
            Kind::Nats(server) => server.pause(),
        }
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        match self.server.as_ref().unwrap() {
            Kind::Redis(server) => server.resume(),
            Kind::Postgres(server) => server.resume(),
            Kind::MariaDb(server) => server.resume(),
            Kind::Nats(server) => server.resume(),
        }
    }
}
