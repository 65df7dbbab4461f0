use super::*;
use crate::cli::diagnostic::Diagnostic;
use crate::resources::ObjectRef;
use crate::resources::Severity;
use crate::status::{GatewayVerdict, ListenerVerdict, Verdicts};

fn condition(kind: &'static str, status: bool, reason: &'static str, message: &str) -> Condition {
    Condition { kind, status, reason, message: message.into(), observed_generation: 1 }
}

#[test]
fn a_gateway_is_shown_with_its_listeners_and_what_is_not_as_hoped() {
    let listener = ListenerVerdict {
        name: "https".into(),
        attached_routes: 1,
        supported_kinds: vec![],
        conditions: vec![
            condition("Accepted", true, "Accepted", "fine"),
            condition("ResolvedRefs", false, "InvalidCertificateRef", "Secret default/tls is missing"),
            condition("Conflicted", false, "NoConflicts", ""),
        ],
    };
    let name = NamespacedName::new("default", "web");
    let conditions = vec![condition("Accepted", true, "Accepted", "")];
    let verdict = GatewayVerdict { conditions, listeners: vec![listener], addresses: vec![] };
    let mut verdicts = Verdicts::default();
    verdicts.gateways.insert(name.clone(), verdict);
    let diagnostics = vec![Diagnostic {
        severity: Severity::Error,
        code: "InvalidCertificateRef".into(),
        object: ObjectRef { kind: Kind::Gateway, name }.to_string(),
        field: "spec.listeners[0].tls.certificateRefs[0]".into(),
        file: Some("gateway.yaml".into()),
        line: Some(12),
        message: "Secret default/tls is missing".into(),
        hint: "create it".into(),
    }];
    let text = render(&Snapshot::default(), &Report { verdicts, diagnostics }, Paint::never());
    assert_eq!(
        text,
        "\
Gateway default/web
  Accepted         True  Accepted
  listener https, 1 route
    Accepted         True  Accepted
    ResolvedRefs     False InvalidCertificateRef: Secret default/tls is missing
    Conflicted       False NoConflicts

error InvalidCertificateRef: Gateway default/web spec.listeners[0].tls.certificateRefs[0]
    at   gateway.yaml:12
    Secret default/tls is missing
    hint create it

1 error, 0 warnings
"
    );
}

#[test]
fn nothing_is_said_to_be_nothing() {
    let report = Report { verdicts: Verdicts::default(), diagnostics: vec![] };
    let text = render(&Snapshot::default(), &report, Paint::never());
    assert_eq!(text, "No objects.\n\n0 errors, 0 warnings\n");
}
