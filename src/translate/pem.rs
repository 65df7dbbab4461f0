//! PEM and X.509.

/// `notAfter` of a certificate in DER, in seconds since the Unix epoch; `None` if it does not parse.
pub(crate) fn not_after(der: &[u8]) -> Option<i64> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    Some(certificate.validity().not_after.timestamp())
}
