//! Names to addresses: literal ones and `localhost` without DNS, the rest by the system's configuration. It must not know
//! ports, TLS or who asks.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::{DnsError, NetError};
use tokio::time::{Instant, timeout};

/// All addresses of a name.
#[derive(Debug, Clone)]
pub struct Answer {
    /// In the resolver's order.
    pub addresses: Arc<[IpAddr]>,
    /// How long it holds.
    pub time_to_live: Duration,
}

/// What is known of a name without asking.
#[derive(Debug, Clone)]
pub struct Known {
    /// All addresses.
    pub addresses: Arc<[IpAddr]>,
    /// Until then nothing else is known of it; `None`: ever. In the past, where a new answer is awaited.
    pub until: Option<Instant>,
}

/// Asks for the addresses of a name.
pub type Lookup = Rc<dyn Fn(Arc<str>) -> LocalBoxFuture<'static, Result<Answer, String>>>;

/// An answer holds at least this long, whatever its TTL says.
const SHORTEST: Duration = Duration::from_secs(1);
/// For this long after its end, an answer is still used at once, and asked for again in the background.
const STALE: Duration = Duration::from_secs(30);
/// How long a failure holds before the resolver is asked again.
const FAILURE: Duration = Duration::from_secs(1);

/// Resolves names, and keeps the answers for as long as they hold; the last good one also while the resolver fails.
pub struct Resolver {
    lookup: Lookup,
    timeout: Duration,
    entries: RefCell<HashMap<Arc<str>, Entry>>,
}

#[derive(Default)]
struct Entry {
    answer: Option<Arc<[IpAddr]>>,
    failure: Option<String>,
    until: Option<Instant>,
    running: Option<Asking>,
}

type Asking = Shared<LocalBoxFuture<'static, ()>>;

impl Resolver {
    /// By the system's configuration (`/etc/resolv.conf`, `/etc/hosts`), read when the first name is asked for.
    pub fn system(timeout: Duration) -> Rc<Self> {
        let resolver = Rc::new(RefCell::new(None::<TokioResolver>));
        Self::with_lookup(
            timeout,
            Rc::new(move |host| {
                let resolver = resolver.clone();
                async move {
                    let resolver = system_resolver(&resolver)?;
                    let found = resolver.lookup_ip(&*host).await.map_err(|error| cause(&error))?;
                    let time_to_live = found.valid_until().saturating_duration_since(std::time::Instant::now());
                    Ok(Answer { addresses: found.iter().collect(), time_to_live })
                }
                .boxed_local()
            }),
        )
    }

    /// By any other source of names.
    pub fn with_lookup(timeout: Duration, lookup: Lookup) -> Rc<Self> {
        Rc::new(Self { lookup, timeout, entries: RefCell::default() })
    }

    /// The addresses, if they are known without asking.
    pub fn known(self: &Rc<Self>, host: &str, now: Instant) -> Option<Known> {
        if let Some(addresses) = without_dns(host) {
            return Some(Known { addresses, until: None });
        }
        let (key, addresses, until) = {
            let entries = self.entries.borrow();
            let (key, entry) = entries.get_key_value(host)?;
            (key.clone(), entry.answer.clone()?, entry.until?)
        };
        if now >= until + STALE {
            return None;
        }
        if now >= until {
            drop(self.ask(&key));
        }
        Some(Known { addresses, until: Some(until) })
    }

    /// The addresses of a name; asks where they are not known. Never empty.
    pub async fn resolve(self: &Rc<Self>, host: &Arc<str>) -> Result<Arc<[IpAddr]>, String> {
        if let Some(known) = self.known(host, Instant::now()) {
            return Ok(known.addresses);
        }
        if !self.entries.borrow().get(host).is_some_and(Entry::holds) {
            let asking = self.ask(host);
            asking.await;
        }
        let entries = self.entries.borrow();
        match entries.get(host) {
            Some(Entry { answer: Some(answer), .. }) => Ok(answer.clone()),
            Some(Entry { failure: Some(failure), .. }) => Err(failure.clone()),
            _ => Err("no answer".into()),
        }
    }

    /// Forgets the names that are not among these.
    pub fn retain(&self, wanted: impl Fn(&str) -> bool) {
        self.entries.borrow_mut().retain(|host, _| wanted(host));
    }

    /// Asks, unless somebody is asking already. It goes on when the one who asked goes away.
    fn ask(self: &Rc<Self>, host: &Arc<str>) -> Asking {
        let mut entries = self.entries.borrow_mut();
        let entry = entries.entry(host.clone()).or_default();
        if let Some(running) = &entry.running {
            return running.clone();
        }
        let this = self.clone();
        let name = host.clone();
        let running = async move {
            let found = timeout(this.timeout, (this.lookup)(name.clone())).await;
            let found = found.unwrap_or_else(|_| Err(format!("no answer within {:?}", this.timeout)));
            this.learn(&name, found);
        };
        let running = running.boxed_local().shared();
        entry.running = Some(running.clone());
        actix_rt::spawn(running.clone());
        running
    }

    fn learn(&self, host: &Arc<str>, found: Result<Answer, String>) {
        let mut entries = self.entries.borrow_mut();
        // A name that no plan wants any more may have been forgotten in the meantime.
        let entry = entries.entry(host.clone()).or_default();
        entry.running = None;
        let now = Instant::now();
        match found {
            Ok(found) if !found.addresses.is_empty() => {
                entry.answer = Some(found.addresses);
                entry.failure = None;
                entry.until = Some(now + found.time_to_live.max(SHORTEST));
            }
            failed => {
                let cause = failed.err().unwrap_or_else(|| "the name has no addresses".into());
                if entry.answer.is_some() {
                    tracing::warn!(%host, %cause, "the name does not resolve; its last addresses are kept");
                }
                entry.failure = Some(cause);
                entry.until = Some(now + FAILURE);
            }
        }
    }
}

impl Entry {
    fn holds(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }
}

/// The library's own words print the whole query.
fn cause(error: &NetError) -> String {
    match error {
        _ if error.is_nx_domain() => "the name does not exist (NXDOMAIN)".to_owned(),
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            format!("the name has no addresses (the server answers {})", none.response_code)
        }
        _ => error.to_string(),
    }
}

/// Literal addresses, and the names that never leave the machine (RFC 6761, section 6.3).
fn without_dns(host: &str) -> Option<Arc<[IpAddr]>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some([address].into());
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next()?;
    last.eq_ignore_ascii_case("localhost")
        .then(|| [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].into())
}

fn system_resolver(cell: &RefCell<Option<TokioResolver>>) -> Result<TokioResolver, String> {
    let mut cell = cell.borrow_mut();
    if let Some(resolver) = &*cell {
        return Ok(resolver.clone());
    }
    let mut builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    let resolver = builder.build().map_err(|error| error.to_string())?;
    Ok(cell.insert(resolver).clone())
}
