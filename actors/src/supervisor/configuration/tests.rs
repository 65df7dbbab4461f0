use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;

use super::*;
use crate::plan::{AuthorityExpiry, Endpoint};
use crate::supervisor::life::keep;

/// A configuration of one number and one address.
struct Fake {
    number: i64,
    address: Option<SocketAddr>,
    done: mpsc::Sender<Done>,
}

#[derive(Debug, PartialEq, Eq)]
enum Done {
    Translated,
    Looked,
}

#[derive(Debug)]
enum Change {
    Number(i64),
    Address(&'static str),
    NoAddress,
    Comment,
    Fault,
}

fn port() -> ServicePort {
    ServicePort { namespace: "default".into(), name: "web".into(), port: 80 }
}

impl Configuration for Fake {
    type Change = Change;
    type Report = i64;

    fn change(&mut self, change: Change) -> Effect {
        match change {
            Change::Number(number) => self.number = number,
            Change::Address(address) => {
                self.address = Some(address.parse().expect("an address"));
                return Effect::Endpoints;
            }
            Change::NoAddress => {
                self.address = None;
                return Effect::Endpoints;
            }
            Change::Comment => return Effect::Nothing,
            Change::Fault => panic!("as the test asks"),
        }
        Effect::Everything
    }

    fn translate(&mut self) -> Result<(Plan, Endpoints, i64), Pending> {
        self.done.send(Done::Translated).ok();
        let plan = Plan {
            authorities: vec![AuthorityExpiry {
                policy: "default/p".into(),
                reference: "r".into(),
                not_after: self.number,
            }],
            ..Plan::default()
        };
        Ok((plan, self.endpoints(&mut [port()].iter()), self.number))
    }

    fn endpoints(&mut self, ports: &mut dyn Iterator<Item = &ServicePort>) -> Endpoints {
        self.done.send(Done::Looked).ok();
        ports
            .map(|port| (port.clone(), self.address.map(|address| Endpoint { address }).into_iter().collect()))
            .collect()
    }
}

/// Takes what the supervisor tells.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    plans: Vec<(i64, Instant)>,
    endpoints: Vec<Vec<SocketAddr>>,
    reports: Vec<(i64, bool)>,
}

impl Actor for Sink {
    type Context = Context<Self>;
}

fn number_of(plan: &Plan) -> i64 {
    plan.authorities[0].not_after
}

impl Handler<Publish> for Sink {
    type Result = ();
    fn handle(&mut self, publish: Publish, _: &mut Self::Context) {
        self.0.lock().unwrap().plans.push((number_of(&publish.plan), Instant::now()));
    }
}

impl Handler<EndpointsChanged> for Sink {
    type Result = ();
    fn handle(&mut self, changed: EndpointsChanged, _: &mut Self::Context) {
        self.0.lock().unwrap().endpoints.push(changed.endpoints.iter().map(|endpoint| endpoint.address).collect());
    }
}

impl Handler<Translated<i64>> for Sink {
    type Result = ();
    fn handle(&mut self, translated: Translated<i64>, _: &mut Self::Context) {
        assert_eq!(number_of(&translated.plan), translated.report);
        self.0.lock().unwrap().reports.push((translated.report, translated.published));
    }
}

struct Bench {
    supervisor: Rc<RefCell<Option<actix::Addr<ConfigSupervisor<Fake>>>>>,
    sink: Sink,
    done: mpsc::Receiver<Done>,
}

impl Bench {
    fn start() -> Self {
        let (tell, done) = mpsc::channel();
        let sink = Sink::default();
        let address = sink.clone().start();
        let outlets = Outlets {
            plans: address.clone().recipient(),
            endpoints: address.clone().recipient(),
            reports: address.recipient(),
        };
        let fake = Arc::new(Mutex::new(Fake { number: 0, address: None, done: tell }));
        let supervisor = Rc::new(RefCell::new(None));
        let current = supervisor.clone();
        let start = move || {
            let address = ConfigSupervisor::new(fake.clone(), Vec::new(), outlets.clone()).start();
            current.borrow_mut().replace(address.clone());
            address
        };
        actix::spawn(keep("configuration", start, || true));
        Self { supervisor, sink, done }
    }

