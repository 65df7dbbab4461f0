//! The certificate table: what each kind of certificate in `caCertificateRefs` vouches for.

use std::collections::BTreeSet;

use super::bench::{Bench, identity, secured};
use super::certificates::{HOUR, Issued, authority, certificate, exactly, issued_by, now, server, system};
use super::peer::{Config, Peer, presenting};
use crate::certificate::day;
use crate::outcome::{HandshakeResult, Reason};
use crate::plan::identity::{Bundle, PeerNames, SubjectAltName};
use crate::plan::{TlsIdentity, Trust};

/// What becomes of an exchange with a backend, under an identity: the word, and the name in the body.
async fn verdict(backend: Config, identity: TlsIdentity) -> (HandshakeResult, Option<&'static str>) {
    let bench = Bench::new();
    let peer = Peer::tls(backend).await;
    let outcome = bench.exchange(&secured(peer.address, identity)).await;
    let told = bench.seen.last();
    assert_eq!(bench.seen.results().len(), 1, "one attempt, one word: {:?}", bench.seen.results());
    match outcome {
        Ok(tls) => {
            assert_eq!(told.result, HandshakeResult::Ok);
            assert_eq!(told.tls, tls);
            (HandshakeResult::Ok, None)
        }
        Err(failure) => {
            assert_eq!(failure.reason, Reason::Handshake(told.result));
            assert_eq!(failure.message, told.detail);
            assert!(bench.seen.plaintext.borrow().is_empty(), "never plaintext");
            (told.result, failure.certificate_error)
        }
    }
}

const ACCEPTED: (HandshakeResult, Option<&str>) = (HandshakeResult::Ok, None);
const UNKNOWN_ISSUER: (HandshakeResult, Option<&str>) = (HandshakeResult::UnknownIssuer, Some("UnknownIssuer"));
const NAME_MISMATCH: (HandshakeResult, Option<&str>) = (HandshakeResult::NameMismatch, Some("NotValidForName"));
const EXPIRED: (HandshakeResult, Option<&str>) = (HandshakeResult::Expired, Some("Expired"));

#[actix_rt::test]
async fn the_very_certificate_vouches_for_itself() {
    // As the guide makes it: v3, no basicConstraints.
    let guide = certificate("example.com").dns("example.com").self_signed();
    assert_eq!(verdict(presenting(&guide), identity(exactly(&[&guide]))).await, ACCEPTED);
    let not_ca = server().self_signed();
    assert_eq!(verdict(presenting(&not_ca), identity(exactly(&[&not_ca]))).await, ACCEPTED);
    // As `openssl req -x509` makes it.
    let ca_true = certificate("example.com").dns("example.com").ca().self_signed();
    assert_eq!(verdict(presenting(&ca_true), identity(exactly(&[&ca_true]))).await, ACCEPTED);
    assert_eq!(verdict(presenting(&ca_true), identity(issued_by(&[&ca_true]))).await, ACCEPTED);
}

#[actix_rt::test]
async fn a_ca_certificate_that_is_not_in_the_bundle_is_no_leaf() {
    let ca_true = certificate("example.com").dns("example.com").ca().self_signed();
    let other = authority("another CA").self_signed();
    let refused = (HandshakeResult::CaUsedAsEndEntity, Some("CaUsedAsEndEntity"));
    assert_eq!(verdict(presenting(&ca_true), identity(issued_by(&[&other]))).await, refused);
    // The system's roots issue, and stand for nothing themselves.
    assert_eq!(verdict(presenting(&ca_true), identity(system(&[&ca_true]))).await, refused);
}

#[actix_rt::test]
async fn a_leaf_alone_is_an_anchor_whoever_issued_it() {
    let ca = authority("a CA").self_signed();
    let leaf = server().signed_by(&ca);
    assert_eq!(verdict(presenting(&leaf), identity(exactly(&[&leaf]))).await, ACCEPTED);
    assert_eq!(verdict(presenting(&leaf), identity(system(&[&leaf]))).await, UNKNOWN_ISSUER);
}

