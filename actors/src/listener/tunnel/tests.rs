use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;

const HOUR: Duration = Duration::from_hours(1);

type Ended = (Tunnel, Result<(), Broken>);

/// A tunnel between two in-memory connections: the client's end, the backend's, and how the tunnel ends.
fn tunnel(idle: Duration, early: [&str; 2]) -> (DuplexStream, DuplexStream, JoinHandle<Ended>) {
    let (client, mut down) = duplex(64);
    let (mut up, backend) = duplex(64);
    let mut tunnel = Tunnel::new(early[0].into(), early[1].into());
    let run = async move {
        let end = tunnel.run(&mut down, &mut up, &mut Alarm::default(), idle, &Stop::default()).await;
        (tunnel, end)
    };
    (client, backend, tokio::task::spawn_local(run))
}

/// Runs with a place for tasks that stay on their thread.
async fn locally<T>(test: impl Future<Output = T>) -> T {
    tokio::task::LocalSet::new().run_until(test).await
}

async fn expect(stream: &mut DuplexStream, wanted: &str) {
    let mut read = vec![0; wanted.len()];
    stream.read_exact(&mut read).await.unwrap();
    assert_eq!(String::from_utf8(read).unwrap(), wanted);
}

#[test]
fn a_protocol_that_nobody_offered_is_not_accepted() {
    for (offered, chosen, accepted) in [
        ("websocket", "websocket", true),
        ("websocket", "WebSocket", true),
        ("a, b/2", "b/2", true),
        ("a, b/2", "a,b/2", true),
        ("a, b/2", "b", false),
        ("websocket", "websocket, tls/1.0", false),
        ("websocket", "", false),
        ("websocket", "websocket,", false),
    ] {
        assert_eq!(accepts(offered.as_bytes(), chosen.as_bytes()), accepted, "{chosen} of {offered}");
    }
}

#[tokio::test]
async fn bytes_go_both_ways_and_early_ones_come_first() {
    locally(async {
        let (mut client, mut backend, end) = tunnel(HOUR, ["early ", "soon "]);
        client.write_all(b"from the client").await.unwrap();
        backend.write_all(b"from the backend").await.unwrap();
        expect(&mut backend, "early from the client").await;
        expect(&mut client, "soon from the backend").await;
        drop((client, backend));
        let (tunnel, result) = end.await.unwrap();
        assert!(result.is_ok(), "{result:?}");
        assert_eq!((tunnel.to_backend.moved, tunnel.to_client.moved), (21, 21));
    })
    .await;
}

#[tokio::test]
async fn the_end_of_one_direction_is_passed_on_and_the_other_goes_on() {
    locally(async {
        let (mut client, mut backend, end) = tunnel(HOUR, ["", ""]);
        client.write_all(b"the last word").await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = String::new();
        backend.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "the last word");
        for _ in 0..3 {
            backend.write_all(b"not mine").await.unwrap();
            expect(&mut client, "not mine").await;
        }
        assert!(!end.is_finished());
        drop(backend);
        assert!(end.await.unwrap().1.is_ok());
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_not_read_for() {
    locally(async {
        let (mut client, mut backend, _end) = tunnel(HOUR, ["", ""]);
        let written = async {
            let mut written = 0;
            while let Ok(count) = tokio::time::timeout(Duration::from_millis(100), client.write(&[b'x'; 1024])).await {
                written += count.unwrap();
            }
            written
        };
        let written = written.await;
        assert!(written < READ + 1024, "{written} bytes were taken for a backend that reads nothing");
        let mut read = vec![0; written];
        backend.read_exact(&mut read).await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn silence_ends_it_and_each_byte_begins_the_time_anew() {
    locally(async {
        let (mut client, mut backend, end) = tunnel(Duration::from_secs(10), ["", ""]);
        let begin = Instant::now();
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(9)).await;
            backend.write_all(b".").await.unwrap();
            expect(&mut client, ".").await;
        }
        let (_, result) = end.await.unwrap();
        assert!(matches!(result, Err(Broken::Idle)), "{result:?}");
        assert_eq!(begin.elapsed(), Duration::from_secs(37));
    })
    .await;
}

#[tokio::test]
async fn a_drain_that_is_over_cuts_it() {
    let (_client, mut down) = duplex(64);
    let (mut up, _backend) = duplex(64);
    let (mut tunnel, mut alarm, cut) = (Tunnel::new("".into(), "".into()), Alarm::default(), Stop::default());
    let run = tunnel.run(&mut down, &mut up, &mut alarm, HOUR, &cut);
    let give = async {
        tokio::task::yield_now().await;
        cut.give();
    };
    let (result, ()) = tokio::join!(run, give);
    assert!(matches!(result, Err(Broken::Cut)), "{result:?}");
}
