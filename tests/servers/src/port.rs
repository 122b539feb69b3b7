use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::Error;

/// Below the ports that the kernel gives to clients, so that a server that is restarted finds its port free.
const FIRST: u16 = 22_000;
const COUNT: u16 = 10_000;

/// A port of 127.0.0.1 that is nobody else's for as long as this lives, also while nothing listens there.
///
/// Others that claim ports by this type, in any process, get other ones: a claim is a socket with an abstract name, which
/// the kernel gives to one process and takes back when that ends.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _claim: UnixListener,
}

impl Port {
    /// Claims a free port.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn claim() -> Result<Self, Error> {
        let start = RandomState::new().hash_one(0) % u64::from(COUNT);
        let start = u16::try_from(start).unwrap_or_default();
        let mut numbers = (0..COUNT).map(|offset| FIRST + (start + offset) % COUNT);
        let port = numbers.find_map(|number| Self::try_claim(number).ok());
        port.ok_or_else(|| Error::io("find a free port")(io::ErrorKind::AddrInUse.into()))
    }

    /// Returns its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    fn try_claim(number: u16) -> io::Result<Self> {
        let name = SocketAddr::from_abstract_name(format!("cloakroom-test-port-{number}"))?;
        let claim = UnixListener::bind_addr(&name)?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number))?;
        Ok(Self { number, _claim: claim })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_claimed_is_claimed_by_nobody_else() {
        let port = Port::claim().expect("there are enough");
        assert!(Port::try_claim(port.number()).is_err());
        let number = port.number();
        drop(port);
        assert!(Port::try_claim(number).is_ok());
    }

    #[test]
    fn what_somebody_listens_on_is_not_claimed() {
        let port = Port::claim().expect("there are enough");
        let number = port.number();
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).expect("it is free");
        drop(port);
        assert!(Port::try_claim(number).is_err());
    }
}
