//! The actor of a worker thread: it takes plans and sockets, accepts, and drains.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::net::{TcpListener, TcpStream};

use super::admission::{Admission, is_shortage};
use super::connection;
use super::message::{AnnounceDrain, Apply, BoundSocket, Drain, EndpointsChanged};
use super::settings::WorkerSettings;
use super::worker::{PortState, Worker};
use crate::telemetry::{CloseReason, Observer};
use crate::upstream::Upstreams;

/// How long accepting pauses when it failed for a reason that stays, such as that no descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long what is cut at the end of a drain gets to say so.
const CUT_GRACE: Duration = Duration::from_millis(100);

/// Serves the downstream connections of one worker thread.
pub struct ListenerActor {
    worker: Rc<Worker>,
    admission: Rc<Admission>,
    ports: HashMap<(Arc<str>, u16), Rc<PortState>>,
}

impl ListenerActor {
    /// An actor without ports, to be started on the thread that calls.
    pub fn new(settings: Arc<WorkerSettings>, observer: Rc<dyn Observer>) -> Self {
        let upstreams = Upstreams::new(settings.upstream.clone(), observer.clone());
        let admission = Admission::new(settings.max_connections, settings.linger_timeout, observer.clone());
        Self { worker: Rc::new(Worker::new(settings, upstreams, observer)), admission, ports: HashMap::new() }
    }

    fn open(&mut self, socket: BoundSocket, port: Arc<crate::plan::Port>) {
        let listener = match TcpListener::from_std(socket.listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(gateway = %socket.gateway, port = socket.port, %error, "cannot accept");
                return;
            }
        };
        let state = Rc::new(PortState::new(port));
        if self.worker.ending.is_given() {
            state.ending.give();
        }
        self.ports.insert((socket.gateway, socket.port), state.clone());
        actix_rt::spawn(accept(listener, self.worker.clone(), state, self.admission.clone()));
    }
}

impl Actor for ListenerActor {
    type Context = Context<Self>;

    /// Whatever ends the actor, its sockets are given up: the one that takes its place gets duplicates of them.
    fn stopped(&mut self, _: &mut Self::Context) {
        for state in self.ports.values() {
            state.stop();
        }
    }
}

impl Drop for ListenerActor {
    fn drop(&mut self) {
        for state in self.ports.values() {
            state.stop();
        }
    }
}

impl Handler<Apply> for ListenerActor {
    type Result = ();

    fn handle(&mut self, Apply { plan, endpoints, sockets }: Apply, _: &mut Self::Context) {
        self.worker.upstreams.apply(&plan, &endpoints);
        let mut before = std::mem::take(&mut self.ports);
        for socket in sockets {
            let key = (socket.gateway.clone(), socket.port);
            let find = |port: &&Arc<crate::plan::Port>| port.gateway == key.0 && port.port == key.1;
            let Some(port) = plan.ports.iter().find(find) else { continue };
            match before.remove(&key) {
                // A port that changes between HTTP and HTTPS begins anew: its connections speak the other protocol.
                Some(state) if state.current().protocol == port.protocol => {
                    state.apply(port.clone());
                    self.ports.insert(key, state);
                }
                other => {
                    if let Some(state) = other {
                        state.stop();
                    }
                    self.open(socket, port.clone());
                }
            }
        }
        for state in before.values() {
            state.stop();
        }
    }
}

impl Handler<EndpointsChanged> for ListenerActor {
    type Result = ();

    fn handle(&mut self, change: EndpointsChanged, _: &mut Self::Context) {
        self.worker.upstreams.endpoints_changed(&change.service, &change.endpoints);
    }
}

impl Handler<AnnounceDrain> for ListenerActor {
    type Result = ();

    fn handle(&mut self, _: AnnounceDrain, _: &mut Self::Context) {
        self.worker.ending.give();
        for state in self.ports.values() {
            state.ending.give();
        }
    }
}

impl Handler<Drain> for ListenerActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Drain { timeout }: Drain, _: &mut Self::Context) -> Self::Result {
        for state in self.ports.values() {
            state.stop();
        }
        let worker = self.worker.clone();
        worker.ending.give();
        worker.stop.give();
        Box::pin(async move {
            let left = worker.drained(timeout).await;
            if left > 0 {
                tracing::warn!(connections = left, "connections are cut: the time to drain is over");
                worker.cut.give();
                worker.drained(CUT_GRACE).await;
            }
            worker.upstreams.close_idle(CloseReason::Drain);
        })
    }
}

/// Accepts until told to stop, then takes what waits in the queue: closing a socket resets what nobody has accepted.
async fn accept(listener: TcpListener, worker: Rc<Worker>, port: Rc<PortState>, admission: Rc<Admission>) {
    // What waits to be accepted counts as a connection: a drain does not end before it.
    let _counted = worker.connection();
    let take = |stream: TcpStream, peer: SocketAddr| {
        let Some(place) = admission.admit() else {
            return admission.refuse(stream, &port.current());
        };
        let served = connection::serve(stream, peer, worker.clone(), port.clone(), worker.connection());
        actix_rt::spawn(async move {
            served.await;
            drop(place);
        });
    };
    loop {
        tokio::select! {
            biased;
            () = port.stop.wait() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => take(stream, peer),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) if is_shortage(&error) => {
                    admission.shed(&listener, &port.current());
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept for now");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    let Ok(listener) = listener.into_std() else { return };
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                if stream.set_nonblocking(true).is_ok()
                    && let Ok(stream) = TcpStream::from_std(stream)
                {
                    take(stream, peer);
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(_) => return,
        }
    }
}

/// Whether accepting failed for one connection alone, and the next may be accepted at once.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
