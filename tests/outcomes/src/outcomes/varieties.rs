//! Backends that are reached, each in another way than that of the result `ok`. One is added here, with a name that no result has.

use postern_actors::outcome::HandshakeResult;

use super::results::ONLY_TLS12;
use super::{Case, Listener, Stage};
use crate::backend::{Backend, Tls, in_plaintext, over_tls};
use crate::certificates::{Authority, Validity};
use crate::objects::Target;

/// Soon enough for those who want to be warned early, and for those who want to be warned late.
const DAYS_LEFT: [u16; 2] = [14, 3];

pub(super) fn all(stage: &Stage) -> Vec<Case> {
    let tls = || Tls::new(stage.authority.issue("backend.test"));
    let trusting = |name: &str, tls: &Tls| over(stage, name, &stage.authority, tls);
    let mut cases = vec![
        // Each response ends its connection, so that each request begins another one, which resumes the session.
        trusting("resumption", &Tls { closes: true, ..tls() }),
        trusting("tls12", &Tls { versions: ONLY_TLS12, ..tls() }),
        trusting("client-certificate", &Tls { clients: Some(stage.clients.der()), ..tls() }),
        trusting("https-listener", &tls()).at(Listener::Https),
        plaintext(stage),
        nearly(stage),
    ];
    cases.extend(DAYS_LEFT.map(|days| {
        let authority = Authority::expiring("expiring", days);
        let identity = authority.issue_with("backend.test", Validity::Days(days), |_| {});
        over(stage, &format!("expires-in-{days}-days"), &authority, &Tls::new(identity))
    }));
    cases
}

/// A backend over TLS under a policy that trusts `authority`.
fn over(stage: &Stage, name: &str, authority: &Authority, tls: &Tls) -> Case {
    let backend = Backend::start_on(stage.bind, over_tls(tls));
    let target = Target::new(name, backend.address).policy(&authority.pem(), "", "");
    Case::new(target, Some(HandshakeResult::Ok), 200, "GET /").served_by(backend)
}

/// A policy that was meant for it targets another name.
fn nearly(stage: &Stage) -> Case {
    let backend = Backend::start_on(stage.bind, in_plaintext);
    let target = Target::new("nearly", backend.address).policy(&stage.authority.pem(), "", "").misspelt();
    Case::new(target, None, 200, "GET /").served_by(backend)
}

fn plaintext(stage: &Stage) -> Case {
    let backend = Backend::start_on(stage.bind, in_plaintext);
    Case::new(Target::new("plaintext", backend.address), None, 200, "GET /").served_by(backend)
}
