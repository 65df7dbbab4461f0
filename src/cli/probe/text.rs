//! A probe for people: a line for each step, then the verdict, then what would mend it. It fits a hundred columns.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use postern_actors::certificate::{day, listed};
use postern_actors::outcome::{HandshakeResult, Reason};
use postern_actors::upstream::probe::Report;
use postern_actors::upstream::probe::report::{
    AnchorReport, Anchors, CertificateReport, EndpointReport, Milliseconds, Offer, Resolution, Role, Validity, Verdict,
};

use super::proposal::Proposal;
use crate::cli::paint::Paint;

const COLUMNS: usize = 100;
/// Where the text of a step begins: after its label, its mark and its time.
const INDENT: usize = 28;

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Ok,
    Failed,
    /// Neither.
    None,
}

/// The whole page.
pub(super) fn render(report: &Report, proposal: Option<&Proposal>, paint: Paint) -> String {
    let mut page = Page { text: String::new(), last_chain: Vec::new(), paint };
    page.title(report);
    if let Some(offer) = &report.offer {
        page.offer(offer);
    }
    if let Some(resolution) = &report.resolution {
        page.resolution(resolution);
    }
    for endpoint in &report.endpoints {
        page.endpoint(endpoint, report.offer.as_ref());
    }
    // Of several endpoints, what follows is about the one of the verdict.
    let of = report.verdict.at.filter(|_| report.endpoints.len() > 1);
    let with = of.map(|at| format!(", with {at}")).unwrap_or_default();
    if let Some(anchors) = &report.anchors {
        page.anchors(anchors, &report.verdict, of);
    }
    for version in &report.versions {
        let label = format!("TLS {}", version.version);
        match version.result {
            Some(HandshakeResult::Ok) => page.step(&label, Mark::Ok, version.time, &format!("by itself{with}")),
            Some(result) => page.step(&label, Mark::None, version.time, &format!("by itself{with}: {result}")),
            None if report.policy.is_empty() => page.step(&label, Mark::None, None, "not permitted by the options"),
            None => page.step(&label, Mark::None, None, "not permitted by the policy"),
        }
    }
    if let Some(resumed) = report.resumed {
        let text =
            if resumed { "a second connection resumed the session" } else { "a second connection resumed no session" };
        page.step("resumed", if resumed { Mark::Ok } else { Mark::None }, None, &format!("{text}{with}"));
    }
    page.verdict(report);
    if let Some(proposal) = proposal {
        page.proposal(proposal, report);
    }
    page.text
}

struct Page {
    text: String,
    /// The fingerprints of the chain that was told last.
    last_chain: Vec<String>,
    paint: Paint,
}

impl Page {
    fn title(&mut self, report: &Report) {
        let mut title = self.paint.bold(&report.backend);
        if !report.gateway.is_empty() {
            let _ = write!(title, " of Gateway {}", report.gateway);
        }
        if !report.policy.is_empty() {
            let _ = write!(title, ", by BackendTLSPolicy {}", report.policy);
        }
        self.text.push_str(&title);
        self.text.push_str("\n\n");
    }

    fn offer(&mut self, offer: &Offer) {
        self.step("offered", Mark::None, None, &format!("SNI {}", offer.sni));
        let versions = match (offer.min_version, offer.max_version) {
            (one, other) if one == other => format!("TLS {one}"),
            (min, max) => format!("TLS {min} to {max}"),
        };
        let alpn = if offer.alpn.is_empty() { "no ALPN".to_owned() } else { format!("ALPN {}", offer.alpn.join(", ")) };
        self.more(&format!("{versions}; {alpn}"));
        if let Some(reference) = &offer.client_certificate {
            let issuer = offer.client_certificate_issuer.as_ref();
            let issuer = issuer.map(|issuer| format!(", issued by {issuer}")).unwrap_or_default();
            self.more(&format!("client certificate {reference}{issuer}"));
        }
        self.step("demanded", Mark::None, None, &offer.names.join(" or "));
        if !offer.pins.is_empty() {
            self.more(&format!("a key with the pin {}", offer.pins.join(" or ")));
        }
    }

    fn resolution(&mut self, resolution: &Resolution) {
        let time = Some(resolution.time);
        match &resolution.error {
            Some(error) => self.step("DNS", Mark::Failed, time, &format!("{}: {error}", resolution.host)),
            None if resolution.host.parse::<IpAddr>().is_ok() => {}
            None => {
                let addresses: Vec<_> = resolution.addresses.iter().map(ToString::to_string).collect();
                self.step("DNS", Mark::Ok, time, &format!("{}: {}", resolution.host, addresses.join(", ")));
            }
        }
        if !resolution.refused.is_empty() {
            self.step("", Mark::Failed, None, &resolution.refused);
        }
    }

