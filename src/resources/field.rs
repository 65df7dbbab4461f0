//! Names of fields, as messages write them: `spec.rules[0].backendRefs[1].port`, `metadata.labels[app.kubernetes.io/name]`.
//!
//! A [`FieldPath`] lives on the stack of whoever walks an object; it becomes text only when something is wrong.

use std::fmt;

/// One step below its parent.
#[derive(Debug, Clone, Copy)]
pub struct FieldPath<'a> {
    parent: Option<&'a FieldPath<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Name(&'a str),
    Key(&'a str),
    Index(usize),
}

impl<'a> FieldPath<'a> {
    /// The whole object.
    pub const fn root() -> Self {
        Self { parent: None, step: Step::Root }
    }

    /// A field of an object: `.name`.
    #[must_use]
    pub fn field(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Name(name) }
    }

    /// An entry of a map whose keys the user chooses: `[key]`.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Key(key) }
    }

    /// An item of a list: `[index]`.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for FieldPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        let first = self.parent.is_none_or(|parent| matches!(parent.step, Step::Root));
        match self.step {
            Step::Root => Ok(()),
            Step::Name(name) if first => f.write_str(shown(name)),
            Step::Name(name) => write!(f, ".{}", shown(name)),
            Step::Key(key) => write!(f, "[{}]", shown(key)),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A name without what may be a key: by a slip a PEM block can stand in the place of one.
fn shown(name: &str) -> &str {
    name.find("-----BEGIN").map_or(name, |begin| &name[..begin + "-----BEGIN".len()])
}

/// Whether `field` is `ancestor` or below it.
pub fn is_at_or_below(field: &str, ancestor: &str) -> bool {
    ancestor.is_empty()
        || field.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_kubernetes_writes_it() {
        let root = FieldPath::root();
        let spec = root.field("spec");
        let rules = spec.field("rules");
        let rule = rules.index(2);
        let options = rule.field("options");
        assert_eq!(root.to_string(), "");
        assert_eq!(options.key("example.com/x").to_string(), "spec.rules[2].options[example.com/x]");
        assert_eq!(options.key("-----BEGIN PRIVATE KEY-----\nMIGH").to_string(), "spec.rules[2].options[-----BEGIN]");
    }

    #[test]
    fn only_whole_steps_count_as_below() {
        assert!(is_at_or_below("spec.rules[0].name", "spec.rules"));
        assert!(is_at_or_below("spec", ""));
        assert!(!is_at_or_below("spec.rulesets", "spec.rules"));
    }
}
