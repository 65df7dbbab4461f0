use proptest::prelude::*;

use super::{NoPath, RequestPath, normalize};

fn normal(path: &str) -> Result<String, NoPath> {
    normalize(path, &mut "left over".to_owned()).map(str::to_owned)
}

#[test]
fn no_spelling_passes_the_border_of_a_route() {
    for (path, expected) in [
        ("/public/../admin", "/admin"),
        ("/public/%2e%2e/admin", "/admin"),
        ("/public/.%2E/admin", "/admin"),
        ("/public//../admin", "/admin"),
        ("/public/..//admin", "/admin"),
        ("/public/.;/x", "/public/x"),
        ("//admin", "/admin"),
        ("/./admin", "/admin"),
        ("/%61dmin", "/admin"),
        ("/%41dmin", "/Admin"),
        ("/admin%2f", "/admin/"),
        ("/admin\\x", "/admin/x"),
        ("/a/./b", "/a/b"),
        ("/a/.", "/a/"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("/.", "/"),
        ("//", "/"),
        ("///a///", "/a/"),
    ] {
        assert_eq!(normal(path).as_deref(), Ok(expected), "{path}");
    }
}

#[test]
fn what_is_no_trick_is_left_alone() {
    for path in [
        "/",
        "/a/b/",
        "/a.b/..c/d../...",
        "/.well-known/acme-challenge/x",
        "/a;b=c/d,e:f@g!$&'()*+=~_-",
        "/;a",
        "/a%20b",
        "/%C3%A9",
        "/%3Fa%23b",
        "*",
        "",
    ] {
        assert_eq!(normal(path).as_deref(), Ok(path));
    }
}

#[test]
fn escapes_have_one_spelling_and_are_decoded_once() {
    for (path, expected) in [
        ("/public/%252e%252e/admin", "/public/%252e%252e/admin"),
        ("/%252f", "/%252f"),
        ("/%c3%a9", "/%C3%A9"),
        ("/é", "/%C3%A9"),
        ("/a\"b", "/a%22b"),
        ("/%zz", "/%25zz"),
        ("/50%", "/50%25"),
        ("/%4", "/%254"),
        ("/%%36%31", "/%2561"),
        ("/x%3acancel", "/x:cancel"),
        ("/%0d%0a", "/%0D%0A"),
    ] {
        assert_eq!(normal(path).as_deref(), Ok(expected), "{path}");
    }
}

#[test]
fn what_nobody_means_well_by_is_refused() {
    for path in ["/..", "/../admin", "/%2e%2e/admin", "/a/../..", "/a/..//../b", "//..", "/./.."] {
        assert_eq!(normal(path), Err(NoPath::Climbs), "{path}");
    }
    for path in [
        "/public/..%2fadmin",
        "/public%2f..%2Fadmin",
        "/public%2f../admin",
        "/public/..\\admin",
        "/public/..%5cadmin",
        "/public/..;/admin",
        "/public/..;a=b/admin",
        "/public/..%3B/admin",
        "/admin/%2e%2e%2fx",
        "/..;x",
        "/%2f..",
    ] {
        assert_eq!(normal(path), Err(NoPath::Doubtful), "{path}");
    }
    for path in ["/%00", "/public/%00/../admin", "/a%00.html"] {
        assert_eq!(normal(path), Err(NoPath::Nul), "{path}");
    }
}

#[test]
fn a_normal_path_is_not_copied() {
    let (path, mut buffer) = ("/api/v1/items", String::new());
    let same = std::ptr::eq(normalize(path, &mut buffer).unwrap(), path);
    assert!(same && buffer.capacity() == 0);
}

#[test]
fn the_rest_is_as_sent_unless_the_prefix_is_not_where_it_seems() {
    for (sent, prefix, expected) in [
        ("/foo/bar", "/foo", Some("/bar")),
        ("/foo/group%2Fname", "/foo", Some("/group%2Fname")),
        ("/foo//bar", "/foo", Some("//bar")),
        ("/foo/a/../b", "/foo", Some("/a/../b")),
        ("/foo/%41%3b", "/foo", Some("/%41%3b")),
        ("/foo/../foo/bar", "/foo", Some("/bar")),
        ("/foo/x/../../foo/bar%3b", "/foo", Some("/bar;")),
        ("/%66oo/bar%3b", "/foo", Some("/bar;")),
        ("//foo/bar", "/foo", Some("/bar")),
        ("/foo%2Fbar", "/foo", Some("/bar")),
        ("/foo/bar", "/%66oo/", Some("/bar")),
        ("/x/..", "/", Some("/x/..")),
        ("/foo%2e", "/foo", None),
        ("/foo/../bar", "/foo", None),
    ] {
        let normal = normal(sent).unwrap();
        let path = RequestPath { sent, normal: &normal };
        assert_eq!(path.rest_after(prefix), expected, "{sent} after {prefix}");
    }
}

/// Text that is made of what paths are attacked with.
fn hostile() -> impl Strategy<Value = String> {
    let piece = "(/|\\.|%2e|%2F|%5c|\\\\|;|a|%61|%25|%|2|e|f|%C3|é|%3b|\")";
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #[test]
    fn a_normal_form_is_its_own_normal_form(path in hostile()) {
        if let Ok(once) = normal(&path) {
            prop_assert_eq!(normal(&once), Ok(once.clone()));
        }
    }

    #[test]
    fn a_normal_form_has_no_empty_and_no_dot_segment(path in hostile()) {
        if let Ok(normal) = normal(&path) {
            prop_assert!(normal.starts_with('/') && !normal.contains("//") && !normal.contains('\\'), "{}", normal);
            for segment in normal.split('/') {
                let name = segment.split(';').next().unwrap_or_default();
                prop_assert!(name != "." && name != "..", "{}", normal);
            }
            let escapes_slash = ["%2f", "%5c", "%2e", "%61"].iter().any(|escape| normal.to_lowercase().contains(escape));
            prop_assert!(!escapes_slash, "{}", normal);
        }
    }

    #[test]
    fn a_path_without_anything_special_is_itself(path in "(/[a-zA-Z0-9_~:@!,-]{1,6}){1,6}/?") {
        prop_assert_eq!(normal(&path), Ok(path.clone()));
    }

    #[test]
    fn any_letter_may_be_escaped(path in "(/[a-z.]{0,3}){1,5}", escaped: u16) {
        let spelt: String = path
            .bytes()
            .enumerate()
            .map(|(at, byte)| if at > 0 && escaped >> (at % 16) & 1 == 1 {
                format!("%{byte:02x}")
            } else {
                char::from(byte).to_string()
            })
            .collect();
        let spelt = normal(&spelt);
        prop_assert!(spelt == normal(&path) || spelt == Err(NoPath::Doubtful), "{:?}", spelt);
    }

    #[test]
    fn nothing_panics(path: String) {
        let _ = normal(&path);
    }

    /// Whatever stands in for the prefix, the backend is led no further up than the prefix.
    #[test]
    fn a_rest_stays_below_its_prefix(path in hostile()) {
        if let Ok(normal_form) = normal(&path) {
            let request = RequestPath { sent: &path, normal: &normal_form };
            if let Some(rest) = request.rest_after("/a") {
                let below = normal(&format!("/a{rest}"));
                prop_assert_eq!(below.as_ref(), Ok(&normal_form));
                prop_assert!(rest.is_empty() || normal(rest).is_ok(), "{}", rest);
            }
        }
    }
}
