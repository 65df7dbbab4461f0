//! The certificates of a run: one authority that the proxies trust, one that they do not, ECDSA P-256 all of them.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// The name by which the proxies know the backend: SNI, and what its certificate must say.
pub(crate) const BACKEND: &str = "backend.test";
/// The host that clients ask for.
pub(crate) const FRONT: &str = "front.test";

/// A certificate and its key, in files of PEM.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The certificate.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// Both in one file, as HAProxy reads them.
    pub(crate) both: PathBuf,
}

/// All certificates of a run.
#[derive(Debug)]
pub(crate) struct Certificates {
    /// What the proxies trust.
    pub(crate) authority: PathBuf,
    /// The backend's.
    pub(crate) backend: Pair,
    /// The backend's name, issued by an authority that the proxies do not trust.
    pub(crate) stranger: Pair,
    /// The trusted authority's, for another name.
    pub(crate) misnamed: Pair,
    /// What the proxies present to clients.
    pub(crate) front: Pair,
}

impl Certificates {
    /// Makes them anew, in `folder`.
    pub(crate) fn make(folder: &Path) -> anyhow::Result<Self> {
        let trusted = authority("the bench's authority")?;
        let other = authority("another authority")?;
        let path = folder.join("authority.pem");
        fs::write(&path, trusted.pem())?;
        Ok(Self {
            authority: path,
            backend: pair(folder, "backend", BACKEND, &trusted)?,
            stranger: pair(folder, "stranger", BACKEND, &other)?,
            misnamed: pair(folder, "misnamed", "other.test", &trusted)?,
            front: pair(folder, "front", FRONT, &trusted)?,
        })
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> anyhow::Result<Authority> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?)?)
}

fn pair(folder: &Path, file: &str, name: &str, issuer: &Authority) -> anyhow::Result<Pair> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.signed_by(&key, issuer)?.pem();
    let pair = Pair {
        certificate: folder.join(format!("{file}.pem")),
        key: folder.join(format!("{file}.key")),
        both: folder.join(format!("{file}.both.pem")),
    };
    fs::write(&pair.certificate, &certificate)?;
    fs::write(&pair.key, key.serialize_pem())?;
    fs::write(&pair.both, certificate + &key.serialize_pem())?;
    Ok(pair)
}
