use std::collections::BTreeMap;
use std::io::Read as _;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::plan::{HostTable, Port, Protocol};
use crate::supervisor::ports::PortMapping;
use crate::telemetry::{Readiness, Settings, Telemetry};

mod panics;

/// A worker that answers each connection with the number of its start and the number of the plan's authorities.
struct FakeWorker {
    start: usize,
    serving: BTreeMap<u16, tokio::task::JoinHandle<()>>,
    endpoints: Arc<AtomicUsize>,
}

impl Actor for FakeWorker {
    type Context = Context<Self>;
}

impl Drop for FakeWorker {
    fn drop(&mut self) {
        self.serving.values().for_each(tokio::task::JoinHandle::abort);
    }
}

impl Handler<Apply> for FakeWorker {
    type Result = ();

    fn handle(&mut self, apply: Apply, _: &mut Self::Context) {
        self.serving.values().for_each(tokio::task::JoinHandle::abort);
        self.serving.clear();
        for socket in apply.sockets {
            let listener = tokio::net::TcpListener::from_std(socket.listener).expect("a listening socket");
            let answer = format!("start {} authorities {}", self.start, apply.plan.authorities.len());
            let serve = async move {
                while let Ok((stream, _)) = listener.accept().await {
                    stream.writable().await.ok();
                    stream.try_write(answer.as_bytes()).ok();
                }
            };
            self.serving.insert(socket.port, actix::spawn(serve));
        }
    }
}

impl Handler<EndpointsChanged> for FakeWorker {
    type Result = ();

    fn handle(&mut self, _: EndpointsChanged, _: &mut Self::Context) {
        self.endpoints.fetch_add(1, Ordering::SeqCst);
    }
}

impl Handler<AnnounceDrain> for FakeWorker {
    type Result = ();

    fn handle(&mut self, _: AnnounceDrain, _: &mut Self::Context) {}
}

impl Handler<Drain> for FakeWorker {
    type Result = ();

    fn handle(&mut self, _: Drain, _: &mut Self::Context) {
        self.serving.values().for_each(tokio::task::JoinHandle::abort);
    }
}

#[derive(Message)]
#[rtype(result = "()")]
enum Kill {
    Actor,
    Thread,
    /// Not that: it hangs until the other end is dropped.
    Hang(std::sync::mpsc::Receiver<()>),
}

impl Handler<Kill> for FakeWorker {
    type Result = ();

    fn handle(&mut self, kill: Kill, _: &mut Self::Context) {
        match kill {
            Kill::Actor => panic!("as the test asks"),
            Kill::Thread => {
                Arbiter::current().stop();
            }
            Kill::Hang(until) => {
                until.recv().ok();
            }
        }
    }
}

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<ListeningChanged>>>);

impl Actor for Told {
    type Context = Context<Self>;
}

impl Handler<ListeningChanged> for Told {
    type Result = ();

    fn handle(&mut self, changed: ListeningChanged, _: &mut Self::Context) {
        self.0.lock().unwrap().push(changed);
    }
}

struct Bench {
    workers: Addr<Workers<FakeWorker>>,
    told: Told,
    status: Arc<Status>,
    endpoints: Arc<AtomicUsize>,
}