#[actix_rt::test]
async fn a_leaf_anchor_issues_nothing() {
    let anchor = server().self_signed();
    let other = server().signed_by(&anchor);
    assert_eq!(verdict(presenting(&other), identity(exactly(&[&anchor]))).await, UNKNOWN_ISSUER);
    // The same key and the same names in other bytes are not the anchor either.
    let twin = server().self_signed_by(anchor.key.clone());
    assert_ne!(twin.der, anchor.der);
    assert_eq!(verdict(presenting(&twin), identity(exactly(&[&anchor]))).await, UNKNOWN_ISSUER);
}

#[actix_rt::test]
async fn a_ca_vouches_for_what_it_issued() {
    let ca = authority("a CA").self_signed();
    let other = authority("another CA").self_signed();
    let leaf = server().for_servers().signed_by(&ca);
    assert_eq!(verdict(presenting(&leaf), identity(issued_by(&[&ca]))).await, ACCEPTED);
    assert_eq!(verdict(presenting(&leaf), identity(issued_by(&[&other, &ca]))).await, ACCEPTED);
    assert_eq!(verdict(presenting(&leaf), identity(system(&[&ca]))).await, ACCEPTED);
    assert_eq!(verdict(presenting(&leaf), identity(issued_by(&[&other]))).await, UNKNOWN_ISSUER);
    let nothing = Trust::Bundle(Bundle::default().into());
    assert_eq!(verdict(presenting(&leaf), identity(nothing)).await, UNKNOWN_ISSUER);
    // Compiled-in roots know no test CA.
    assert_eq!(verdict(presenting(&leaf), identity(system(&[]))).await, UNKNOWN_ISSUER);
}

#[actix_rt::test]
async fn an_intermediate_comes_from_the_backend() {
    let root = authority("a root").self_signed();
    let intermediate = authority("an intermediate").signed_by(&root);
    let leaf = server().signed_by(&intermediate);
    let whole = presenting(&leaf).with_intermediate(&intermediate);
    assert_eq!(verdict(whole, identity(issued_by(&[&root]))).await, ACCEPTED);
    assert_eq!(verdict(presenting(&leaf), identity(issued_by(&[&root]))).await, UNKNOWN_ISSUER);
    // An intermediate may be the anchor.
    assert_eq!(verdict(presenting(&leaf), identity(issued_by(&[&intermediate]))).await, ACCEPTED);
}

/// What the log says of a refusal.
async fn told(backend: Config, identity: TlsIdentity) -> String {
    let peer = Peer::tls(backend).await;
    let bench = Bench::new();
    bench.exchange(&secured(peer.address, identity)).await.expect_err("is refused");
    bench.seen.last().detail
}

#[actix_rt::test]
async fn the_remedy_names_the_ca_that_is_missing() {
    let stranger = authority("a stranger").self_signed();
    let root = authority("a root").self_signed();
    let intermediate = authority("an intermediate").signed_by(&root);
    let below = server().signed_by(&intermediate);
    let ended = authority("a root").from(now() - 2 * HOUR).until(now() - HOUR).self_signed_by(root.key.clone());
    for (backend, trusted, remedy) in [
        (presenting(&server().self_signed()), &stranger, "is self-signed: add exactly this certificate"),
        (
            presenting(&below),
            &stranger,
            "Add the CA `CN=an intermediate` to caCertificateRefs; or, if it is an intermediate of one that is there, have",
        ),
        (
            presenting(&below).with_intermediate(&intermediate),
            &stranger,
            "Add the CA `CN=an intermediate`, or `CN=a root`, which has issued it, to caCertificateRefs.",
        ),
        (
            presenting(&below).with_intermediate(&root).with_intermediate(&intermediate),
            &stranger,
            "Add the CA `CN=a root` to caCertificateRefs.",
        ),
        (presenting(&server().signed_by(&root)), &ended, "The CA `CN=a root` is trusted, but valid from "),
    ] {
        let told = told(backend, identity(issued_by(&[trusted]))).await;
        assert!(told.contains(remedy), "{remedy}\nin {told}");
    }
}

