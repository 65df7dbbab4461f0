//! A TLS identity for people, out of its description.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::explain::answer::Certificate;
use crate::cli::paint::Paint;

/// What is presented to a backend and what is demanded of it, a line each. Of anchors so many are told.
pub(super) fn lines(tls: &Value, certificates: &Certificates, anchors: usize, paint: Paint) -> Vec<String> {
    let known = Known { certificates, paint };
    if tls == "plaintext" {
        return vec!["plaintext: no BackendTLSPolicy selects it".to_owned()];
    }
    let Some(identity) = tls.get("identity") else { return Vec::new() };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![format!("TLS by BackendTLSPolicy {}, SNI {}", text(&tls["policy"]), text(&identity["sni"]))];
    let names: Vec<_> = items(&identity["subjectAltNames"])
        .iter()
        .map(|name| format!("{}{}", text(&name["hostname"]), text(&name["uri"])))
        .collect();
    lines.push(match names.as_slice() {
        [] => format!("its certificate has to name {}", text(&identity["sni"])),
        names => format!("its certificate has to name one of {}", names.join(", ")),
    });
    lines.extend(trust(&identity["trust"], known, anchors));
    let client = &identity["clientCertificate"];
    if let Some(reference) = client["reference"].as_str() {
        let leaf = items(&client["chain"]).first().map(|leaf| format!(": {}", known.certificate(leaf)));
        lines.push(format!("the gateway shows client certificate {reference}{}", leaf.unwrap_or_default()));
    }
    let pins = items(&identity["pins"]);
    if !pins.is_empty() {
        let pins: Vec<_> = pins.iter().map(text).collect();
        lines.push(format!("the key of its certificate has to have the pin {}", pins.join(" or ")));
    }
    let (min, max) = (text(&identity["minVersion"]), text(&identity["maxVersion"]));
    let versions = if min == max { format!("TLS {min}") } else { format!("TLS {min} to {max}") };
    let alpn: Vec<_> = items(&identity["alpn"]).iter().map(text).collect();
    let alpn = if alpn.is_empty() { "no ALPN".to_owned() } else { format!("ALPN {}", alpn.join(", ")) };
    let resumption = if identity["resumption"] == true { "sessions are resumed" } else { "no session is resumed" };
    lines.push(format!("{versions}, {alpn}, {resumption}"));
    lines
}

fn trust(trust: &Value, known: Known<'_>, shown: usize) -> Vec<String> {
    if let Some(origin) = trust["system"]["origin"].as_str() {
        return vec![format!("the gateway trusts the system's roots ({origin})")];
    }
    let issuers = items(&trust["issuers"]).iter().map(|issuer| ("the gateway trusts CA", issuer));
    let leaves = items(&trust["leaves"]).iter().map(|leaf| ("the gateway trusts the certificate itself:", leaf));
    let all: Vec<_> = issuers.chain(leaves).collect();
    let line = |(what, of): &(&str, &Value)| format!("{what} {}", known.certificate(of));
    let mut lines: Vec<_> = all.iter().take(shown).map(line).collect();
    if all.len() > shown {
        lines.push(format!("and {} more anchors (--all)", all.len() - shown));
    }
    lines
}

/// What certificates say of themselves, by fingerprint.
type Certificates = BTreeMap<String, Certificate>;

#[derive(Clone, Copy)]
struct Known<'a> {
    certificates: &'a Certificates,
    paint: Paint,
}

impl Known<'_> {
    /// A certificate by its subject and its end where these are known, or else by its fingerprint.
    fn certificate(self, fingerprint: &Value) -> String {
        let fingerprint = fingerprint.as_str().unwrap_or_default();
        let Some(Certificate { subject, not_after, expired }) = self.certificates.get(fingerprint) else {
            return fingerprint.to_owned();
        };
        if *expired {
            format!("{subject}, which {}", self.paint.red(&format!("expired on {not_after}")))
        } else {
            format!("{subject} (until {not_after})")
        }
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
