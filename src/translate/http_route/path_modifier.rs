//! `path` of a URLRewrite or a RequestRedirect.

use postern_actors::plan::filter::PathRewrite;

use crate::resources::http_route::HttpPathModifier;
use crate::status::reason;
use crate::translate::findings::Problem;

/// Builds it; `prefix` is the one prefix that the rule matches, if it does. A path that does not begin with `/` is read as
/// if it did; an empty replacement of a prefix is none (the table of HTTPPathModifier.replacePrefixMatch).
pub(super) fn build(written: &HttpPathModifier, prefix: Option<&str>, field: &str) -> Result<PathRewrite, Problem> {
    let no = |under: &str, message: String, hint: &str| {
        Problem::new(reason::UNSUPPORTED_VALUE, format!("{field}{under}"), message, hint)
    };
    match (written.kind.as_str(), &written.replace_full_path, &written.replace_prefix_match) {
        ("ReplaceFullPath", Some(path), None) => {
            let path =
                absolute(path).map_err(|message| no(".replaceFullPath", message, "write a path without a query"))?;
            Ok(PathRewrite::Full(path))
        }
        ("ReplacePrefixMatch", None, Some(path)) => {
            let matched = prefix.ok_or_else(|| {
                let message = "ReplacePrefixMatch needs a rule with exactly one match, of path type PathPrefix";
                no(".type", message.into(), "split the rule, one PathPrefix match each")
            })?;
            let replacement = if path.is_empty() { Ok(String::new()) } else { absolute(path) };
            let replacement =
                replacement.map_err(|message| no(".replacePrefixMatch", message, "write a path without a query"))?;
            Ok(PathRewrite::Prefix { matched: matched.to_owned(), replacement })
        }
        ("ReplaceFullPath" | "ReplacePrefixMatch", ..) => Err(no(
            "",
            format!("with type {} exactly the field of that name has to be set", written.kind),
            "set replaceFullPath with ReplaceFullPath, replacePrefixMatch with ReplacePrefixMatch",
        )),
        (other, ..) => Err(no(
            ".type",
            format!("path modifier {other} is not supported"),
            "use ReplaceFullPath or ReplacePrefixMatch",
        )),
    }
}

/// A path that can stand in a request line: visible ASCII, without query and fragment.
fn absolute(path: &str) -> Result<String, String> {
    if path.bytes().any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'?' | b'#')) {
        return Err(format!("{path:?} is not a path"));
    }
    Ok(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
}
