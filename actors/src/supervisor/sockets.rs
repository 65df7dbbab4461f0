//! The listening sockets: one for each worker and port (SO_REUSEPORT). They belong to the supervisor, so that they
//! outlive the actors: while one is started again its socket goes on to queue connections.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use socket2::{Domain, Protocol, SockFilter, SockRef, Socket, Type};

use super::ports::PortMap;
use crate::listener::message::BoundSocket;

/// The accept queue of each socket, as far as the kernel permits.
const BACKLOG: i32 = 4096;

/// A port of a Gateway that takes connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// `namespace/name`
    pub gateway: Arc<str>,
    /// As the Gateway names it.
    pub port: u16,
    /// Where it is bound.
    pub address: SocketAddr,
}

/// A port of a Gateway that could not be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindFailure {
    /// `namespace/name`
    pub gateway: Arc<str>,
    /// As the Gateway names it.
    pub port: u16,
    /// Why, and what would help.
    pub message: String,
}

/// The sockets of every worker.
#[derive(Debug)]
pub struct Sockets {
    workers: usize,
    address: Option<IpAddr>,
    map: PortMap,
    held: BTreeMap<u16, Held>,
    /// Local ports that were ours: they may linger for a moment in a worker's hands and are not probed again.
    ours: BTreeSet<u16>,
}

#[derive(Debug)]
struct Held {
    gateway: Arc<str>,
    address: SocketAddr,
    sockets: Vec<TcpListener>,
}

impl Sockets {
    /// No sockets yet. Without an address they are bound to every one of the machine, IPv4 and IPv6.
    pub fn new(workers: usize, address: Option<IpAddr>, map: PortMap) -> Self {
        Self { workers, address, map, held: BTreeMap::new(), ours: BTreeSet::new() }
    }

    /// Binds what is wanted and not yet held, lets go of what is no longer wanted, and leaves the rest alone. A port that
    /// cannot be bound disturbs no other.
    pub fn reconcile<'a>(&mut self, wanted: impl IntoIterator<Item = (&'a Arc<str>, u16)>) -> Vec<BindFailure> {
        let mut failures = Vec::new();
        let mut owners: BTreeMap<u16, &Arc<str>> = BTreeMap::new();
        for (gateway, port) in wanted {
            if let Some(owner) = owners.get(&port) {
                let message = format!("Gateway {owner} listens on this port already");
                failures.push(BindFailure { gateway: gateway.clone(), port, message });
            } else {
                owners.insert(port, gateway);
            }
        }
        for (_, gone) in self.held.extract_if(.., |port, _| !owners.contains_key(port)) {
            gone.refuse_newcomers();
        }
        for (port, gateway) in owners {
            if let Some(held) = self.held.get_mut(&port) {
                held.gateway = gateway.clone();
                continue;
            }
            match self.bind(port) {
                Ok((address, sockets)) => {
                    self.ours.insert(address.port());
                    self.held.insert(port, Held { gateway: gateway.clone(), address, sockets });
                }
                Err(message) => failures.push(BindFailure { gateway: gateway.clone(), port, message }),
            }
        }
        failures
    }

    fn bind(&self, port: u16) -> Result<(SocketAddr, Vec<TcpListener>), String> {
        let local = self.map.bound(port);
        if let Some((other, held)) = self.held.iter().find(|(_, held)| local != 0 && held.address.port() == local) {
            return Err(format!("port {local} already serves port {other} of Gateway {}", held.gateway));
        }
        let probe = local != 0 && !self.ours.contains(&local);
        let bound = match self.address {
            Some(address) => bind_all(SocketAddr::new(address, local), self.workers, probe),
            None => match bind_all((Ipv6Addr::UNSPECIFIED, local).into(), self.workers, probe) {
                Err(error) if without_ipv6(&error) => {
                    bind_all((Ipv4Addr::UNSPECIFIED, local).into(), self.workers, probe)
                }
                bound => bound,
            },
        };
        bound.map_err(|error| explain(&error, port, local))
    }

    /// Clones of the sockets of one worker.
    pub fn of_worker(&self, worker: usize) -> Vec<BoundSocket> {
        let clone = |(port, held): (&u16, &Held)| match held.sockets[worker].try_clone() {
            Ok(listener) => Some(BoundSocket { gateway: held.gateway.clone(), port: *port, listener }),
            Err(error) => {
                tracing::error!(worker, port, %error, "a listening socket could not be handed to its worker");
                None
            }
        };
        self.held.iter().filter_map(clone).collect()
    }

    /// What is bound, in order of the named ports.
    pub fn listening(&self) -> Vec<Listening> {
        let listening = |(port, held): (&u16, &Held)| Listening {
            gateway: held.gateway.clone(),
            port: *port,
            address: held.address,
        };
        self.held.iter().map(listening).collect()
    }

    /// Lets go of everything; what the workers hold is theirs to close.
    pub fn close(&mut self) {
        for held in std::mem::take(&mut self.held).into_values() {
            held.refuse_newcomers();
        }
    }
}

impl Held {
    /// Lets nobody begin a connection any more. Closing a socket resets what waits to be accepted, and between the last
    /// accept and the close something may come; so the kernel is told to drop what asks for a new connection, and whoever
    /// sent it finds the port closed when he asks again.
    ///
    /// The filter is the socket's, whoever else holds it: this is for sockets that are never to accept again.
    fn refuse_newcomers(&self) {
        const LOAD_BYTE: u16 = 0x30;
        const JUMP_IF_SET: u16 = 0x45;
        const RETURN: u16 = 0x06;
        const TCP_FLAGS: u32 = 13;
        const SYN: u32 = 0x02;
        let filter = [
            SockFilter::new(LOAD_BYTE, 0, 0, TCP_FLAGS),
            SockFilter::new(JUMP_IF_SET, 0, 1, SYN),
            SockFilter::new(RETURN, 0, 0, 0),
            SockFilter::new(RETURN, 0, 0, u32::MAX),
        ];
        for socket in &self.sockets {
            if let Err(error) = SockRef::from(socket).attach_filter(&filter) {
                tracing::debug!(address = %self.address, %error, "connections may be lost while the port closes");
            }
        }
    }
}

