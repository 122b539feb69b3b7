use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::Error;
use crate::error::Cause;

/// How long to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A plain connection to a Redis server or a sentinel, to ask it this and that.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all that RESP 2 has, but for errors")]
pub enum Reply {
    /// Any bytes.
    Bytes(Vec<u8>),
    /// A number.
    Number(i64),
    /// Nothing.
    Nil,
    /// Several answers.
    List(Vec<Self>),
}

impl Connection {
    /// Connects to a port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn open(port: u16) -> Result<Self, Error> {
        let connect = || -> io::Result<TcpStream> {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let stream = connect().map_err(Error::io("connect to Redis"))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a command, and returns its answer.
    ///
    /// # Errors
    ///
    /// When the connection fails, or the answer is an error.
    pub fn ask<A: AsRef<[u8]>>(&mut self, command: &[A]) -> Result<Reply, Error> {
        let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
        for argument in command.iter().map(AsRef::as_ref) {
            bytes.extend(format!("${}\r\n", argument.len()).into_bytes());
            bytes.extend_from_slice(argument);
            bytes.extend_from_slice(b"\r\n");
        }
        let sent = self.stream.get_mut().write_all(&bytes);
        let answer = sent.and_then(|()| self.read()).map_err(Error::io("ask Redis"))?;
        answer.map_err(|answer| {
            let name = command.first().map(AsRef::as_ref).unwrap_or_default();
            Cause::Unexpected { asked: String::from_utf8_lossy(name).into_owned(), answer }.into()
        })
    }

    fn read(&mut self) -> io::Result<Result<Reply, String>> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let line = line.trim_end();
        let rest = line.get(1..).unwrap_or_default();
        let number = || rest.parse::<i64>().map_err(|_| io::Error::other(format!("not a number: {line}")));
        Ok(Ok(match line.bytes().next() {
            Some(b'+') => Reply::Bytes(rest.into()),
            Some(b'-') => return Ok(Err(rest.to_owned())),
            Some(b':') => Reply::Number(number()?),
            Some(b'$') => match usize::try_from(number()?) {
                Ok(length) => Reply::Bytes(self.bytes(length)?),
                Err(_) => Reply::Nil,
            },
            Some(b'*') => {
                let parts = (0..number()?).map(|_| self.read()?.map_err(io::Error::other));
                Reply::List(parts.collect::<io::Result<_>>()?)
            }
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }))
    }

    fn bytes(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes)?;
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl Reply {
    /// Returns the answer as text; empty where it is none.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Number(number) => number.to_string(),
            Self::Nil | Self::List(_) => String::new(),
        }
    }

    /// Returns the parts of a list; empty where it is none.
    #[must_use]
    pub fn list(self) -> Vec<Self> {
        match self {
            Self::List(parts) => parts,
            _ => Vec::new(),
        }
    }

    /// Returns the bytes; empty where there are none.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes,
            _ => Vec::new(),
        }
    }
}