    fn endpoint(&mut self, endpoint: &EndpointReport, offer: Option<&Offer>) {
        let address = endpoint.address.to_string();
        if !endpoint.reached {
            let text = format!("{address}: {}", outcome(endpoint.result, &endpoint.cause));
            return self.step("TCP", Mark::Failed, endpoint.tcp, &text);
        }
        self.step("TCP", Mark::Ok, endpoint.tcp, &address);
        let Some(offer) = offer else { return self.response(endpoint) };
        if endpoint.result == HandshakeResult::Ok {
            let alpn = if endpoint.alpn.is_empty() { "no ALPN" } else { &endpoint.alpn };
            let text = format!("{}, {}, {alpn}", endpoint.version, endpoint.cipher);
            self.step("TLS", Mark::Ok, endpoint.handshake, &text);
        } else {
            let text = outcome(endpoint.result, &endpoint.cause);
            self.step("TLS", Mark::Failed, endpoint.handshake, &text);
        }
        self.client(endpoint, offer);
        self.chain(&endpoint.certificates);
        for (index, name) in endpoint.names.iter().enumerate() {
            // One of them is enough.
            let one = endpoint.names.iter().any(|name| name.carried);
            let verb = if name.carried { "carries" } else { "does not carry" };
            let mark = if name.carried { Mark::Ok } else { Mark::None };
            let mark = if one { mark } else { Mark::Failed };
            let label = if index == 0 { "names" } else { "" };
            self.step(label, mark, None, &format!("the certificate {verb} {}", name.demanded));
        }
        self.response(endpoint);
    }

    fn response(&mut self, endpoint: &EndpointReport) {
        if let Some(response) = &endpoint.response {
            self.step("GET /", Mark::None, None, response);
        }
    }

    fn client(&mut self, endpoint: &EndpointReport, offer: &Offer) {
        if !endpoint.asked_for_certificate {
            return;
        }
        let presented = offer.client_certificate.as_deref().unwrap_or("none");
        let mut text = "asked for a client certificate".to_owned();
        match endpoint.result {
            HandshakeResult::Ok | HandshakeResult::ClientCertRejected => {
                let _ = write!(text, ", {presented} was presented");
            }
            // Whether it came so far, nobody has said.
            _ => {}
        }
        if endpoint.result == HandshakeResult::Ok && !endpoint.confirmed {
            text.push_str("; it was not refused so far (--request makes sure)");
        }
        self.step("", Mark::None, None, &text);
        if !endpoint.client_authorities.is_empty() {
            self.more(&format!("it takes those that were issued by {}", endpoint.client_authorities.join(" or ")));
        }
    }

    /// The endpoints of a Service mostly have one certificate, which is told once.
    fn chain(&mut self, certificates: &[CertificateReport]) {
        let chain: Vec<_> = certificates.iter().map(|certificate| certificate.sha256.clone()).collect();
        if !chain.is_empty() && chain == self.last_chain {
            return self.step("chain", Mark::None, None, "the same");
        }
        for (index, certificate) in certificates.iter().enumerate() {
            self.certificate(&format!("chain {}", index + 1), certificate);
        }
        self.last_chain = chain;
    }

    fn certificate(&mut self, label: &str, certificate: &CertificateReport) {
        let CertificateReport { subject, issuer, not_before, not_after, days_left, validity, .. } = certificate;
        let names = listed(&certificate.subject_alt_names, " ", certificate.more_subject_alt_names);
        let names = if names.is_empty() { "no subjectAltNames" } else { &names };
        let ca = if certificate.ca { "; CA:TRUE" } else { "" };
        self.step(label, Mark::None, None, &format!("{subject}; {names}{ca}"));
        self.more(&format!("issued by {issuer}"));
        let left = match validity {
            Validity::Expired => "ended".to_owned(),
            Validity::NotYetValid => "not valid yet".to_owned(),
            Validity::Valid => format!("{days_left} days left"),
        };
        self.more(&format!("{} to {} ({left})", day(*not_before), day(*not_after)));
        self.more(&format!("SHA-256 {}", certificate.sha256));
        self.more(&format!("pin {}", certificate.pin));
    }

