//! A panic while a request is served: what it costs, and what it leaves as it was.

use std::io::Write as _;
use std::rc::Rc;
use std::sync::atomic::AtomicI64;

use super::*;
use crate::listener::{ListenerActor, WorkerSettings};
use crate::outcome::Reason;
use crate::plan::BackendId;
use crate::telemetry::{Acquisition, CloseReason, HandshakeRecord, Observer, PoolState, RequestRecord};

/// Counts, and panics when it is told of a request for `/panic`.
#[derive(Default)]
struct Faulty {
    requests: AtomicI64,
    in_flight: AtomicI64,
    connections: AtomicI64,
    panics: AtomicI64,
}

impl Faulty {
    fn seen(&self) -> [i64; 4] {
        [&self.requests, &self.in_flight, &self.connections, &self.panics].map(|count| count.load(Ordering::SeqCst))
    }
}

struct Told(Arc<Faulty>);

fn step(count: &AtomicI64, begins: bool) {
    count.fetch_add(if begins { 1 } else { -1 }, Ordering::SeqCst);
}

impl Observer for Told {
    fn request(&self, record: &RequestRecord<'_>) {
        assert_ne!(record.target, "/panic", "as the test asks");
        step(&self.0.requests, true);
    }

    fn request_in_flight(&self, _: &str, begins: bool) {
        step(&self.0.in_flight, begins);
    }

    fn downstream_connection(&self, _: &str, _: u16, begins: bool) {
        step(&self.0.connections, begins);
    }

    fn panicked(&self, gateway: &str) {
        assert_eq!(gateway, "default/web");
        step(&self.0.panics, true);
    }

    fn handshake(&self, _: &HandshakeRecord<'_>) {}
    fn plaintext_connect(&self, _: &BackendId, _: Reason, _: Duration) {}
    fn pool(&self, _: &BackendId, _: Option<PoolState>, _: Option<PoolState>) {}
    fn acquired(&self, _: &BackendId, _: Acquisition) {}
    fn closed(&self, _: &BackendId, _: CloseReason) {}
    fn upstream_bytes(&self, _: &BackendId, _: u64, _: u64) {}
}

/// Writes a request on a connection that stays, and reads until the connection ends or there is a whole head.
fn ask(stream: &mut TcpStream, target: &str) -> String {
    write!(stream, "GET {target} HTTP/1.1\r\nhost: a\r\n\r\n").expect("a connection");
    let (mut answer, mut piece) = (String::new(), [0; 1024]);
    while !answer.ends_with("\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(read @ 1..) => answer.push_str(std::str::from_utf8(&piece[..read]).expect("text")),
            _ => break,
        }
    }
    answer
}

#[actix::test]
async fn a_panic_ends_one_connection_and_gives_back_all_that_it_held() {
    let faulty = Arc::new(Faulty::default());
    let telemetry = Telemetry::new(Settings { version: "0", revision: "0", access_log: None });
    let status = Arc::new(Status::new(telemetry, Readiness::new([NO_CONFIGURATION]), None));
    let map = [PortMapping { named: 80, bound: 0 }].into_iter().collect();
    let sockets = Sockets::new(1, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), map);
    let settings = Arc::new(WorkerSettings::default());
    let observed = faulty.clone();
    let make: MakeWorker<ListenerActor> =
        Arc::new(move |_| ListenerActor::new(settings.clone(), Rc::new(Told(observed.clone()))));
    let told = super::Told::default();
    let workers = Workers::new(1, sockets, make, status, told.clone().start().recipient()).start();
    let plan = Arc::new(redirecting("/elsewhere"));
    workers.do_send(Publish { plan, endpoints: Arc::default(), since: Instant::now() });
    let bound = until("a bound port", || told.0.lock().unwrap().first().cloned()).await;
    let address = bound.listening[0].address;

    let other = tokio::task::spawn_blocking(move || {
        let connect = || {
            let stream = TcpStream::connect(address).expect("a listening port");
            stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
            stream
        };
        let mut other = connect();
        assert!(ask(&mut other, "/").contains("/elsewhere"));
        for _ in 0..3 {
            let mut unlucky = connect();
            ask(&mut unlucky, "/panic");
            let end = unlucky.read(&mut [0; 16]);
            assert!(!matches!(end, Ok(1..)), "the connection goes on");
        }
        assert!(ask(&mut other, "/").contains("/elsewhere"), "another connection of the same thread was harmed");
        other
    });
    let other = other.await.expect("the questions are asked");
    until("what the panics held", || (faulty.seen() == [2, 0, 1, 3]).then_some(())).await;
    drop(other);
    until("the end of the other", || (faulty.seen() == [2, 0, 0, 3]).then_some(())).await;
}
