//! Backends of objects, by whatever a user calls them.

use postern_outcomes::backend::{Backend, Tls};
use postern_outcomes::certificates::Authority;
use postern_outcomes::objects::{GATEWAY, Target};

use super::{folder, postern, probe, word};

#[test]
fn a_backend_is_found_by_its_names_and_for_its_gateway() {
    let ours = Authority::new("ours");
    let backend = Backend::tls(&Tls::new(ours.issue("backend.test")));
    let target = |name: &str| Target::new(name, backend.address).policy(&ours.pem(), "", "");
    let other = GATEWAY.replace("name: web", "name: other").replace("port: 80", "port: 81");
    let both = target("both");
    let on_both = both.yaml().replace("parentRefs: [{name: web}]", "parentRefs: [{name: web}, {name: other}]");
    let unused = target("unused").yaml().replace("parentRefs: [{name: web}]", "parentRefs: [{name: nowhere}]");
    let folder = folder(&format!("---{other}{on_both}{unused}{}", target("one").yaml()));
    let path = folder.path().to_str().expect("UTF-8");
    for name in ["one", "service/one.default:443", "Service/default/one:443", "svc/one"] {
        assert_eq!(word(&probe(&["-f", path, name])), "ok", "{name}");
    }
    let complaint = |arguments: &[&str]| {
        let output = postern(&[&["probe", "-f", path], arguments].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    let ambiguous = complaint(&["both"]);
    for gateway in ["Service/default/both:443 of Gateway default/web", "of Gateway default/other", "--gateway"] {
        assert!(ambiguous.contains(gateway), "{ambiguous}");
    }
    let one = probe(&["-f", path, "both", "--gateway", "default/other"]);
    assert_eq!((word(&one), one["gateway"].as_str()), ("ok", Some("default/other")));
    let unknown = complaint(&["unused"]);
    let expected = "no route of a Gateway leads to unused: Service default/unused has the port 443, and none leads there (some may be";
    assert!(unknown.contains(expected), "{unknown}");
    let other_port = complaint(&["one:80"]);
    assert!(
        other_port.contains("no route of a Gateway leads to one:80, but to its port 443 (some may be missing"),
        "{other_port}"
    );
    let stranger = complaint(&["nobody"]);
    let expected = "leads to nobody; there are:\n  Service/default/both:443\n  Service/default/one:443\n(some may be missing, since";
    assert!(stranger.contains(expected), "{stranger}");
    let full = ["Service/default/unused:443", "--gateway", "default/web"];
    assert_eq!(word(&probe(&[&["-f", path], &full[..]].concat())), "ok", "without a route");
    complaint(&["Service/default/unused:443", "--gateway", "default/nowhere"]);
}
