//! What happens at the limits of connections and descriptors: the gateway says no, lives, and goes on.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::client::{connect, get};
use super::gateway::Gateway;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";

/// The status that a connection answers a request with; `None` if it is closed without one.
fn ask(stream: &mut TcpStream) -> Option<u16> {
    stream.write_all(REQUEST).ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    let text = std::str::from_utf8(&head).expect("a status line");
    Some(text.strip_prefix("HTTP/1.1 ").expect("HTTP/1.1").parse().expect("a status"))
}

fn metric(gateway: &Gateway, name: &str, reason: &str) -> u64 {
    let metrics = gateway.metrics();
    let line = metrics.lines().find(|line| line.starts_with(name) && line.contains(reason));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("no {name}:\n{metrics}"))
}

fn serving(arguments: &[&str]) -> (Gateway, Backend) {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let app = Target::new("app", backend.address).policy(&ours.pem(), "", "");
    (Gateway::start_with(&format!("{GATEWAY}{}", app.yaml()), arguments), backend)
}

#[test]
fn a_connection_beyond_the_limit_gets_503_and_when_others_leave_there_is_room_again() {
    let (gateway, _backend) = serving(&["--workers", "1", "--max-connections", "3"]);
    let address = gateway.address(80);
    let mut held: Vec<_> = (0..3).map(|_| connect(address)).collect();
    for stream in &mut held {
        assert_eq!(ask(stream), Some(200));
    }
    for _ in 0..20 {
        assert_eq!(get(address, "app.test", "/").status, 503);
    }
    assert_eq!(metric(&gateway, "postern_downstream_connections_rejected_total", "reason=\"limit\""), 20);
    let told = gateway.output().lines().filter(|line| line.contains("connections are refused")).count();
    assert_eq!(told, 1, "one line tells of all of them:\n{}", gateway.output());

    held.pop();
    gateway.wait_for("room", || (get(address, "app.test", "/").status == 200).then_some(()));
}

/// The processor's time that a process has used, in ticks of 10 ms.
fn ticks(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

fn open_descriptors(id: u32) -> u64 {
    std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count() as u64
}

/// Leaves a process no more than this many descriptors; the hard limit, which it has from us, stays.
fn limit_descriptors(id: u32, most: u64) {
    let limit = Rlimit { current: Some(most), maximum: getrlimit(Resource::Nofile).maximum };
    prlimit(Pid::from_raw(id.cast_signed()), Resource::Nofile, limit).expect("a child may be limited");
}

#[test]
fn without_descriptors_the_process_closes_what_comes_rests_and_recovers() {
    let (gateway, _backend) = serving(&["--workers", "1"]);
    let address = gateway.address(80);
    assert_eq!(get(address, "app.test", "/").status, 200);
    let (id, few) = (gateway.id(), 8);
    limit_descriptors(id, open_descriptors(id) + few);

    let mut held = Vec::new();
    gateway.wait_for("a lack of descriptors", || {
        held.push(connect(address));
        gateway.output().contains("no descriptor is left").then_some(())
    });
    let (began, used) = (Instant::now(), ticks(id));
    let mut turned_away = 0;
    while began.elapsed() < Duration::from_secs(2) {
        turned_away += u32::from(is_turned_away(address));
    }
    let (elapsed, used) = (began.elapsed(), ticks(id) - used);
    assert!(turned_away > 5, "{turned_away} in {elapsed:?}");
    assert!(u128::from(used) * 10 < elapsed.as_millis() / 2, "{used} ticks in {elapsed:?}");

    held.clear();
    gateway.wait_for("service", || (get(address, "app.test", "/").status == 200).then_some(()));
}

/// Whether a new connection is closed, with a refusal or without.
fn is_turned_away(address: SocketAddr) -> bool {
    let mut answer = Vec::new();
    connect(address).read_to_end(&mut answer).is_err() || answer.is_empty() || answer.starts_with(b"HTTP/1.1 503 ")
}
