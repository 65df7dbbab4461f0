//! The path that a presented chain means by its names: whom each certificate names as its issuer. It must not know anchors,
//! nor whether a signature or a date is good.

use rustls_pki_types::CertificateDer;

use crate::certificate::Facts;

/// One certificate on the path, and where it stands in the chain.
#[derive(Debug)]
pub struct Step {
    /// What it says.
    pub facts: Facts,
    /// From 0, the leaf.
    pub at: usize,
}

impl Step {
    /// Whether it names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.facts.subject == self.facts.issuer
    }
}

/// From the leaf to the last issuer that was presented. Empty if the leaf does not parse.
pub fn path(chain: &[CertificateDer<'_>]) -> Vec<Step> {
    let mut presented: Vec<_> =
        chain.iter().enumerate().filter_map(|(at, der)| Some(Step { facts: Facts::read(der).ok()?, at })).collect();
    if presented.first().is_none_or(|leaf| leaf.at != 0) {
        return Vec::new();
    }
    let mut path = vec![presented.remove(0)];
    while let Some(last) = path.last().filter(|last| !last.is_self_issued()) {
        let issues = |step: &Step| step.facts.is_ca && step.facts.subject == last.facts.issuer;
        let Some(next) = presented.iter().position(issues) else { break };
        path.push(presented.remove(next));
    }
    path
}