#[actix_rt::test]
async fn no_name_is_offered_that_a_policy_cannot_demand() {
    let ca = authority("a CA").self_signed();
    let sni = identity(issued_by(&[&ca]));
    let listed = TlsIdentity {
        names: PeerNames::AnyOf(vec![SubjectAltName::Hostname("listed.test".into())]),
        ..identity(issued_by(&[&ca]))
    };
    let other = || certificate("example.com").not_ca();
    for (recipe, identity, remedy) in [
        (
            other(),
            &sni,
            "The certificate carries no subjectAltName (its CN does not count): issue one that carries DNS:example.com.",
        ),
        (
            other().ip("192.0.2.1"),
            &sni,
            "The certificate carries no name that a policy can demand (IP:192.0.2.1; its CN does not count): issue one",
        ),
        (
            other().dns("a.test").ip("192.0.2.1"),
            &sni,
            "Set validation.hostname or subjectAltNames to a name that the certificate carries (DNS:a.test; its CN",
        ),
        (
            other().dns("a.test").dns("*.b.test"),
            &sni,
            "Set validation.hostname (no wildcard, no URI) or subjectAltNames to a name that the certificate carries \
             (DNS:a.test DNS:*.b.test;",
        ),
        (
            other().dns("*.b.test"),
            &sni,
            "Set subjectAltNames to a name that the certificate carries (DNS:*.b.test; its CN does not count), or \
             validation.hostname to a name one label below DNS:*.b.test, or issue one that carries DNS:example.com.",
        ),
        (
            other().uri("spiffe://a/b"),
            &sni,
            "Set subjectAltNames to a name that the certificate carries (URI:spiffe://a/b;",
        ),
        (
            other().dns("a.test").dns("*.b.test"),
            &listed,
            "Set subjectAltNames to a name that the certificate carries (DNS:a.test DNS:*.b.test; its CN does not count), \
             or issue one that carries DNS:listed.test.",
        ),
    ] {
        let told = told(presenting(&recipe.signed_by(&ca)), identity.clone()).await;
        assert!(told.contains(remedy), "{remedy}\nin {told}");
    }
}

#[actix_rt::test]
async fn of_many_names_the_first_are_told_and_how_many_more_there_are() {
    let ca = authority("a CA").self_signed();
    let names = (0..60).fold(certificate("many").not_ca(), |recipe, number| recipe.dns(&format!("name-{number}.test")));
    let told = told(presenting(&names.signed_by(&ca)), identity(issued_by(&[&ca]))).await;
    assert!(
        told.starts_with("the certificate does not carry the name example.com; presented: subject CN=many"),
        "{told}"
    );
    assert!(told.contains("DNS:name-15.test and 44 more, issuer") && !told.contains("name-16.test"), "{told}");
}

#[actix_rt::test]
async fn what_is_no_certificate_is_told_in_words() {
    let junk = server().self_signed().presenting(vec![0x30, 0x03, 0x02, 0x01, 0x2a]);
    let told = told(presenting(&junk), identity(exactly(&[&server().self_signed()]))).await;
    let words = "the certificate cannot be read; presented a certificate that does not parse: it is no X.509 certificate in DER";
    assert!(told.starts_with(words), "{told}");
}

#[actix_rt::test]
async fn a_ca_that_may_not_issue_for_a_name_is_said_to_be_to_blame() {
    let ca = authority("a CA").only_below("elsewhere.test").self_signed();
    let told = told(presenting(&server().signed_by(&ca)), identity(issued_by(&[&ca]))).await;
    assert!(told.contains("The name constraints of a CA in the chain do not permit a name"), "{told}");
}