impl Bench {
    fn start(count: usize, map: &[(u16, u16)]) -> Self {
        let map = map.iter().map(|(named, bound)| PortMapping { named: *named, bound: *bound }).collect();
        let sockets = Sockets::new(count, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), map);
        let told = Told::default();
        let telemetry = Telemetry::new(Settings { version: "0", revision: "0", access_log: None });
        let status = Arc::new(Status::new(telemetry, Readiness::new([NO_CONFIGURATION]), None));
        let starts = AtomicUsize::new(0);
        let endpoints = Arc::new(AtomicUsize::new(0));
        let count_endpoints = endpoints.clone();
        let make: MakeWorker<FakeWorker> = Arc::new(move |_| FakeWorker {
            start: starts.fetch_add(1, Ordering::SeqCst),
            serving: BTreeMap::new(),
            endpoints: count_endpoints.clone(),
        });
        let workers = Workers::new(count, sockets, make, status.clone(), told.clone().start().recipient()).start();
        Self { workers, told, status, endpoints }
    }

    async fn publish(&self, ports: &[u16], authorities: usize) -> ListeningChanged {
        let before = self.told.0.lock().unwrap().len();
        self.send(ports, authorities).await;
        until("a report of what is bound", || self.told.0.lock().unwrap().get(before).cloned()).await
    }

    async fn send(&self, ports: &[u16], authorities: usize) {
        let port = |port: &u16| {
            let (gateway, port) = (Arc::from("default/web"), *port);
            Arc::new(Port { gateway, port, protocol: Protocol::Http, listeners: HostTable::default() })
        };
        let authority = crate::plan::AuthorityExpiry { policy: "p".into(), reference: "r".into(), not_after: 0 };
        let plan = Plan {
            ports: ports.iter().map(port).collect(),
            authorities: vec![authority; authorities],
            ..Plan::default()
        };
        self.workers
            .send(Publish { plan: Arc::new(plan), endpoints: Arc::default(), since: Instant::now() })
            .await
            .expect("they live");
    }

    /// Waits until a report says that every worker serves this.
    async fn all_serve(&self, authorities: usize) {
        let is_it =
            |told: &ListeningChanged| told.plan.as_ref().is_some_and(|plan| plan.authorities.len() == authorities);
        until("a report that all serve it", || self.told.0.lock().unwrap().last().filter(|told| is_it(told)).cloned())
            .await;
    }

    async fn in_sync(&self, want: bool) {
        let told = || self.status.telemetry.is_in_sync("default/web");
        until(if want { "that it is in sync" } else { "that it is not" }, || (told() == Some(want)).then_some(()))
            .await;
    }

    async fn kill(&self, worker: usize, how: Kill) {
        let address = self.workers.send(AddressOf { worker, kind: PhantomData }).await.expect("they live");
        address.and_then(|address| address.upgrade()).expect("the worker lives").do_send(how);
    }
}

/// Polls until there is a value, for at most ten seconds.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What a worker answers, if one does.
async fn ask(address: SocketAddr) -> Option<String> {
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        (!answer.is_empty()).then_some(answer)
    })
    .await
    .expect("the question is asked")
}

async fn answered(address: SocketAddr, want: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut last = None;
    while Instant::now() < deadline {
        last = ask(address).await;
        if last.as_deref() == Some(want) {
            return;
        }
    }
    panic!("wanted {want:?}, the last answer was {last:?}");
}

#[actix::test]
async fn what_is_published_is_served_and_what_is_not_is_closed() {
    let bench = Bench::start(1, &[(80, 0), (81, 0)]);
    assert_eq!(bench.status.readiness.waits_for(), [NO_CONFIGURATION]);
    let bound = bench.publish(&[80, 81], 0).await;
    assert_eq!(bound.failures, []);
    assert!(bench.status.readiness.waits_for().is_empty());
    assert_eq!(bench.status.plan().ports.len(), 2);
    for listening in &bound.listening {
        answered(listening.address, "start 0 authorities 0").await;
    }
    let after = bench.publish(&[80], 1).await;
    assert_eq!(after.listening, bound.listening[..1], "the port that stays is bound where it was");
    answered(after.listening[0].address, "start 0 authorities 1").await;
    let gone = bound.listening[1].address;
    until("the end of the other port", || TcpStream::connect(gone).is_err().then_some(())).await;
}

#[actix::test]
async fn an_actor_that_dies_serves_the_last_plan_again_on_its_socket() {
    let bench = Bench::start(1, &[(80, 0)]);
    bench.publish(&[80], 0).await;
    let bound = bench.publish(&[80], 2).await;
    let address = bound.listening[0].address;
    answered(address, "start 0 authorities 2").await;
    bench.kill(0, Kill::Actor).await;
    answered(address, "start 1 authorities 2").await;
    bench.kill(0, Kill::Actor).await;
    answered(address, "start 2 authorities 2").await;
}