    fn anchors(&mut self, anchors: &Anchors, verdict: &Verdict, of: Option<SocketAddr>) {
        let of = of.map(|at| format!(" of {at}")).unwrap_or_default();
        let count =
            if anchors.count == 1 { "1 certificate".to_owned() } else { format!("{} certificates", anchors.count) };
        // Of a chain that fails for another reason, nobody knows who would vouch for it.
        let unknown = verdict.result == Reason::Handshake(HandshakeResult::UnknownIssuer);
        let none = if unknown { format!(", none of which vouches for the chain{of}") } else { String::new() };
        self.step("anchors", Mark::None, None, &format!("{}: {count}{none}", anchors.origin));
        for AnchorReport { subject, not_before, not_after, role, validity, vouches } in &anchors.list {
            let role = match (role, validity) {
                (Role::MayIssue, _) => "may issue",
                (Role::StandsForItself, Validity::Valid) => "stands for itself only",
                (Role::StandsForItself, Validity::Expired) => "stands for itself only, expired",
                (Role::StandsForItself, Validity::NotYetValid) => "stands for itself only, not valid yet",
                (Role::Expired, _) => "expired, not considered",
                (Role::NotYetValid, _) => "not valid yet, not considered",
            };
            let (mark, vouches) = match vouches {
                true => (Mark::Ok, format!("; vouches for the chain{of}")),
                false => (Mark::None, String::new()),
            };
            self.step("", mark, None, &format!("{subject}: {role}{vouches}"));
            self.more(&format!("{} to {}", day(*not_before), day(*not_after)));
        }
    }

    fn verdict(&mut self, report: &Report) {
        let verdict = &report.verdict;
        let word = verdict.result.as_str();
        let good = verdict.result == Reason::Handshake(HandshakeResult::Ok);
        let word = if good { self.paint.green(word) } else { self.paint.red(word) };
        let at = verdict.at.map(|at| format!(" at {at}")).unwrap_or_default();
        let by = if report.offer.is_none() && good { " by TCP alone" } else { "" };
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
        let _ = writeln!(self.text, "{} {word}{by}{at}", self.paint.bold("Verdict:"));
        self.paragraph(&verdict.meaning);
        if let (None, true, Some(at)) = (&report.offer, good, verdict.at) {
            self.paragraph(&format!(
                "Whether it speaks TLS, and which policy would have that used, is told by: postern probe https://{at} \
                 --hostname NAME"
            ));
        }
        if !verdict.cause.is_empty() {
            self.paragraph(&format!("Cause: {}", verdict.cause));
        }
        if !verdict.remedy.is_empty() {
            let _ = writeln!(self.text, "\n{}", self.paint.bold("To mend it:"));
            self.paragraph(&verdict.remedy);
        }
    }

    fn proposal(&mut self, proposal: &Proposal, report: &Report) {
        let mended = report.mended.is_some();
        let heading = if mended { "With these objects:" } else { "The objects for it:" };
        let _ = writeln!(self.text, "\n{}", self.paint.bold(heading));
        if mended {
            let at = report.verdict.at.filter(|_| report.endpoints.len() > 1);
            let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
            let without = if proposal.client_certificate_untried { ", without the client certificate" } else { "" };
            self.paragraph(&format!(
                "A handshake with what they say was tried{at}{without}, and its result is {}.",
                proposal.result
            ));
        }
        if !proposal.remedy.is_empty() {
            self.paragraph(&format!("They do not do alone. {}", proposal.remedy));
        }
        self.text.push('\n');
        self.text.push_str(&proposal.yaml);
    }

    fn step(&mut self, label: &str, mark: Mark, time: Option<Milliseconds>, text: &str) {
        let word = match mark {
            Mark::Ok => self.paint.green("ok    "),
            Mark::Failed => self.paint.red("FAILED"),
            Mark::None => "      ".to_owned(),
        };
        let time = time.map(|time| time.to_string()).unwrap_or_default();
        let first = format!("{label:<9}{word} {time:>10}  ");
        for (index, line) in wrapped(text, INDENT).into_iter().enumerate() {
            let before = if index == 0 { first.clone() } else { " ".repeat(INDENT) };
            self.line(&format!("{before}{line}"));
        }
    }

    fn more(&mut self, text: &str) {
        self.step("", Mark::None, None, text);
    }

    fn paragraph(&mut self, text: &str) {
        for line in wrapped(text, 2) {
            self.line(&format!("  {line}"));
        }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }
}

fn outcome(result: HandshakeResult, cause: &str) -> String {
    if cause.is_empty() { result.to_string() } else { format!("{result}: {cause}") }
}

fn wrapped(text: &str, indent: usize) -> Vec<String> {
    textwrap::wrap(text, COLUMNS - indent).into_iter().map(Into::into).collect()
}
