//! BackendTLSPolicy: exactly one source of trust, distinct targets, subject alternative names that fit their type.

use super::view::View;
use super::{FieldPath, Report};

pub(super) fn check(policy: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let spec = path.field("spec");
    targets(policy.get("spec").get("targetRefs"), &spec.field("targetRefs"), report);
    validation(policy.get("spec").get("validation"), &spec.field("validation"), report);
}

fn targets(targets: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let refs: Vec<_> = targets
        .items()
        .map(|target| {
            (["group", "kind", "name"].map(|field| target.get(field).str()), target.get("sectionName").text())
        })
        .collect();
    for (index, (target, section)) in refs.iter().enumerate() {
        let mut earlier =
            refs[..index].iter().filter(|(other, _)| other == target && other.iter().all(Option::is_some));
        let Some((_, first)) = earlier.clone().next() else { continue };
        let at = path.index(index);
        if first.is_some() != section.is_some() {
            report.refuse(
                &at,
                "sectionName must be specified when a target is referenced more than once",
                "name a port in every one of these entries",
            );
        } else if earlier.any(|(_, other)| other == section) {
            report.refuse(
                &at,
                "sectionName must be unique when a target is referenced more than once",
                "name a different port, or remove the entry",
            );
        }
    }
}

fn validation(validation: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    if !validation.exists() {
        return;
    }
    // Passed over, a pin or a version that is demanded there would not be.
    if validation.get("options").exists() {
        report.refuse(&path.field("options"), "is no field of validation", "move it one level up: `spec.options`");
    }
    let refs = validation.get("caCertificateRefs").items().len() > 0;
    let well_known = validation.get("wellKnownCACertificates").text().is_some();
    if refs && well_known {
        report.refuse(
            path,
            "must not contain both caCertificateRefs and wellKnownCACertificates",
            "keep caCertificateRefs for a CA of your own, wellKnownCACertificates for public ones",
        );
    } else if !refs && !well_known {
        report.refuse(
            path,
            "must specify either caCertificateRefs or wellKnownCACertificates",
            "refer to a ConfigMap with the CA in `ca.crt`, or write `wellKnownCACertificates: System`",
        );
    }
    let names = path.field("subjectAltNames");
    for (index, name) in validation.get("subjectAltNames").items().enumerate() {
        subject_alt_name(name, &names.index(index), report);
    }
}

fn subject_alt_name(name: View<'_>, path: &FieldPath<'_>, report: &mut Report) {
    let Some(kind) = name.get("type").str() else { return };
    for (own, field) in [("Hostname", "hostname"), ("URI", "uri")] {
        let given = name.get(field).text().is_some();
        if kind == own && !given {
            report.refuse(path, format!("must contain {field} when type is {own}"), "");
        } else if kind != own && given {
            report.refuse(
                path,
                format!("must not contain {field} when type is not {own}"),
                format!("write `type: {own}`, or remove {field}"),
            );
        }
    }
}
