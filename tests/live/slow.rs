//! Peers that take their time: they hold up nobody else on the same thread, and cost no more memory than others.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use postern_outcomes::backend::{Backend, Request, Tls, answer};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target};
use socket2::{Domain, SockRef, Socket, Type};

use super::client::Session;
use super::gateway::Gateway;

/// Much more than the kernel keeps in all the sockets on the way.
const LARGE: usize = 40 * 1024 * 1024;
/// What the gateway may grow by meanwhile.
const GROWTH: u64 = 16 * 1024 * 1024;

/// A gateway with one worker, a slow backend at `slow.test` and one that answers at once at `fast.test`.
struct World {
    gateway: Gateway,
    slow: Backend,
    _fast: Backend,
}

impl World {
    fn new(
        slow: impl Fn(BufReader<rustls::StreamOwned<rustls::ServerConnection, TcpStream>>) + Send + Sync + 'static,
    ) -> Self {
        let ours = Authority::new("ours");
        let tls = Tls::new(ours.issue("backend.test"));
        let (slow, fast) = (Backend::tls_with(&tls, move |stream| slow(BufReader::new(stream))), Backend::tls(&tls));
        let targets = [("slow", &slow), ("fast", &fast)]
            .map(|(name, backend)| Target::new(name, backend.address).policy(&ours.pem(), "", "").yaml().to_owned());
        let gateway = Gateway::start_with(&format!("{GATEWAY}{}", targets.concat()), &["--workers", "1"]);
        Self { gateway, slow, _fast: fast }
    }

    fn address(&self) -> SocketAddr {
        self.gateway.address(80)
    }

    /// A client that is served at once, however often.
    fn fast(&self) -> impl FnMut() + use<> {
        let mut session = Session::open(self.address());
        move || assert_eq!(session.get("fast.test", "/").unwrap().status, 200)
    }
}

#[test]
fn a_backend_that_answers_in_drips_holds_nobody_up() {
    const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Slow: yes\r\n\r\n\
        1\r\na\r\n10\r\n0123456789abcdef\r\n2;extension=\"x\"\r\nyz\r\n0\r\nTrailer: field\r\n\r\n";
    let (drop, drops) = mpsc::channel::<u8>();
    let drops = Mutex::new(drops);
    let world = World::new(move |mut stream| {
        Request::read(&mut stream).unwrap();
        for byte in drops.lock().unwrap().iter() {
            stream.get_mut().write_all(&[byte]).and_then(|()| stream.get_mut().flush()).unwrap();
        }
    });
    let (address, mut fast) = (world.address(), world.fast());
    let slow = std::thread::spawn(move || Session::open(address).get("slow.test", "/"));
    for byte in RESPONSE {
        drop.send(*byte).unwrap();
        fast();
        fast();
    }
    let response = slow.join().unwrap().expect("a whole response");
    assert_eq!((response.status, response.body.as_str()), (200, "a0123456789abcdefyz"), "{response:?}");
    assert_eq!(response.field("x-slow"), Some("yes"));
}

