//! A small engine for structural OpenAPI schemas: types, required fields, sizes, ranges, patterns, enums, unique items.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::pattern::Pattern;
use super::{FieldPath, Report};
use crate::resources::suggest::closest;

/// What a value must look like.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) kind: Type,
    pub(super) nullable: bool,
    pub(super) required: Vec<String>,
    pub(super) fields: BTreeMap<String, Arc<Schema>>,
    /// What the keys of a map lead to, where the user chooses them.
    pub(super) values: Option<Arc<Schema>>,
    pub(super) keeps_unknown: bool,
    pub(super) items: Option<Arc<Schema>>,
    pub(super) unique: Option<Unique>,
    pub(super) length: (Option<u64>, Option<u64>),
    pub(super) count: (Option<u64>, Option<u64>),
    pub(super) range: (Option<i64>, Option<i64>),
    pub(super) one_of: Vec<Value>,
    pub(super) pattern: Option<Arc<Pattern>>,
    pub(super) is_time: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    /// Anything.
    #[default]
    Any,
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    /// `x-kubernetes-int-or-string`
    #[serde(skip)]
    IntOrString,
}

/// How the items of a list differ.
#[derive(Debug)]
pub(super) enum Unique {
    /// As a whole: `x-kubernetes-list-type: set`.
    Items,
    /// In these fields: `x-kubernetes-list-type: map`.
    Keys(Vec<String>),
}

impl Schema {
    /// Tells everything that is wrong with `value`. `also_known` are fields that are checked elsewhere.
    pub(super) fn check(&self, value: &Value, path: &FieldPath<'_>, also_known: &[&str], report: &mut Report) {
        if value.is_null() && self.nullable {
            return;
        }
        if !self.kind.admits(value) {
            let demand = self.kind.in_words();
            let message = format!("must be {demand}, not {}{}", type_of(value), shown(value, report));
            return report.refuse_structure(path, message, self.kind.remedy(value));
        }
        match value {
            Value::Object(map) => self.check_object(map, path, also_known, report),
            Value::Array(items) => self.check_array(items, path, report),
            Value::String(text) => self.check_string(text, path, report),
            Value::Number(number) => self.check_number(number.as_i64(), path, report),
            Value::Null | Value::Bool(_) => {}
        }
        if !self.one_of.is_empty() && !self.one_of.contains(value) {
            let words: Vec<String> = self.one_of.iter().map(plain).filter(|word| !word.is_empty()).collect();
            let hint = value.as_str().and_then(|text| closest(text, words.iter().map(String::as_str)));
            let hint = hint.map_or_else(|| one_of(&words), |word| format!("did you mean `{word}`?"));
            report.refuse(path, format!("must be one of {}{}", words.join(", "), shown(value, report)), hint);
        }
    }

    fn check_object(
        &self,
        map: &serde_json::Map<String, Value>,
        path: &FieldPath<'_>,
        also_known: &[&str],
        report: &mut Report,
    ) {
        for name in &self.required {
            if map.get(name).is_none_or(Value::is_null) {
                report.refuse_structure(&path.field(name), "is required", self.hint_for_missing(name));
            }
        }
        bounds(map.len(), self.count, "entries", path, report);
        for (name, value) in map {
            match (self.fields.get(name), &self.values) {
                // Null is as good as absent, unless the field is required, which was seen to above.
                (Some(_), _) if value.is_null() => {}
                (Some(field), _) => field.check(value, &path.field(name), &[], report),
                (None, Some(entry)) => entry.check(value, &path.key(name), &[], report),
                (None, None) if self.keeps_unknown || self.kind == Type::Any => {}
                (None, None) if also_known.contains(&name.as_str()) => {}
                (None, None) => {
                    let field = path.field(name);
                    let below = self.fields.iter().find(|(_, field)| field.fields.contains_key(name));
                    let hint = match (closest(name, self.fields.keys().map(String::as_str)), below) {
                        (Some(word), _) => format!("did you mean `{word}`?"),
                        (None, Some((parent, _))) => format!("it belongs into `{parent}`: here it has no effect"),
                        (None, None) => "remove it, or move it to where it belongs: here it has no effect".into(),
                    };
                    report.warn(&field, format!("unknown field \"{field}\""), hint);
                }
            }
        }
    }

    /// What to write for a field that is required.
    fn hint_for_missing(&self, name: &str) -> String {
        match self.fields.get(name) {
            // "When unspecified or empty string, core API group is inferred", and where it is required, it is written.
            Some(_) if name == "group" => {
                "write `group: \"\"` for the core group, of Service, ConfigMap and Secret".into()
            }
            Some(field) => one_of(&field.one_of.iter().map(plain).collect::<Vec<_>>()),
            None => String::new(),
        }
    }