/// One socket a worker. With SO_REUSEPORT two processes of a user would share a port without noticing, so a port that
/// was never ours is first bound without it.
fn bind_all(address: SocketAddr, workers: usize, probe: bool) -> io::Result<(SocketAddr, Vec<TcpListener>)> {
    if probe {
        drop(listen(address, false)?);
    }
    let first = listen(address, true)?;
    let address = first.local_addr()?;
    let rest = (1..workers).map(|_| listen(address, true));
    let sockets = std::iter::once(Ok(first)).chain(rest).collect::<io::Result<Vec<_>>>()?;
    Ok((address, sockets))
}

fn listen(address: SocketAddr, share: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    if share {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn without_ipv6(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error() == Some(EAFNOSUPPORT)
}

fn explain(error: &io::Error, port: u16, local: u16) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!(
                "port {local} needs a privilege; use another local port, for example --map-port {port}:{}",
                high(port)
            )
        }
        io::ErrorKind::AddrInUse => {
            format!("port {local} is in use by another process; use another local port: --map-port {port}:0")
        }
        _ => format!("port {local} cannot be bound: {error}"),
    }
}

/// A port that needs no privilege: 80 becomes 8080, 443 becomes 8443.
fn high(port: u16) -> u16 {
    if port < 1000 { 8000 + port } else { port }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::ports::PortMapping;

    const LOCAL: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));

    fn free(ports: &[u16]) -> PortMap {
        ports.iter().map(|named| PortMapping { named: *named, bound: 0 }).collect()
    }

    #[test]
    fn every_worker_gets_a_socket_on_the_same_port_and_unchanged_ports_keep_theirs() {
        let gateway: Arc<str> = "default/web".into();
        let mut sockets = Sockets::new(3, LOCAL, free(&[80, 443]));
        assert_eq!(sockets.reconcile([(&gateway, 80)]), []);
        let before = sockets.listening();
        assert_eq!(sockets.reconcile([(&gateway, 80), (&gateway, 443)]), []);
        assert_eq!(sockets.listening()[0], before[0]);
        for worker in 0..3 {
            let ports: Vec<_> =
                sockets.of_worker(worker).iter().map(|socket| socket.listener.local_addr().unwrap().port()).collect();
            assert_eq!(ports, sockets.listening().iter().map(|held| held.address.port()).collect::<Vec<_>>());
        }
        assert_eq!(sockets.reconcile([(&gateway, 443)]), []);
        assert_eq!(sockets.listening().len(), 1);
    }

    #[test]
    fn a_port_that_another_process_has_is_a_failure_of_its_own() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let bound = taken.local_addr().unwrap().port();
        let gateway: Arc<str> = "default/web".into();
        let map = [PortMapping { named: 80, bound }, PortMapping { named: 81, bound: 0 }].into_iter().collect();
        let mut sockets = Sockets::new(1, LOCAL, map);
        let failures = sockets.reconcile([(&gateway, 80), (&gateway, 81)]);
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].port, 80);
        assert!(failures[0].message.contains("in use"), "{}", failures[0].message);
        assert_eq!(sockets.listening().len(), 1);

        drop(taken);
        assert_eq!(sockets.reconcile([(&gateway, 80), (&gateway, 81)]), [], "it is tried again");
    }

    #[test]
    fn two_ports_that_lead_to_one_are_told_apart() {
        let (one, two): (Arc<str>, Arc<str>) = ("default/one".into(), "default/two".into());
        let mut sockets = Sockets::new(1, LOCAL, free(&[80]));
        assert_eq!(sockets.reconcile([(&one, 80)]), []);
        let local = sockets.listening()[0].address.port();
        let failures = sockets.reconcile([(&one, 80), (&two, local)]);
        assert_eq!(failures.len(), 1);
        assert!(failures[0].message.contains("already serves port 80 of Gateway default/one"), "{failures:?}");
        let failures = sockets.reconcile([(&one, 80), (&two, 80)]);
        assert!(failures[0].message.contains("Gateway default/one listens on this port already"), "{failures:?}");
    }

    #[test]
    fn a_port_goes_from_one_gateway_to_another_without_a_new_socket() {
        let (one, two): (Arc<str>, Arc<str>) = ("default/one".into(), "default/two".into());
        let mut sockets = Sockets::new(1, LOCAL, free(&[80]));
        sockets.reconcile([(&one, 80)]);
        let address = sockets.listening()[0].address;
        sockets.reconcile([(&two, 80)]);
        assert_eq!(sockets.listening(), [Listening { gateway: two, port: 80, address }]);
    }

    #[test]
    fn without_an_address_both_families_connect() {
        let gateway: Arc<str> = "default/web".into();
        let mut sockets = Sockets::new(1, None, free(&[80]));
        assert_eq!(sockets.reconcile([(&gateway, 80)]), []);
        let address = sockets.listening()[0].address;
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, address.port())).expect("by IPv4");
        if address.is_ipv6() {
            std::net::TcpStream::connect((Ipv6Addr::LOCALHOST, address.port())).expect("by IPv6");
        }
    }
}