#[test]
fn a_client_that_asks_in_drips_holds_nobody_up() {
    let world = World::new(|mut stream| {
        let request = Request::read(&mut stream).unwrap();
        answer(stream.get_mut(), "", &request.body).unwrap();
    });
    let mut fast = world.fast();
    let body = "0123456789".repeat(4);
    let request = format!("PUT /drips HTTP/1.1\r\nHost: slow.test\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut slow = Session::open(world.address());
    for byte in request.as_bytes() {
        slow.write(&[*byte]).unwrap();
        fast();
        fast();
    }
    assert_eq!(slow.response().unwrap().body, body);
}

/// Serves others until a counter stands still; returns where, and that it is short of everything.
fn stalled(counter: &AtomicUsize, mut fast: impl FnMut()) -> usize {
    let mut last = 0;
    loop {
        (0..50).for_each(|_| fast());
        let now = counter.load(Ordering::SeqCst);
        if now > 0 && now == last {
            assert!(now < LARGE, "nobody held it back");
            return now;
        }
        last = now;
    }
}

#[test]
fn a_client_that_hardly_reads_holds_back_its_own_response_alone() {
    let sent = Arc::new(AtomicUsize::new(0));
    let world = World::new({
        let sent = sent.clone();
        move |mut stream| {
            Request::read(&mut stream).unwrap();
            write!(stream.get_mut(), "HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n").unwrap();
            let piece = vec![b'x'; 64 * 1024];
            while sent.load(Ordering::SeqCst) < LARGE && stream.get_mut().write_all(&piece).is_ok() {
                sent.fetch_add(piece.len(), Ordering::SeqCst);
            }
            let _ = stream.get_mut().flush();
        }
    });
    let mut fast = world.fast();
    (0..50).for_each(|_| fast());
    let before = world.gateway.memory("VmRSS");
    let mut slow = Session::over(with_tiny_buffer(world.address()));
    slow.write(b"GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n").unwrap();
    assert_eq!(slow.head().unwrap().status, 200);
    let mut read = 0;
    let first = stalled(&sent, || {
        fast();
        // A drip now and then is no reason to hurry.
        slow.stream.read_exact(&mut [0]).unwrap();
        read += 1;
    });
    let grown = world.gateway.memory("VmRSS").saturating_sub(before);
    assert!(grown < GROWTH, "the gateway grew by {grown} bytes");

    // When the client hurries, all of it comes.
    SockRef::from(slow.stream.get_ref()).set_recv_buffer_size(4 * 1024 * 1024).unwrap();
    let mut piece = vec![0; 256 * 1024];
    while read < LARGE {
        let count = slow.stream.read(&mut piece).unwrap();
        assert!(count > 0, "cut after {read}");
        assert!(piece[..count].iter().all(|byte| *byte == b'x'));
        read += count;
    }
    assert!(first < sent.load(Ordering::SeqCst));
    let grown = world.gateway.memory("VmHWM").saturating_sub(before);
    assert!(grown < GROWTH, "the gateway grew by {grown} bytes");
    assert_eq!(world.slow.accepted(), 1);
}

#[test]
fn a_backend_that_hardly_reads_holds_back_its_own_client_alone() {
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let world = World::new(move |mut stream| {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            std::io::BufRead::read_line(&mut stream, &mut line).unwrap();
        }
        let _ = may_go_on.lock().unwrap().recv();
        let (mut piece, mut left) = (vec![0; 256 * 1024], LARGE);
        while left > 0 {
            let count = stream.read(&mut piece).unwrap();
            assert!(count > 0 && piece[..count].iter().all(|byte| *byte == b'x'));
            left -= count;
        }
        answer(stream.get_mut(), "", b"all of it").unwrap();
    });
    let (address, mut fast) = (world.address(), world.fast());
    (0..50).for_each(|_| fast());
    let before = world.gateway.memory("VmRSS");
    let sent = Arc::new(AtomicUsize::new(0));
    let client = std::thread::spawn({
        let sent = sent.clone();
        move || {
            let mut session = Session::open(address);
            let head = format!("POST / HTTP/1.1\r\nHost: slow.test\r\nContent-Length: {LARGE}\r\n\r\n");
            session.write(head.as_bytes()).unwrap();
            let piece = vec![b'x'; 64 * 1024];
            while sent.load(Ordering::SeqCst) < LARGE {
                session.write(&piece).unwrap();
                sent.fetch_add(piece.len(), Ordering::SeqCst);
            }
            session.response()
        }
    });
    stalled(&sent, &mut fast);
    let grown = world.gateway.memory("VmRSS").saturating_sub(before);
    assert!(grown < GROWTH, "the gateway grew by {grown} bytes");
    go_on.send(()).unwrap();
    let response = client.join().unwrap().expect("a whole response");
    assert_eq!((response.status, response.body.as_str()), (200, "all of it"));
    let grown = world.gateway.memory("VmHWM").saturating_sub(before);
    assert!(grown < GROWTH, "the gateway grew by {grown} bytes");
}

/// A connection whose client takes hardly anything at a time.
fn with_tiny_buffer(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(1).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket.into()
}