    fn check_array(&self, items: &[Value], path: &FieldPath<'_>, report: &mut Report) {
        bounds(items.len(), self.count, "items", path, report);
        if let Some(schema) = &self.items {
            for (index, item) in items.iter().enumerate() {
                schema.check(item, &path.index(index), &[], report);
            }
        }
        let Some(unique) = &self.unique else { return };
        let mut seen: HashMap<String, usize> = HashMap::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let identity = match unique {
                Unique::Items => item.to_string(),
                Unique::Keys(keys) => match keys.iter().map(|key| item.get(key).map(Value::to_string)).collect() {
                    Some::<Vec<String>>(parts) => parts.join(","),
                    None => continue,
                },
            };
            if let Some(first) = seen.get(&identity) {
                let message = match unique {
                    Unique::Items => format!("is the same as item {first}"),
                    Unique::Keys(keys) => format!("has the same {} as item {first}{}", keys.join(", "), {
                        if keys.len() == 1 { shown(&item[&keys[0]], report) } else { String::new() }
                    }),
                };
                report.refuse(&path.index(index), message, "remove one of the two, or make them differ");
            } else {
                seen.insert(identity, index);
            }
        }
    }

    fn check_string(&self, text: &str, path: &FieldPath<'_>, report: &mut Report) {
        if self.length != (None, None) {
            bounds(text.chars().count(), self.length, "characters", path, report);
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            // The empty string is already too short where it must not be.
            if !(text.is_empty() && self.length.0 > Some(0)) {
                report.refuse(path, format!("{}{}", pattern.demand(), report.shown(text)), hint_for(text, pattern));
            }
        }
        if self.is_time && !is_rfc3339(text) {
            report.refuse(
                path,
                format!("must be a time as RFC 3339 writes it{}", report.shown(text)),
                "for example `2025-07-07T10:04:00Z`",
            );
        }
    }

    fn check_number(&self, number: Option<i64>, path: &FieldPath<'_>, report: &mut Report) {
        let (least, most) = self.range;
        let too_small = least.is_some_and(|least| number.is_some_and(|number| number < least));
        let too_large = most.is_some_and(|most| number.is_none_or(|number| number > most));
        if too_small || too_large {
            let message = match (least, most) {
                (Some(least), Some(most)) => format!("must be between {least} and {most}"),
                (Some(least), None) => format!("must be at least {least}"),
                (None, most) => format!("must be at most {}", most.unwrap_or_default()),
            };
            let number = number.map_or_else(String::new, |number| report.shown(&number.to_string()).replace('"', ""));
            report.refuse(path, message + &number, "");
        }
    }
}

impl Type {
    fn admits(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::IntOrString => value.is_string() || value.is_i64(),
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Object => "a map",
            Self::Array => "a list",
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::IntOrString => "an integer or a string",
        }
    }

    fn remedy(self, value: &Value) -> &'static str {
        match (self, value) {
            (Self::String, Value::Bool(_)) => {
                "quote it: YAML takes y, n, yes, no, on, off, true and false for booleans"
            }
            (Self::String, Value::Number(_)) => "quote it",
            (Self::Integer | Self::Number | Self::Boolean, Value::String(_)) => "remove the quotes",
            (Self::Array, _) => "begin each item with `- `",
            (Self::Object, _) => "write `key: value` lines, indented below it",
            _ => "",
        }
    }
}

fn bounds(
    size: usize,
    (least, most): (Option<u64>, Option<u64>),
    what: &str,
    path: &FieldPath<'_>,
    report: &mut Report,
) {
    let size = size as u64;
    match (least, most) {
        (Some(1), _) if size == 0 => report.refuse(path, "must not be empty", ""),
        (Some(least), _) if size < least => {
            report.refuse(path, format!("must have at least {least} {what}, has {size}"), "");
        }
        (_, Some(most)) if size > most => {
            report.refuse_structure(path, format!("must have at most {most} {what}, has {size}"), "");
        }
        _ => {}
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn shown(value: &Value, report: &Report) -> String {
    match value {
        Value::String(text) => report.shown(text),
        Value::Bool(_) | Value::Number(_) => report.shown(&value.to_string()).replace('"', ""),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What to write where only these words may stand; empty where they are too many for a hint.
fn one_of(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [first, others @ ..] if words.len() <= 3 => {
            others.iter().fold(format!("write {first}"), |hint, word| hint + " or " + word)
        }
        _ => String::new(),
    }
}

fn hint_for(text: &str, pattern: &Pattern) -> String {
    let lower = text.to_lowercase();
    if lower != text && pattern.is_match(&lower) {
        format!("write `{lower}`")
    } else if text.starts_with("*.") && pattern.is_match(&text[2..]) {
        format!("name one host, for example `{}`: a wildcard is not permitted here", &text[2..])
    } else if text.trim() != text && pattern.is_match(text.trim()) {
        "remove the blanks".into()
    } else {
        match (closest(text, pattern.examples()), pattern.examples().next()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(first)) => format!("write for example `{first}`"),
            (None, None) => String::new(),
        }
    }
}

/// RFC 3339 section 5.6.
fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes[10].eq_ignore_ascii_case(&b'T') && text.parse::<jiff::Timestamp>().is_ok()
}
