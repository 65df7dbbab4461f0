//! What telling a request allocates: nothing, once its series are known and the log's buffers have grown.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use postern_actors::outcome::Reason;
use postern_actors::plan::BackendId;
use postern_actors::telemetry::{
    Acquisition, LogFormat, Observer, PoolState, RequestRecord, Settings, Telemetry, TlsInfo, WorkerTelemetry,
};

/// A log that takes everything and keeps nothing.
struct Taken;

impl Write for Taken {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A backend on which requests come and go, with the names that their records borrow.
struct Scene {
    gateway: Arc<str>,
    backend: BackendId,
    tls: TlsInfo,
    worker: WorkerTelemetry,
}

impl Scene {
    fn new(log: Option<LogFormat>) -> Self {
        let access_log = log.map(|format| (format, Box::new(Taken) as Box<dyn Write + Send>));
        let gateway: Arc<str> = "default/gateway".into();
        Self {
            backend: BackendId { gateway: gateway.clone(), backend: "Service/default/nginx".into(), port: 8443 },
            gateway,
            tls: TlsInfo {
                sni: "example.com".into(),
                version: "1.3",
                cipher: "TLS_AES_256_GCM_SHA384",
                alpn: "http/1.1".into(),
                resumed: true,
                peer_not_after: Some(1_795_000_000),
            },
            worker: Telemetry::new(Settings { version: "", revision: "", access_log }).worker(),
        }
    }

    /// Tells all that the request path tells of one request on a connection that was pooled.
    fn request(&self, route: &str, client: SocketAddr) {
        let Self { gateway, backend, tls, worker } = self;
        worker.request_in_flight(gateway, true);
        worker.pool(backend, Some(PoolState::Idle), Some(PoolState::Active));
        worker.acquired(backend, Acquisition::Reused);
        worker.upstream_bytes(backend, 200, 1200);
        worker.pool(backend, Some(PoolState::Active), Some(PoolState::Idle));
        worker.request(&RequestRecord {
            gateway,
            listener: "http",
            route,
            backend: Some(backend),
            endpoint: Some(([0xfd00, 0, 0, 0, 0, 0, 0, 1], 8443).into()),
            client,
            method: "GET",
            scheme: "http",
            host: "example.com",
            target: "/static/page?size=1024",
            version: "HTTP/1.1",
            status: 200,
            reason: Reason::None,
            detail: "",
            duration: Duration::from_micros(123),
            received: 0,
            sent: 1024,
            upstream_tls: Some(tls),
            request_id: "0af7651916cd43dd8448eb211c80319c",
            traceparent: "",
        });
        worker.request_in_flight(gateway, false);
    }

    /// Tells as many requests of several routes and clients.
    fn requests(&self, count: u16) {
        for at in 0..count {
            let client = (Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped(), at).into();
            self.request(if at % 3 == 0 { "default/one" } else { "default/other" }, client);
        }
    }
}

#[test]
fn a_warm_request_is_counted_without_an_allocation() {
    let scene = Scene::new(None);
    scene.requests(3);
    assert_eq!(measure(|| scene.requests(1000)).count_total, 0);
}

/// The buffers of the log grow until they hold what comes between two looks of its writer, so not every round is without
/// an allocation; what a line allocated would show in each of them. So few lines fill no buffer: none is dropped.
#[test]
fn a_warm_request_is_logged_without_an_allocation() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let scene = Scene::new(Some(format));
        scene.requests(3);
        let fewest = (0..50).map(|_| measure(|| scene.requests(20)).count_total).min();
        assert_eq!(fewest, Some(0), "{format:?}");
    }
}

#[test]
fn what_is_new_is_seen_to_allocate() {
    let scene = Scene::new(Some(LogFormat::Text));
    assert!(measure(|| scene.requests(1)).count_total > 0);
}