#[actix::test]
async fn a_thread_that_ends_is_replaced() {
    let bench = Bench::start(1, &[(80, 0)]);
    let bound = bench.publish(&[80], 1).await;
    let address = bound.listening[0].address;
    answered(address, "start 0 authorities 1").await;
    bench.kill(0, Kill::Thread).await;
    answered(address, "start 1 authorities 1").await;
}

#[actix::test]
async fn a_worker_that_hangs_is_out_of_sync_until_it_goes_on() {
    let bench = Bench::start(2, &[(80, 0)]);
    bench.publish(&[80], 0).await;
    bench.in_sync(true).await;
    let (hangs, until) = std::sync::mpsc::channel();
    bench.kill(1, Kill::Hang(until)).await;
    // However often there is something new.
    let deadline = Instant::now() + Duration::from_secs(10);
    while bench.status.telemetry.is_in_sync("default/web") != Some(false) {
        assert!(Instant::now() < deadline, "it is told as in sync");
        bench.send(&[80], 1).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bench.send(&[80], 2).await;
    drop(hangs);
    bench.all_serve(2).await;
    bench.in_sync(true).await;
    let propagated = "postern_config_propagation_seconds_count{kind=\"configuration\"} 2";
    assert!(bench.status.telemetry.render().contains(propagated), "the second plan took the place of one that hung");
}

#[actix::test]
async fn a_worker_that_was_away_is_in_sync_when_it_serves_again() {
    let bench = Bench::start(2, &[(80, 0)]);
    bench.publish(&[80], 0).await;
    for authorities in 1..4 {
        bench.kill(1, Kill::Actor).await;
        bench.send(&[80], authorities).await;
        bench.all_serve(authorities).await;
        bench.in_sync(true).await;
    }
    let reports = bench.told.0.lock().unwrap().len();
    bench.kill(0, Kill::Actor).await;
    until("a report after a death", || (bench.told.0.lock().unwrap().len() > reports).then_some(())).await;
    bench.all_serve(3).await;
    bench.in_sync(true).await;
}

#[actix::test]
async fn a_port_in_use_is_reported_alone_and_bound_when_it_is_free() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let bench = Bench::start(2, &[(80, address.port()), (81, 0)]);
    let bound = bench.publish(&[80, 81], 0).await;
    assert_eq!((bound.failures.len(), bound.listening.len()), (1, 1));
    assert_eq!((bound.failures[0].port, bound.listening[0].port), (80, 81));
    assert!(ask(bound.listening[0].address).await.is_some(), "the other port serves");
    drop(taken);
    let told = bench.told.clone();
    until("the port", || told.0.lock().unwrap().last().filter(|told| told.failures.is_empty()).cloned()).await;
    assert!(ask(address).await.is_some(), "the port serves without a change of the plan");
}

#[actix::test]
async fn while_no_port_can_be_bound_it_is_not_ready() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bench = Bench::start(1, &[(80, taken.local_addr().unwrap().port())]);
    bench.publish(&[80], 0).await;
    assert_eq!(bench.status.readiness.waits_for(), [NO_LISTENER]);
    drop(taken);
    until("readiness", || bench.status.readiness.waits_for().is_empty().then_some(())).await;
}

#[actix::test]
async fn changes_of_addresses_reach_every_worker_and_a_drain_closes_the_sockets() {
    let bench = Bench::start(3, &[(80, 0)]);
    let bound = bench.publish(&[80], 0).await;
    let service = crate::plan::ServicePort { namespace: "default".into(), name: "web".into(), port: 80 };
    bench.workers.do_send(EndpointsChanged { service, endpoints: Arc::from([]) });
    until("the change", || (bench.endpoints.load(Ordering::SeqCst) == 3).then_some(())).await;
    bench.workers.send(Drain { timeout: Duration::from_secs(5) }).await.expect("they live");
    let address = bound.listening[0].address;
    until("closed sockets", || TcpStream::connect(address).is_err().then_some(())).await;
}

