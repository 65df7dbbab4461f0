use std::cell::RefCell;

use tokio::io::AsyncWriteExt as _;
use tokio::task::LocalSet;

use tokio::io::AsyncReadExt as _;

use super::*;
use crate::telemetry::{Acquisition, CloseReason, HandshakeRecord, PoolState, RequestRecord};

/// Counts connections that were turned away.
#[derive(Default)]
struct Counter(RefCell<Vec<Rejection>>);

impl Observer for Counter {
    fn connection_rejected(&self, gateway: &str, why: Rejection) {
        assert_eq!(gateway, "default/web");
        self.0.borrow_mut().push(why);
    }

    fn request(&self, _: &RequestRecord<'_>) {}
    fn request_in_flight(&self, _: &str, _: bool) {}
    fn downstream_connection(&self, _: &str, _: u16, _: bool) {}
    fn handshake(&self, _: &HandshakeRecord<'_>) {}
    fn plaintext_connect(&self, _: &crate::plan::BackendId, _: Reason, _: Duration) {}
    fn pool(&self, _: &crate::plan::BackendId, _: Option<PoolState>, _: Option<PoolState>) {}
    fn acquired(&self, _: &crate::plan::BackendId, _: Acquisition) {}
    fn closed(&self, _: &crate::plan::BackendId, _: CloseReason) {}
    fn upstream_bytes(&self, _: &crate::plan::BackendId, _: u64, _: u64) {}
}

fn port(protocol: Protocol) -> Port {
    Port { gateway: "default/web".into(), port: 80, protocol, listeners: crate::plan::HostTable::default() }
}

fn admission(limit: usize) -> (Rc<Admission>, Rc<Counter>) {
    let counter = Rc::new(Counter::default());
    (Admission::new(limit, Duration::from_secs(2), counter.clone()), counter)
}

async fn pair() -> (TcpStream, TcpStream, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (client.unwrap(), accepted.unwrap().0, listener)
}

async fn until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it did not come");
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_place_that_is_left_is_free_again() {
    let (admission, _) = admission(2);
    let first = admission.admit().expect("a place");
    let _second = admission.admit().expect("another");
    assert!(admission.admit().is_none());
    drop(first);
    assert!(admission.admit().is_some());
}

#[tokio::test]
async fn a_refused_client_that_sends_first_reads_503_and_the_end() {
    LocalSet::new()
        .run_until(async {
            let (admission, counter) = admission(0);
            let (mut client, server, _listener) = pair().await;
            client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
            admission.refuse(server, &port(Protocol::Http));
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nconnection: close\r\n"), "{answer}");
            assert!(answer.contains("connection_limit"), "{answer}");
            assert_eq!(*counter.0.borrow(), [Rejection::Limit]);
            drop(client);
            until(|| admission.lingering.get() == 0).await;
        })
        .await;
}

#[tokio::test]
async fn a_refused_client_of_a_tls_port_is_closed() {
    let (admission, counter) = admission(0);
    let (mut client, server, _listener) = pair().await;
    admission.refuse(server, &port(Protocol::Https));
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert!(answer.is_empty());
    assert_eq!((counter.0.borrow().len(), admission.lingering.get()), (1, 0));
}

#[tokio::test]
async fn those_that_wait_are_shed_and_the_reserve_is_there_again() {
    let (admission, counter) = admission(10);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (first, _taken) = tokio::join!(TcpStream::connect(address), listener.accept());
    let mut waiting = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    until(|| {
        admission.shed(&listener, &port(Protocol::Http));
        counter.0.borrow().len() == 2
    })
    .await;
    assert_eq!(*counter.0.borrow(), [Rejection::Descriptors; 2]);
    assert!(admission.reserve.borrow().is_some());
    for client in &mut waiting {
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn what_happens_often_is_told_now_and_then() {
    let sparse = Sparse::default();
    let told = |_| sparse.count(Instant::now());
    assert_eq!((0..5).map(told).collect::<Vec<_>>(), [Some(1), None, None, None, None]);
    tokio::time::advance(TELL_EVERY).await;
    assert_eq!((0..2).map(told).collect::<Vec<_>>(), [Some(5), None]);
}

#[test]
fn a_shortage_is_told_by_its_number() {
    assert!(is_shortage(&io::Error::from_raw_os_error(24)) && is_shortage(&io::Error::from_raw_os_error(23)));
    assert!(!is_shortage(&io::Error::from_raw_os_error(103)) && !is_shortage(&io::ErrorKind::OutOfMemory.into()));
}
