//! What a peer presents, beside what is demanded of it.

use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::CertificateDer;

use super::report::{CertificateReport, NameReport};
use crate::certificate::Facts;
use crate::plan::identity::{PeerNames, SubjectAltName};
use crate::upstream::names::satisfies;
use crate::upstream::profile::TlsProfile;

/// The chain, leaf first; what does not parse is left out.
pub(super) fn certificates(chain: &[CertificateDer<'static>], profile: &TlsProfile) -> Vec<CertificateReport> {
    let now = profile.clock.current_time().map_or(0, |now| now.as_secs().cast_signed());
    let read = |der: &CertificateDer<'_>| Facts::read(der).ok();
    chain.iter().filter_map(read).map(|facts| CertificateReport::of(&facts, now)).collect()
}

/// Each demanded name, and whether the leaf carries it; of one that cannot be read, nobody knows.
pub(super) fn names(leaf: &CertificateDer<'_>, profile: &TlsProfile) -> Vec<NameReport> {
    let (Ok(parsed), Ok(facts)) = (ParsedCertificate::try_from(leaf), Facts::read(leaf)) else { return Vec::new() };
    match &profile.identity.names {
        PeerNames::Sni => {
            let carried = verify_server_name(&parsed, &profile.server_name).is_ok();
            let demanded = SubjectAltName::Hostname(profile.identity.sni.to_string()).to_string();
            vec![NameReport { demanded, carried }]
        }
        PeerNames::AnyOf(names) => {
            let carried = |name| satisfies(&facts, name);
            names.iter().map(|name| NameReport { demanded: name.to_string(), carried: carried(name) }).collect()
        }
    }
}
