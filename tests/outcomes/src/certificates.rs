//! Authorities and certificates, made anew each time.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyPair, NameConstraints, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

/// An authority that issues.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its chain and key, as a peer presents it.
#[derive(Clone)]
pub struct Identity {
    /// The certificate; nothing of its issuer.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key as PKCS #8.
    pub key_der: Vec<u8>,
    /// The certificate as PEM.
    pub certificate_pem: String,
    /// The key as PEM.
    pub key_pem: String,
    /// Base64 of the SHA-256 of the SubjectPublicKeyInfo.
    pub pin: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// From 2020 to 2090.
    Now,
    /// In 2020.
    Past,
    /// From 2080.
    Future,
    /// Since yesterday, and for so many more days.
    Days(u16),
}

impl Validity {
    fn bounds(self) -> (OffsetDateTime, OffsetDateTime) {
        let years = |from, to| (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        match self {
            Self::Now => years(2020, 2090),
            Self::Past => years(2020, 2021),
            Self::Future => years(2080, 2090),
            Self::Days(days) => {
                let now = OffsetDateTime::now_utc();
                (now - Duration::days(1), now + Duration::days(days.into()))
            }
        }
    }
}

impl Authority {
    /// One that is valid for a long time, and may issue anything.
    pub fn new(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    /// An authority that may issue for names below `domain` alone.
    pub fn constrained(name: &str, domain: &str) -> Self {
        Self::with(name, |params| {
            let permitted_subtrees = vec![GeneralSubtree::DnsName(domain.into())];
            params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
        })
    }

    /// An authority that is valid for so many more days.
    pub fn expiring(name: &str, days: u16) -> Self {
        Self::with(name, |params| (params.not_before, params.not_after) = Validity::Days(days).bounds())
    }

    fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) = Validity::Now.bounds();
        change(&mut params);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Its certificate as PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its certificate.
    pub fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// A server's certificate for a DNS name.
    pub fn issue(&self, name: &str) -> Identity {
        self.issue_with(name, Validity::Now, |_| {})
    }

    /// A server's certificate for a DNS name, with an RSA key.
    pub fn issue_rsa(&self, name: &str) -> Identity {
        self.sign(name, Validity::Now, &KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap(), |_| {})
    }

    /// A certificate for a DNS name, changed before it is signed.
    pub fn issue_with(&self, name: &str, validity: Validity, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        self.sign(name, validity, &KeyPair::generate().unwrap(), change)
    }

    fn sign(
        &self,
        name: &str,
        validity: Validity,
        key: &KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let mut params = leaf(name, validity);
        change(&mut params);
        let certificate = params.signed_by(key, &self.issuer).unwrap();
        Identity::new(&certificate, key)
    }
}

impl Identity {
    /// A certificate that signs itself: v3 without basicConstraints, as the guide has it.
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = leaf(name, Validity::Now).self_signed(&key).unwrap();
        Self::new(&certificate, &key)
    }

    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        use base64::Engine as _;
        use rcgen::PublicKeyData as _;
        use sha2::Digest as _;
        let pin = sha2::Sha256::digest(key.subject_public_key_info());
        Self {
            chain: vec![certificate.der().clone()],
            key_der: key.serialize_der(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            pin: base64::engine::general_purpose::STANDARD.encode(pin),
        }
    }

    /// The same certificate with other bytes in place of `from`, everywhere.
    #[must_use]
    pub fn patched(mut self, from: &[u8], to: &[u8]) -> Self {
        assert_eq!(from.len(), to.len());
        let mut der = self.chain[0].to_vec();
        let places: Vec<_> = (0..der.len() - from.len()).filter(|place| der[*place..].starts_with(from)).collect();
        assert!(!places.is_empty());
        for place in places {
            der[place..place + to.len()].copy_from_slice(to);
        }
        self.chain[0] = der.into();
        self
    }

    /// The same certificate with its last byte, which is the signature's, changed.
    #[must_use]
    pub fn with_bad_signature(mut self) -> Self {
        let mut der = self.chain[0].to_vec();
        *der.last_mut().unwrap() ^= 1;
        self.chain[0] = der.into();
        self
    }

    /// Bytes that are no certificate, with the same key.
    #[must_use]
    pub fn with_bad_encoding(mut self) -> Self {
        self.chain[0] = vec![0x30, 0x03, 0x02, 0x01, 0x2a].into();
        self
    }

    /// Its key.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key_der.clone()).into()
    }
}

fn leaf(name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::NoCa;
    (params.not_before, params.not_after) = validity.bounds();
    params
}

/// Adds a URI SAN.
pub fn with_uri(params: &mut CertificateParams, uri: &str) {
    params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
}

/// Lets a certificate be a client's alone.
pub fn for_clients_only(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
}

/// Makes a certificate an authority's.
pub fn as_authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}
