use std::env;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
A small shop on Cloakroom.

usage: demo [--listen ADDRESS] [--database FILE] [--idle SECONDS] [--confirm-after SECONDS] [--insecure-cookie]

  --listen ADDRESS    where to listen; port 0 picks a free one
                      (or KLOAK_LISTEN; default: 127.0.0.1:8080, or a free port where that is taken)
  --database FILE     the SQLite file that holds the sessions; made if it is not there
                      (or KLOAK_DATABASE; default: target/kloak.db, or kloak.db where there is no target folder)
  --idle SECONDS      how long a session waits for the next page (default: a week)
  --confirm-after SECONDS
                      how old a sign-in may be to end sessions elsewhere (default: five minutes)
  --insecure-cookie   a cookie without `Secure`, for browsers that refuse such a cookie over plain HTTP even from this
                      machine (Safari), and for other machines
";

/// A cart may wait for a week, also while the browser is closed. An application that keeps more than a cart behind the
/// sign-in would ask for less: see [`SessionLayer::max_inactive_interval`](cloakroom::SessionLayer::max_inactive_interval).
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Long enough to look around, and short enough that whoever finds the browser open later cannot end the others.
const FIVE_MINUTES: Duration = Duration::from_secs(5 * 60);

/// What the demo was told at its start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) listen: Listen,
    pub(crate) database: PathBuf,
    pub(crate) idle: Duration,
    pub(crate) confirm_after: Duration,
    pub(crate) insecure_cookie: bool,
    pub(crate) help: bool,
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// Here and nowhere else.
    At(SocketAddr),
    /// Here, or at any free port.
    Preferably(SocketAddr),
}

impl Options {
    /// Reads the command line, and the environment for what it does not say.
    pub(crate) fn read() -> Result<Self, lexopt::Error> {
        Self::parse(lexopt::Parser::from_env(), |name| env::var_os(name))
    }

    fn parse(
        mut arguments: lexopt::Parser,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, lexopt::Error> {
        let mut options = Self {
            listen: match environment("KLOAK_LISTEN") {
                Some(address) => Listen::At(address.parse()?),
                None => Listen::Preferably(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
            },
            database: environment("KLOAK_DATABASE").map_or_else(default_database, PathBuf::from),
            idle: WEEK,
            confirm_after: FIVE_MINUTES,
            insecure_cookie: false,
            help: false,
        };
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("listen") => options.listen = Listen::At(arguments.value()?.parse()?),
                Long("database") => options.database = arguments.value()?.into(),
                Long("idle") => options.idle = seconds(&mut arguments)?,
                Long("confirm-after") => options.confirm_after = seconds(&mut arguments)?,
                Long("insecure-cookie") => options.insecure_cookie = true,
                Long("help") | Short('h') => options.help = true,
                unknown => return Err(unknown.unexpected()),
            }
        }
        Ok(options)
    }
}

fn seconds(arguments: &mut lexopt::Parser) -> Result<Duration, lexopt::Error> {
    Ok(Duration::from_secs(arguments.value()?.parse()?))
}

/// With `cargo run` there is a `target` folder, which nobody commits and `cargo clean` empties.
fn default_database() -> PathBuf {
    let target = Path::new("target");
    if target.is_dir() { target.join("kloak.db") } else { PathBuf::from("kloak.db") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Options, lexopt::Error> {
        let find = |name: &str| environment.iter().find(|(it, _)| *it == name);
        Options::parse(lexopt::Parser::from_args(arguments), |name| find(name).map(|(_, value)| value.into()))
    }

    #[test]
    fn another_port_is_taken_only_if_none_was_asked_for() {
        let asked = "127.0.0.1:9".parse().unwrap();
        assert!(matches!(parse(&[], &[]).unwrap().listen, Listen::Preferably(_)));
        assert_eq!(parse(&["--listen", "127.0.0.1:9"], &[]).unwrap().listen, Listen::At(asked));
        assert_eq!(parse(&[], &[("KLOAK_LISTEN", "127.0.0.1:9")]).unwrap().listen, Listen::At(asked));
    }

    #[test]
    fn the_command_line_comes_before_the_environment() {
        let options = parse(&["--database", "a"], &[("KLOAK_DATABASE", "b")]).unwrap();
        assert_eq!(options.database, Path::new("a"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(parse(&["--listen"], &[]).is_err());
        assert!(parse(&["--listen", "nowhere"], &[]).is_err());
        assert!(parse(&["--port", "1"], &[]).is_err());
        assert!(parse(&["--idle", "soon"], &[]).is_err());
    }
}
