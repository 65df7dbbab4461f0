//! The certificates that listeners present.

use postern_actors::plan::certificate::ServerCertificate;

use crate::resources::Secret;

/// Reads `tls.crt` and `tls.key` of a Secret.
pub(crate) fn server_certificate(secret: &Secret) -> Result<ServerCertificate, String> {
    Err(format!("Secret {}: not read yet", secret.metadata.key()))
}