#[actix_rt::test]
async fn the_remedy_names_the_certificate_that_is_out_of_its_dates() {
    let root = authority("a root").self_signed();
    let stray = authority("an old root").from(now() - 9 * HOUR).until(now() - 8 * HOUR).self_signed();
    let remedy = async |backend: Config| told(backend, identity(issued_by(&[&root]))).await;
    let end = now() - HOUR;
    let ended = server().from(end - HOUR).until(end).signed_by(&root);
    let told = remedy(presenting(&ended).with_intermediate(&stray)).await;
    assert!(told.contains(&format!("Renew the certificate `CN=a backend`, which expired at {},", day(end))), "{told}");
    let old = authority("an intermediate").from(now() - 4 * HOUR).until(now() - 3 * HOUR).signed_by(&root);
    let below = server().signed_by(&old);
    let told = remedy(presenting(&below).with_intermediate(&stray).with_intermediate(&old)).await;
    assert!(told.contains("Renew the certificate `CN=an intermediate`"), "{told}");
    let begin = now() + 2 * HOUR;
    let early = authority("an intermediate").from(begin).signed_by(&root);
    let told = remedy(presenting(&server().signed_by(&early)).with_intermediate(&early)).await;
    assert!(told.contains(&format!("The certificate `CN=an intermediate` is valid from {} on", day(begin))), "{told}");
}

#[actix_rt::test]
async fn dates_are_checked_on_both_paths() {
    let ca = authority("a CA").self_signed();
    let late = server().from(now() - 2 * HOUR).until(now() - HOUR);
    let expired = late.signed_by(&ca);
    assert_eq!(verdict(presenting(&expired), identity(issued_by(&[&ca]))).await, EXPIRED);
    assert_eq!(verdict(presenting(&expired), identity(exactly(&[&expired]))).await, EXPIRED);
    let early = server().from(now() + HOUR).signed_by(&ca);
    let not_yet = (HandshakeResult::NotYetValid, Some("NotValidYet"));
    assert_eq!(verdict(presenting(&early), identity(issued_by(&[&ca]))).await, not_yet);
    assert_eq!(verdict(presenting(&early), identity(exactly(&[&early]))).await, not_yet);
}

#[actix_rt::test]
async fn an_anchor_issues_only_inside_its_dates() {
    let old = authority("an old CA").from(now() - 2 * HOUR).until(now() - HOUR).self_signed();
    let next = authority("the next CA").from(now() + HOUR).self_signed();
    for ca in [&old, &next] {
        let leaf = server().signed_by(ca);
        assert_eq!(verdict(presenting(&leaf), identity(issued_by(&[ca]))).await, UNKNOWN_ISSUER);
        assert_eq!(verdict(presenting(&leaf), identity(system(&[ca]))).await, UNKNOWN_ISSUER);
    }
}

#[actix_rt::test]
async fn the_anchors_dates_are_those_of_the_handshake() {
    let ca = authority("a CA").until(now() + HOUR).self_signed();
    let next = authority("the next CA").from(now() + 2 * HOUR).self_signed();
    let peer = Peer::tls(presenting(&server().signed_by(&ca)).without_memory()).await;
    let bench = Bench::new();
    let backend = secured(peer.address, identity(issued_by(&[&ca, &next])));
    bench.tls(&backend).await;
    bench.clock.advance(3 * HOUR);
    let failure = bench.exchange(&backend).await.expect_err("the CA has expired");
    assert_eq!(failure.certificate_error, Some("UnknownIssuer"));
    peer.present(&presenting(&server().signed_by(&next)).without_memory());
    bench.tls(&backend).await;
}

