//! One connection to one address, as the request path would open it, and the peer's word on the handshake.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::report::Verdict;
use super::{Milliseconds, Probe};
use crate::outcome::HandshakeResult;
use crate::printable::printable;
use crate::telemetry::{Evidence, TlsInfo};
use crate::upstream::classify;
use crate::upstream::connector::{Dial, DialFailure, Line, Made, MadeTls, Transport, limited};
use crate::upstream::explain;
use crate::upstream::handshake::CertificateRequest;

/// How long a peer that asked for a client certificate has for its refusal, besides some round trips.
const REFUSAL: Duration = Duration::from_secs(1);
/// How long one that did not has for the tickets of its session.
const TICKETS: Duration = Duration::from_millis(100);
/// The status line of a response is not looked for beyond this.
const LONGEST_LINE: usize = 4096;

/// What became of it.
pub(super) struct Attempt {
    pub(super) line: Rc<Line>,
    pub(super) result: HandshakeResult,
    pub(super) evidence: Evidence,
    /// TCP did not reach the address.
    pub(super) unreached: bool,
    pub(super) tcp: Option<Duration>,
    pub(super) handshake: Option<Duration>,
    pub(super) tls: Option<TlsInfo>,
    pub(super) certificate_request: Option<Arc<CertificateRequest>>,
    /// As presented, leaf first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Whether the peer itself has shown that it takes the handshake for done.
    pub(super) confirmed: bool,
    /// The first line that came for a request, or why none did.
    pub(super) response: Option<String>,
}

/// What came after our side of the handshake was done.
enum Word {
    /// Nothing within the time.
    Nothing,
    /// The end of the connection, which is no refusal.
    End,
    /// The first line of what the peer said.
    Line(String),
}

impl Attempt {
    pub(super) fn verdict(&self) -> Verdict {
        let remedy = self.evidence.remedy.to_string();
        let at = Some(self.line.address);
        match &self.line.profile {
            Some(_) => Verdict { remedy, at, ..Verdict::of(self.result, self.evidence.cause.to_string()) },
            None => Verdict::plaintext(self.result, self.evidence.cause.to_string(), self.line.address),
        }
    }

    fn failed(line: Rc<Line>, failure: DialFailure) -> Self {
        Self {
            line,
            result: failure.classified.result,
            evidence: failure.evidence,
            unreached: failure.unreached,
            tcp: failure.tcp,
            handshake: failure.handshake,
            tls: None,
            certificate_request: failure.certificate_request,
            chain: failure.chain,
            confirmed: false,
            response: None,
        }
    }
}

impl Probe {
    /// Dials, waits for the peer's word, and closes.
    pub(super) async fn attempt(&self, line: Rc<Line>) -> Attempt {
        let connect = limited(line.address, &self.settings);
        match connect(Dial::new(&line, || {})).await {
            Ok((io, made)) => self.established(line, io, made).await,
            Err(failure) => Attempt::failed(line, failure),
        }
    }

    async fn established(&self, line: Rc<Line>, mut io: Box<dyn Transport>, made: Made) -> Attempt {
        let mut attempt = Attempt {
            line,
            result: HandshakeResult::Ok,
            evidence: Evidence::default(),
            unreached: false,
            tcp: Some(made.tcp),
            handshake: None,
            tls: None,
            certificate_request: None,
            chain: Vec::new(),
            confirmed: true,
            response: None,
        };
        let Some(tls) = made.tls else {
            attempt.response = self.request.then(|| "none: no request is sent in plaintext".into());
            return attempt;
        };
        let word = self.word(&mut io, &tls, made.tcp).await;
        // Said politely, so that it leaves nothing in the log of the peer.
        let _ = timeout(TICKETS, io.shutdown()).await;
        attempt.confirmed = tls.info.version == "1.2" || matches!(word, Ok(Word::Line(_)));
        attempt.evidence = Evidence::presented(tls.accepted.facts.clone());
        if let (Err(error), Some(profile)) = (&word, &attempt.line.profile)
            && let Some(refusal) = classify::late(error, tls.certificate_request.is_some())
            && !attempt.confirmed
        {
            attempt.result = refusal.result;
            attempt.evidence = explain::refusal(&refusal, &tls.accepted.facts, profile);
            attempt.confirmed = true;
        }
        attempt.response = self.request.then(|| match word {
            Ok(Word::Line(line)) => line,
            Ok(Word::End) => "none: the connection ended".into(),
            Ok(Word::Nothing) => format!("none within {}", Milliseconds(self.settings.handshake_timeout)),
            Err(error) => format!("none: {error}"),
        });
        attempt.handshake = Some(tls.handshake);
        attempt.certificate_request = tls.certificate_request;
        attempt.chain = tls.accepted.chain.to_vec();
        attempt.tls = (attempt.result == HandshakeResult::Ok).then_some(tls.info);
        attempt
    }

    /// What the peer says once our side is done. In TLS 1.3 its refusal of a client certificate comes only then, and so
    /// do the tickets by which a session is resumed; a peer that agrees says nothing before it is asked something.
    async fn word(&self, io: &mut Box<dyn Transport>, tls: &MadeTls, tcp: Duration) -> io::Result<Word> {
        let limit = self.settings.handshake_timeout;
        let patience = match (tls.info.version, tls.certificate_request.is_some()) {
            _ if self.request => limit,
            ("1.2", _) => return Ok(Word::Nothing),
            (_, true) => (REFUSAL + tcp * 4).min(limit),
            (_, false) => (TICKETS + tcp * 4).min(limit),
        };
        let exchange = async {
            if self.request {
                let host = &tls.info.sni;
                let head = format!(
                    "GET / HTTP/1.1\r\nhost: {host}\r\nuser-agent: postern-probe\r\naccept: */*\r\nconnection: close\r\n\r\n"
                );
                io.write_all(head.as_bytes()).await?;
                io.flush().await?;
            }
            first_line(io).await
        };
        timeout(patience, exchange).await.unwrap_or(Ok(Word::Nothing))
    }
}

async fn first_line(io: &mut Box<dyn Transport>) -> io::Result<Word> {
    let mut said = Vec::new();
    while said.len() < LONGEST_LINE && !said.contains(&b'\n') {
        if io.read_buf(&mut said).await? == 0 {
            break;
        }
    }
    if said.is_empty() {
        return Ok(Word::End);
    }
    Ok(Word::Line(shown(&said)))
}

/// The first line of what a peer said.
fn shown(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    printable(text.lines().next().unwrap_or_default()).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_a_peer_says_is_shown_as_one_harmless_line() {
        assert_eq!(shown(b"HTTP/1.1 200 OK\r\nserver: a\r\n"), "HTTP/1.1 200 OK");
        let wild = "HTTP/1.1 200 \u{1b}[2J\u{202e}KO\r\n";
        assert_eq!(shown(wild.as_bytes()), "HTTP/1.1 200 \u{fffd}[2J\u{fffd}KO");
        assert_eq!(shown(&[b'a'; 200]).len(), 80);
    }
}