impl Handler<Kill> for crate::listener::ListenerActor {
    type Result = ();

    fn handle(&mut self, _: Kill, _: &mut Self::Context) {
        panic!("as the test asks");
    }
}

/// A plan whose every request is redirected to a path.
fn redirecting(path: &str) -> Plan {
    use crate::plan::filter::{Filters, PathRewrite, Redirect};
    use crate::plan::matching::{Match, PathMatch, RuleTableBuilder};
    use crate::plan::rule::Timeouts;
    use crate::plan::{Action, Listener, Rule};

    let redirect = Redirect {
        scheme: None,
        hostname: None,
        port: None,
        path: Some(PathRewrite::Full(path.into())),
        status: http::StatusCode::FOUND,
    };
    let rule = Rule {
        route: "default/r".into(),
        index: 0,
        name: None,
        filters: Filters::default(),
        action: Action::Redirect(redirect),
        timeouts: Timeouts::default(),
    };
    let mut rules = RuleTableBuilder::default();
    let all = Match { path: PathMatch::Prefix("/".into()), method: None, headers: vec![], query: vec![] };
    rules.push(all, Arc::new(rule));
    let mut routes = HostTable::default();
    routes.insert(None, rules.build());
    let mut listeners = HostTable::default();
    listeners.insert(None, Arc::new(Listener { name: "l".into(), hostname: None, certificates: vec![], routes }));
    let port = Port { gateway: "default/web".into(), port: 80, protocol: Protocol::Http, listeners };
    Plan { ports: vec![Arc::new(port)], ..Plan::default() }
}

/// What the gateway answers to a request, until it holds what is wanted.
async fn redirected(address: SocketAddr, want: &'static str) {
    let request = move || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = tokio::task::spawn_blocking(request).await.expect("the question is asked");
        if answer.as_ref().is_ok_and(|answer| answer.contains(want)) {
            return;
        }
        assert!(Instant::now() < deadline, "wanted {want}, the last answer was {answer:?}");
    }
}

#[actix::test]
async fn a_listener_actor_that_dies_serves_again_and_takes_the_next_plan() {
    use crate::listener::{ListenerActor, WorkerSettings};

    let telemetry = Telemetry::new(Settings { version: "0", revision: "0", access_log: None });
    let status = Arc::new(Status::new(telemetry.clone(), Readiness::new([NO_CONFIGURATION]), None));
    let map = [PortMapping { named: 80, bound: 0 }].into_iter().collect();
    let sockets = Sockets::new(1, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), map);
    let settings = Arc::new(WorkerSettings::default());
    let make: MakeWorker<ListenerActor> =
        Arc::new(move |_| ListenerActor::new(settings.clone(), std::rc::Rc::new(telemetry.worker())));
    let told = Told::default();
    let workers = Workers::new(1, sockets, make, status, told.clone().start().recipient()).start();
    let publish = |path| {
        let plan = Arc::new(redirecting(path));
        workers.do_send(Publish { plan, endpoints: Arc::default(), since: Instant::now() });
    };
    publish("/one");
    let bound = until("a bound port", || told.0.lock().unwrap().first().cloned()).await;
    let address = bound.listening[0].address;
    redirected(address, "/one").await;

    let listener = workers.send(AddressOf { worker: 0, kind: PhantomData }).await.expect("they live");
    let listener = listener.and_then(|listener| listener.upgrade()).expect("it lives");
    listener.do_send(Kill::Actor);
    until("its end", || (!listener.connected()).then_some(())).await;
    redirected(address, "/one").await;
    publish("/two");
    redirected(address, "/two").await;
}
