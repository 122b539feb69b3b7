use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::control::Control;
use super::frames::Frames;
use super::stop::{Go, Point};

/// A connection that is forwarded.
struct Link {
    control: Arc<Control>,
    /// The command whose answer is to be held.
    asked: Mutex<Option<String>>,
}

/// Forwards a connection until either side ends it, or a fault does.
pub(super) async fn link(client: TcpStream, control: Arc<Control>) {
    control.count_connection();
    control.passable().await;
    let target = control.target.load(Ordering::Relaxed);
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else {
        return;
    };
    // A proxy that gathered small pieces would be slower than it was told to be.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let link = Link { control, asked: Mutex::default() };
    tokio::select! {
        _ = link.commands(from_client, to_server) => {}
        _ = link.answers(from_server, to_client) => {}
    }
}

impl Link {
    async fn commands(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Option<()> {
        let mut frames = Frames::new(self.control.protocol);
        let mut buffer = BytesMut::new();
        loop {
            let read = from.read_buf(&mut buffer).await.ok()?;
            self.control.passable().await;
            if read == 0 {
                return None;
            }
            while let Some(frame) = frames.take(&mut buffer) {
                if let Some(command) = &frame.command {
                    self.command(command).await?;
                }
                // What waited while the mode changed is treated as the mode is now.
                self.control.passable().await;
                self.control.count_to_server(frame.bytes.len(), frame.command.as_deref());
                to.write_all(&frame.bytes).await.ok()?;
            }
        }
    }

    /// Stops at a command; `None` when the connection is to be cut.
    async fn command(&self, command: &str) -> Option<()> {
        if !self.control.is_holding() {
            return Some(());
        }
        let go = self.control.stop(Point::Command(command.to_owned())).await;
        *self.asked.lock().unwrap() = Some(command.to_owned());
        (go == Go::On).then_some(())
    }

    async fn answers(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Option<()> {
        let mut buffer = BytesMut::new();
        loop {
            let read = from.read_buf(&mut buffer).await.ok()?;
            let asked = self.asked.lock().unwrap().take();
            if let Some(command) = asked {
                let go = self.control.stop(Point::Answer(command)).await;
                (go == Go::On).then_some(())?;
            }
            self.control.passable().await;
            if read == 0 {
                return None;
            }
            let whole = buffer.split();
            let cut = self.control.cut_within(whole.len());
            let part = &whole[..cut.unwrap_or(whole.len())];
            self.control.count_to_client(part.len());
            to.write_all(part).await.ok()?;
            if cut.is_some() {
                return None;
            }
        }
    }
}
