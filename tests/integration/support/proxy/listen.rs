use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::control::Control;
use super::link::link;

/// What a proxy is told that concerns all its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Listen,
    Cut,
    Refuse,
}

/// Takes connections and orders, until nobody gives orders any more.
pub(super) async fn listen(
    port: u16,
    control: Arc<Control>,
    mut orders: mpsc::Receiver<(Order, oneshot::Sender<()>)>,
) {
    let mut listener = None;
    let mut links = JoinSet::new();
    loop {
        tokio::select! {
            Ok(client) = accept(listener.as_ref()) => {
                links.spawn(link(client, Arc::clone(&control)));
            }
            order = orders.recv() => {
                let Some((order, done)) = order else { return };
                obey(order, port, &mut listener, &mut links).await;
                let _ = done.send(());
            }
            Some(_) = links.join_next() => {}
        }
    }
}

async fn obey(order: Order, port: u16, listener: &mut Option<TcpListener>, links: &mut JoinSet<()>) {
    match order {
        Order::Listen if listener.is_none() => {
            *listener = Some(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap());
        }
        Order::Listen => {}
        Order::Cut => links.shutdown().await,
        Order::Refuse => {
            *listener = None;
            links.shutdown().await;
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => Ok(listener.accept().await?.0),
        None => std::future::pending().await,
    }
}
