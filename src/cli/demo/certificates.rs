//! The demo's certificates: a CA that the policies trust, one that the backend does not have, and leaves.

use anyhow::Context as _;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A CA of the demo.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate.
    pub pem: String,
}

/// A server certificate with its key.
pub(crate) struct Leaf {
    /// Leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key.
    pub key: PrivateKeyDer<'static>,
}

impl Authority {
    /// Makes a CA that is valid for a year.
    pub(crate) fn new(name: &str) -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        dated(&mut params, -1, 365)?;
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Issues a certificate for `name`, valid from and to these days from now.
    pub(crate) fn issue(&self, name: &str, from: i64, to: i64) -> anyhow::Result<Leaf> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        dated(&mut params, from, to)?;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Leaf { chain: vec![certificate.der().clone()], key })
    }
}

fn dated(params: &mut CertificateParams, from: i64, to: i64) -> anyhow::Result<()> {
    let day = |days: i64| -> anyhow::Result<_> {
        let then = Timestamp::now().checked_add((days * 24).hours()).context("a date out of range")?;
        let date = jiff::tz::TimeZone::UTC.to_datetime(then).date();
        Ok(rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs()))
    };
    params.not_before = day(from)?;
    params.not_after = day(to)?;
    Ok(())
}