    async fn tell(&self, change: Change) {
        while self.supervisor.borrow().is_none() {
            tokio::task::yield_now().await;
        }
        let supervisor = self.supervisor.borrow().clone().expect("the supervisor is started");
        supervisor.send(Changed(change)).await.expect("the supervisor lives");
    }

    /// Waits until what was told so far is worked off: with paused time, sleeping ends when nothing else is to do.
    async fn settle(&self) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }

    fn told<T>(&self, look: impl FnOnce(&Told) -> T) -> T {
        look(&self.sink.0.lock().unwrap())
    }

    fn work(&self) -> Vec<Done> {
        self.done.try_iter().collect()
    }
}

/// Runs a test under paused time.
fn paused(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

#[test]
fn the_first_change_is_published_at_once_and_a_burst_in_one_batch() {
    paused(async {
        let bench = Bench::start();
        let begun = Instant::now();
        bench.tell(Change::Number(1)).await;
        for number in 2..=100 {
            bench.tell(Change::Number(number)).await;
        }
        bench.settle().await;
        let plans = bench.told(|told| told.plans.clone());
        assert_eq!(plans[0].0, 1);
        assert!(plans[0].1 - begun < Duration::from_millis(10), "the first one waited");
        assert_eq!(plans.len(), 2, "{plans:?}");
        assert_eq!(plans[1].0, 100);
        assert!(plans[1].1 - begun >= ConfigSupervisor::<Fake>::PACE);
    });
}

#[test]
fn a_translation_that_yields_the_same_plan_is_reported_and_not_published() {
    paused(async {
        let bench = Bench::start();
        bench.tell(Change::Number(1)).await;
        bench.settle().await;
        bench.tell(Change::Number(1)).await;
        bench.settle().await;
        assert_eq!(bench.told(|told| told.plans.len()), 1);
        assert_eq!(bench.told(|told| told.reports.clone()), [(1, true), (1, false)]);
    });
}

#[test]
fn addresses_take_the_short_way() {
    paused(async {
        let bench = Bench::start();
        bench.tell(Change::Number(1)).await;
        bench.settle().await;
        bench.work();
        bench.tell(Change::Address("127.0.0.1:80")).await;
        bench.settle().await;
        bench.tell(Change::Address("127.0.0.1:80")).await;
        bench.settle().await;
        bench.tell(Change::NoAddress).await;
        bench.settle().await;
        assert_eq!(bench.work(), [Done::Looked, Done::Looked, Done::Looked], "nothing was translated");
        assert_eq!(bench.told(|told| told.plans.len()), 1);
        let told = bench.told(|told| told.endpoints.clone());
        assert_eq!(told, [vec!["127.0.0.1:80".parse().unwrap()], vec![]], "the repetition is not told");
    });
}

#[test]
fn what_no_translation_reads_causes_no_work_once_there_is_a_plan() {
    paused(async {
        let bench = Bench::start();
        bench.tell(Change::Comment).await;
        bench.settle().await;
        assert_eq!(bench.told(|told| told.plans.len()), 1, "without a plan even nothing is published");
        bench.work();
        bench.tell(Change::Comment).await;
        bench.settle().await;
        assert_eq!(bench.work(), []);
    });
}

#[test]
fn a_fault_in_the_translation_leaves_the_last_plan_and_the_next_change_works() {
    paused(async {
        let bench = Bench::start();
        bench.tell(Change::Number(1)).await;
        bench.settle().await;
        bench.tell(Change::Fault).await;
        bench.settle().await;
        bench.tell(Change::Number(2)).await;
        bench.settle().await;
        let numbers = bench.told(|told| told.plans.iter().map(|plan| plan.0).collect::<Vec<_>>());
        assert_eq!(numbers, [1, 2]);
    });
}

#[test]
fn time_alone_translates_again() {
    paused(async {
        let bench = Bench::start();
        bench.tell(Change::Number(1)).await;
        bench.settle().await;
        tokio::time::sleep(ConfigSupervisor::<Fake>::REFRESH).await;
        bench.settle().await;
        assert_eq!(bench.told(|told| told.reports.clone()), [(1, true), (1, false)]);
    });
}
