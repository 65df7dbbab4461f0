//! What a worker allocates for a request, once its connections are warm: the figure that ARCHITECTURE.md states. The worker
//! is the real one, from the translation of YAML to a real TLS server, with metrics and the access log.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use allocation_counter::measure;
use postern::translate::{Settings, translate};
use postern_actors::listener::{Apply, BoundSocket, ListenerActor, WorkerSettings};
use postern_actors::telemetry::{LogFormat, Telemetry};
use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target};

#[path = "translate/objects.rs"]
mod snapshot;

/// Requests that warm the connections, and that are counted after them.
const WARM: usize = 200;
const COUNTED: usize = 1000;

/// Allocations a request. Both are rustls's: the record that goes out, and the plaintext of the one that comes in.
const ALLOCATIONS: u64 = 2;

#[test]
fn a_warm_request_allocates_what_is_stated() {
    let system = actix_rt::System::new();
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let yaml = format!("{GATEWAY}{}", Target::new("app", backend.address).policy(&ours.pem(), "", "").yaml());
    let (_worker, address) = system.block_on(async { serve(&yaml) });

    let client = TcpStream::connect(address).expect("the worker listens");
    client.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    let ask = move |count: usize| {
        let mut client = client.try_clone().expect("a second handle");
        let (done, asked) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            (0..count).for_each(|_| request(&mut client));
            done.send(()).expect("the test waits");
        });
        measure(|| system.block_on(async { asked.await.expect("every request was answered") }))
    };
    ask(WARM);
    let counted = ask(COUNTED);
    let each = counted.count_total as f64 / COUNTED as f64;
    assert!(each.round() as u64 == ALLOCATIONS, "{each} allocations a request: {counted:?}");
}

/// Starts a worker on this thread, which lives as long as its address, and returns where it listens.
fn serve(yaml: &str) -> (Addr<ListenerActor>, SocketAddr) {
    let roots = Err("no roots are needed".into());
    let settings = Settings::of_files("postern.dev/gateway-controller", ["postern"], roots);
    let translation = translate(&snapshot::read(yaml), &settings, jiff::Timestamp::now());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket without blocking");
    let address = listener.local_addr().expect("an address");
    let access_log = Some((LogFormat::Text, Box::new(std::io::sink()) as Box<dyn Write + Send>));
    let telemetry = Telemetry::new(postern_actors::telemetry::Settings { version: "0", revision: "0", access_log });
    telemetry.plan_applied(&translation.plan);
    let actor = ListenerActor::new(Arc::new(WorkerSettings::default()), Rc::new(telemetry.worker())).start();
    let port = &translation.plan.ports[0];
    let sockets = vec![BoundSocket { gateway: port.gateway.clone(), port: port.port, listener }];
    actor.do_send(Apply { plan: Arc::new(translation.plan), endpoints: Arc::new(translation.endpoints), sockets });
    (actor, address)
}

/// One request with its whole response, on the stack.
fn request(client: &mut TcpStream) {
    client
        .write_all(b"GET /some/path?and=query HTTP/1.1\r\nHost: app.test\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n")
        .expect("the connection stays");
    let mut response = [0; 4096];
    let mut length = 0;
    loop {
        let read = client.read(&mut response[length..]).expect("a response");
        assert!(read > 0, "the worker closed");
        length += read;
        let seen = &response[..length];
        let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&seen[..end]).expect("text");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let body = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        if length == end + 4 + body.parse::<usize>().expect("a number") {
            return;
        }
    }
}