#[actix_rt::test]
async fn an_extended_key_usage_must_permit_servers() {
    let ca = authority("a CA").self_signed();
    let refused = (HandshakeResult::BadPurpose, Some("InvalidPurpose"));
    let for_clients = server().for_clients().signed_by(&ca);
    assert_eq!(verdict(presenting(&for_clients), identity(issued_by(&[&ca]))).await, refused);
    assert_eq!(verdict(presenting(&for_clients), identity(exactly(&[&for_clients]))).await, refused);
    let for_both = server().for_clients().for_servers().signed_by(&ca);
    assert_eq!(verdict(presenting(&for_both), identity(exactly(&[&for_both]))).await, ACCEPTED);
}

#[actix_rt::test]
async fn without_subject_alt_names_the_sni_is_the_name() {
    let ca = authority("a CA").self_signed();
    let wildcard = certificate("a backend").dns("*.com").dns("*.example.com").signed_by(&ca);
    assert_eq!(verdict(presenting(&wildcard), identity(issued_by(&[&ca]))).await, NAME_MISMATCH);
    let shop = TlsIdentity { sni: "shop.example.com".into(), ..identity(issued_by(&[&ca])) };
    assert_eq!(verdict(presenting(&wildcard), shop).await, ACCEPTED);
    // The CN never counts.
    for common_name_only in [certificate("example.com").signed_by(&ca), certificate("example.com").self_signed()] {
        let trust =
            Trust::Bundle(Bundle { issuers: vec![ca.der.clone()], leaves: vec![common_name_only.der.clone()] }.into());
        assert_eq!(verdict(presenting(&common_name_only), identity(trust)).await, NAME_MISMATCH);
    }
}

#[actix_rt::test]
async fn with_subject_alt_names_one_of_them_is_the_name_and_the_sni_is_not() {
    let ca = authority("a CA").self_signed();
    let shop = "spiffe://example.com/ns/default/sa/shop";
    let host = |name: &str| SubjectAltName::Hostname(name.into());
    let uri = |name: &str| SubjectAltName::Uri(name.into());
    let by_name = certificate("a").dns("a.internal").signed_by(&ca);
    let by_wildcard = certificate("a").dns("*.internal").signed_by(&ca);
    let by_uri = certificate("a").uri(shop).signed_by(&ca);
    let by_sni = server().signed_by(&ca);
    for (presented, names, expected) in [
        (&by_name, vec![host("a.internal")], ACCEPTED),
        (&by_name, vec![host("b.internal"), uri("x:y"), host("a.internal")], ACCEPTED),
        (&by_name, vec![host("*.internal")], ACCEPTED),
        (&by_name, vec![host("b.internal")], NAME_MISMATCH),
        (&by_wildcard, vec![host("a.internal")], NAME_MISMATCH),
        (&by_wildcard, vec![host("*.internal")], ACCEPTED),
        (&by_uri, vec![uri(shop)], ACCEPTED),
        (&by_uri, vec![uri("spiffe://example.com/ns/default/sa/SHOP")], NAME_MISMATCH),
        (&by_uri, vec![host("example.com")], NAME_MISMATCH),
        (&by_sni, vec![host("a.internal")], NAME_MISMATCH),
    ] {
        let demanded = format!("{names:?}");
        let identity = TlsIdentity { names: PeerNames::AnyOf(names), ..identity(issued_by(&[&ca])) };
        assert_eq!(verdict(presenting(presented), identity.clone()).await, expected, "{demanded}");
        let identity = TlsIdentity { trust: exactly(&[presented]), ..identity };
        assert_eq!(verdict(presenting(presented), identity).await, expected, "{demanded}, as a leaf anchor");
    }
}

#[actix_rt::test]
async fn a_pin_is_demanded_beside_the_chain() {
    let ca = authority("a CA").self_signed();
    let leaf = server().signed_by(&ca);
    let pinned = |trust: Trust, to: &[&Issued]| TlsIdentity {
        pins: to.iter().map(|issued| issued.pin()).collect::<BTreeSet<_>>(),
        ..identity(trust)
    };
    let mismatch = (HandshakeResult::PinMismatch, Some("ApplicationVerificationFailure"));
    assert_eq!(verdict(presenting(&leaf), pinned(issued_by(&[&ca]), &[&ca, &leaf])).await, ACCEPTED);
    assert_eq!(verdict(presenting(&leaf), pinned(issued_by(&[&ca]), &[&ca])).await, mismatch);
    assert_eq!(verdict(presenting(&leaf), pinned(exactly(&[&leaf]), &[&ca])).await, mismatch);
    let other = authority("another CA").self_signed();
    assert_eq!(verdict(presenting(&leaf), pinned(issued_by(&[&other]), &[&leaf])).await, UNKNOWN_ISSUER);
}

