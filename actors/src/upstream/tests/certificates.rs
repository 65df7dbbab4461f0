//! Certificates of every kind, with chosen dates.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, SigningKey as _,
};
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::plan::Trust;
use crate::plan::certificate::{KeyFormat, PrivateKey};
use crate::plan::identity::{Bundle, ClientCertificate, Der, SystemRoots};

/// A certificate with its key.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) der: Der,
    pub(super) key: Rc<KeyPair>,
    params: CertificateParams,
}

/// A certificate to be.
pub(super) struct Recipe(CertificateParams);

pub(super) const HOUR: i64 = 3600;

/// Seconds since the Unix epoch.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs().cast_signed()
}

/// Valid from an hour ago for a day; v3 with neither basicConstraints nor SANs.
pub(super) fn certificate(common_name: &str) -> Recipe {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common_name);
    Recipe(params).from(now() - HOUR).until(now() + 24 * HOUR)
}

/// A CA.
pub(super) fn authority(common_name: &str) -> Recipe {
    certificate(common_name).ca().key_usage(KeyUsagePurpose::KeyCertSign)
}

/// What a backend presents if nothing is wrong with it.
pub(super) fn server() -> Recipe {
    certificate("a backend").dns("example.com").not_ca()
}

impl Recipe {
    pub(super) fn dns(mut self, name: &str) -> Self {
        self.0.subject_alt_names.push(SanType::DnsName(name.try_into().expect("ASCII")));
        self
    }

    pub(super) fn ip(mut self, address: &str) -> Self {
        self.0.subject_alt_names.push(SanType::IpAddress(address.parse().expect("an address")));
        self
    }

    /// A CA for names below this domain alone.
    pub(super) fn only_below(mut self, domain: &str) -> Self {
        let permitted_subtrees = vec![GeneralSubtree::DnsName(domain.into())];
        self.0.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
        self
    }

    pub(super) fn uri(mut self, uri: &str) -> Self {
        self.0.subject_alt_names.push(SanType::URI(uri.try_into().expect("ASCII")));
        self
    }

    pub(super) fn from(mut self, seconds: i64) -> Self {
        self.0.not_before = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds.cast_unsigned());
        self
    }

    pub(super) fn until(mut self, seconds: i64) -> Self {
        self.0.not_after = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds.cast_unsigned());
        self
    }

    pub(super) fn ca(mut self) -> Self {
        self.0.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self
    }

    pub(super) fn not_ca(mut self) -> Self {
        self.0.is_ca = IsCa::ExplicitNoCa;
        self
    }

    fn key_usage(mut self, usage: KeyUsagePurpose) -> Self {
        self.0.key_usages.push(usage);
        self
    }

    pub(super) fn for_servers(mut self) -> Self {
        self.0.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        self
    }

    pub(super) fn for_clients(mut self) -> Self {
        self.0.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        self
    }

    pub(super) fn with_unknown_critical_extension(mut self) -> Self {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        self.0.custom_extensions.push(extension);
        self
    }

    pub(super) fn self_signed(self) -> Issued {
        self.self_signed_by(Rc::new(key()))
    }

    /// Self-signed under a key that another certificate has, too.
    pub(super) fn self_signed_by(self, key: Rc<KeyPair>) -> Issued {
        let der = Der::from(self.0.self_signed(&*key).expect("issued").der().as_ref());
        Issued { der, key, params: self.0 }
    }

    pub(super) fn signed_by(self, issuer: &Issued) -> Issued {
        let key = key();
        let issuer = Issuer::from_params(&issuer.params, &*issuer.key);
        let der = Der::from(self.0.signed_by(&key, &issuer).expect("issued").der().as_ref());
        Issued { der, key: Rc::new(key), params: self.0 }
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

impl Issued {
    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from(self.der.to_vec())
    }

    /// The pin of its key.
    pub(super) fn pin(&self) -> [u8; 32] {
        let (_, certificate) = X509Certificate::from_der(&self.der).expect("parses");
        Sha256::digest(certificate.tbs_certificate.subject_pki.raw).into()
    }

    /// The same key under other bytes.
    pub(super) fn presenting(&self, der: Vec<u8>) -> Self {
        Self { der: der.into(), ..self.clone() }
    }

    /// A certificate whose signature names ECDSA with SHA-224, which nobody supports, in place of SHA-256.
    pub(super) fn with_unsupported_signature(&self) -> Self {
        const SHA256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
        let mut der = self.der.to_vec();
        for start in 0..der.len() - SHA256.len() {
            if der[start..].starts_with(&SHA256) {
                der[start + SHA256.len() - 1] = 0x01;
            }
        }
        self.presenting(der)
    }

    /// The same fields as an X.509 v1 certificate: no version, no extensions.
    pub(super) fn as_v1(&self) -> Self {
        let (_, v3) = X509Certificate::from_der(&self.der).expect("parses");
        let algorithm = sequence(&[&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]]);
        let validity = sequence(&[&tagged(0x17, b"250101000000Z"), &tagged(0x17, b"350101000000Z")]);
        let body = sequence(&[
            &tagged(0x02, &[7]),
            &algorithm,
            v3.issuer().as_raw(),
            &validity,
            v3.subject().as_raw(),
            v3.public_key().raw,
        ]);
        let mut signature = vec![0];
        signature.extend(self.key.sign(&body).expect("signs"));
        self.presenting(sequence(&[&body, &algorithm, &tagged(0x03, &signature)]))
    }

    pub(super) fn as_client(&self) -> Arc<ClientCertificate> {
        Arc::new(ClientCertificate {
            reference: "Secret/default/client".into(),
            chain: vec![self.der.clone()],
            key: PrivateKey { format: KeyFormat::Pkcs8, der: self.key.serialize_der().into() },
            not_after: now() + HOUR,
        })
    }
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut der = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    der.extend(content);
    der
}

/// Trusts what these issue, and these themselves.
pub(super) fn issued_by(issuers: &[&Issued]) -> Trust {
    let issuers = issuers.iter().map(|issued| issued.der.clone()).collect();
    Trust::Bundle(Arc::new(Bundle { issuers, leaves: Vec::new() }))
}

/// Trusts exactly these.
pub(super) fn exactly(leaves: &[&Issued]) -> Trust {
    let leaves = leaves.iter().map(|issued| issued.der.clone()).collect();
    Trust::Bundle(Arc::new(Bundle { issuers: Vec::new(), leaves }))
}

/// Trusts these as the system's roots.
pub(super) fn system(roots: &[&Issued]) -> Trust {
    let certificates = roots.iter().map(|issued| issued.der.clone()).collect();
    Trust::System(Arc::new(SystemRoots { origin: "a test".into(), certificates }))
}
