//! Reads the JSON of a schema into what the engine works with.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::pattern::Pattern;
use super::structure::{Schema, Type, Unique};

/// A schema as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(default)]
    definitions: BTreeMap<String, Written>,
    #[serde(rename = "type", default)]
    kind: Type,
    #[serde(default)]
    nullable: bool,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    properties: BTreeMap<String, Written>,
    additional_properties: Option<Box<Written>>,
    items: Option<Box<Written>>,
    #[serde(rename = "enum", default)]
    one_of: Vec<Value>,
    pattern: Option<String>,
    format: Option<String>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    min_items: Option<u64>,
    max_items: Option<u64>,
    min_properties: Option<u64>,
    max_properties: Option<u64>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    #[serde(rename = "x-kubernetes-list-type")]
    list_type: Option<String>,
    #[serde(rename = "x-kubernetes-list-map-keys", default)]
    list_keys: Vec<String>,
    #[serde(rename = "x-kubernetes-int-or-string", default)]
    int_or_string: bool,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields", default)]
    keeps_unknown: bool,
}

impl Schema {
    /// A schema of ours; a test reads every one of them.
    pub(super) fn embedded(text: &str) -> Self {
        let mut written: Written = serde_json::from_str(text).expect("the embedded schemas are well-formed");
        let definitions = std::mem::take(&mut written.definitions);
        Compiler { definitions, done: HashMap::new() }.compile(written)
    }
}

struct Compiler {
    definitions: BTreeMap<String, Written>,
    done: HashMap<String, Arc<Schema>>,
}

impl Compiler {
    fn share(&mut self, written: Written) -> Arc<Schema> {
        let Some(name) = written.reference else { return Arc::new(self.compile(written)) };
        if let Some(done) = self.done.get(&name) {
            return Arc::clone(done);
        }
        let definition =
            self.definitions.remove(&name).expect("a $ref names a definition that does not contain itself");
        let schema = Arc::new(self.compile(definition));
        self.done.insert(name, Arc::clone(&schema));
        schema
    }

    fn compile(&mut self, written: Written) -> Schema {
        let unique = match written.list_type.as_deref() {
            Some("set") => Some(Unique::Items),
            Some("map") => Some(Unique::Keys(written.list_keys)),
            _ => None,
        };
        Schema {
            kind: if written.int_or_string { Type::IntOrString } else { written.kind },
            nullable: written.nullable,
            required: written.required,
            fields: written.properties.into_iter().map(|(name, field)| (name, self.share(field))).collect(),
            values: written.additional_properties.map(|values| self.share(*values)),
            keeps_unknown: written.keeps_unknown,
            items: written.items.map(|items| self.share(*items)),
            unique,
            length: (written.min_length, written.max_length),
            count: (written.min_items.or(written.min_properties), written.max_items.or(written.max_properties)),
            range: integer_range(written.format.as_deref(), written.minimum, written.maximum),
            one_of: written.one_of,
            pattern: written.pattern.map(|pattern| Pattern::embedded(&pattern)),
            is_time: written.format.as_deref() == Some("date-time"),
        }
    }
}

fn integer_range(format: Option<&str>, least: Option<i64>, most: Option<i64>) -> (Option<i64>, Option<i64>) {
    match format {
        Some("int32") => (least.or(Some(i32::MIN.into())), most.or(Some(i32::MAX.into()))),
        Some("int64") => (least, most.or(Some(i64::MAX))),
        _ => (least, most),
    }
}