#[actix_rt::test]
async fn a_leaf_anchor_proves_that_it_has_the_key() {
    let anchor = server().self_signed();
    // The right bytes, presented by one who has another key.
    let thief = server().self_signed().presenting(anchor.der.to_vec());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let refused = verdict(presenting(&thief).speaking(version), identity(exactly(&[&anchor]))).await;
        assert_eq!(refused, (HandshakeResult::BadSignature, Some("BadSignature")));
    }
}

#[actix_rt::test]
async fn what_is_no_certificate_is_said_to_be_none() {
    let ca = authority("a CA").self_signed();
    let leaf = server().signed_by(&ca);
    let junk = leaf.presenting(vec![0x30, 0x03, 0x02, 0x01, 0x01]);
    let refused = (HandshakeResult::BadEncoding, Some("BadEncoding"));
    assert_eq!(verdict(presenting(&junk), identity(issued_by(&[&ca]))).await, refused);
    let v1 = server().self_signed().as_v1();
    let refused = (HandshakeResult::BadEncoding, Some("UnsupportedCertVersion"));
    assert_eq!(verdict(presenting(&v1), identity(exactly(&[&v1]))).await, refused);
}

#[actix_rt::test]
async fn a_signature_must_be_good_and_of_a_known_kind() {
    let ca = authority("a CA").self_signed();
    let impostor = authority("a CA").self_signed();
    let forged = server().signed_by(&impostor);
    let refused = (HandshakeResult::BadSignature, Some("BadSignature"));
    assert_eq!(verdict(presenting(&forged), identity(issued_by(&[&ca]))).await, refused);
    let odd = server().signed_by(&ca).with_unsupported_signature();
    let refused = (HandshakeResult::UnsupportedAlgorithm, Some("UnsupportedSignatureAlgorithm"));
    assert_eq!(verdict(presenting(&odd), identity(issued_by(&[&ca]))).await, refused);
}

#[actix_rt::test]
async fn an_unknown_critical_extension_is_refused_as_something_else() {
    let ca = authority("a CA").self_signed();
    let odd = server().with_unknown_critical_extension().signed_by(&ca);
    let (result, name) = verdict(presenting(&odd), identity(issued_by(&[&ca]))).await;
    assert_eq!((result, name), (HandshakeResult::Other, Some("UnsupportedCriticalExtension")));
}

#[actix_rt::test]
async fn the_log_says_what_was_presented_what_was_demanded_and_what_to_do() {
    let ca = authority("the CA of the backend").self_signed();
    let other = authority("the CA of the policy").self_signed();
    let peer = Peer::tls(presenting(&server().signed_by(&ca))).await;
    let bench = Bench::new();
    let failure = bench.exchange(&secured(peer.address, identity(issued_by(&[&other])))).await.expect_err("is refused");
    for part in [
        "CN=a backend",
        "DNS:example.com",
        "issuer CN=the CA of the backend",
        "demanded: DNS:example.com",
        "trusted: CN=the CA of the policy (may issue",
        "Add the CA `CN=the CA of the backend` to caCertificateRefs",
    ] {
        assert!(failure.message.contains(part), "{part} in {}", failure.message);
    }
    assert_eq!(failure.endpoint, Some(peer.address));
    assert_eq!(bench.seen.last().sni, "example.com");
    assert_eq!(bench.seen.last().timed, [false, true, true]);
}
