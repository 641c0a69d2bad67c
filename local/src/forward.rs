//! Makes the embedded services, which listen only on the loopback interface, reachable for containers:
//! forwards connections from the same ports of another address, such as Docker's bridge.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener as StdListener};

use anyhow::Context;
use tokio::net::{TcpListener, TcpStream};

use crate::serve::Tasks;

/// Forwards connections to `address` at these ports to the loopback interface.
///
/// # Errors
/// When a port is not available at the address.
pub(crate) fn start(address: IpAddr, ports: [u16; 4], tasks: &Tasks) -> anyhow::Result<()> {
    for port in ports {
        let from = SocketAddr::new(address, port);
        let listener = StdListener::bind(from).with_context(|| {
            format!("cannot listen on {from} for containers: choose an address of this machine with --containers ADDRESS")
        })?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (stop, connections) = (tasks.stop.clone(), tasks.clone());
        tasks.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let Ok((mut from, _)) = accepted else { continue };
                connections.spawn(async move {
                    let Ok(mut to) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else {
                        return;
                    };
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                });
            }
        });
    }
    Ok(())
}
