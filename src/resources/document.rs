//! Text to documents: YAML with any number of documents, or JSON, as untyped values of which every field knows its line.
//!
//! Scalars get the types that `kubectl` gives them (YAML 1.1 as Kubernetes reads it: an unquoted `on` is a boolean, `010`
//! is eight), so that what is accepted here is accepted there. Lists (`kind: List`, or a typed `XxxList`) are taken apart.
//! This module must not know what an object means, and reads no files.

use serde_json::{Map, Value};

pub use lines::Lines;

mod json;
mod lines;
mod scalar;
mod tree;
mod yaml;

#[cfg(test)]
mod tests;

/// How deep maps and lists may nest. No object we read comes near; without a bound a file could exhaust the stack.
const MAX_DEPTH: usize = 128;

/// One object as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What was written, untyped.
    pub value: Value,
    /// Where.
    pub lines: Lines,
}

/// Text that is neither YAML nor JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {cause}")]
pub struct SyntaxError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub cause: String,
    /// What would mend it.
    pub remedy: String,
}

/// Reads every document of a text; empty ones are left out.
pub fn read(text: &str) -> Result<Vec<Document>, SyntaxError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let documents = if text.trim_start().starts_with(['{', '[']) {
        // A YAML flow mapping begins as JSON does. Where neither can read it, it was most likely meant as JSON.
        json::read(text).or_else(|error| yaml::read(text).map_err(|_| error))?
    } else {
        yaml::read(text)?
    };
    Ok(documents.into_iter().flat_map(flatten).collect())
}

/// The items of a list in place of the list.
fn flatten(document: Document) -> Vec<Document> {
    let mut open = vec![document];
    let mut flat = Vec::new();
    while let Some(document) = open.pop() {
        match take_items(document) {
            Ok(items) => open.extend(items.into_iter().rev()),
            Err(single) if single.value.is_null() => {}
            Err(single) => flat.push(single),
        }
    }
    flat
}

fn take_items(mut document: Document) -> Result<Vec<Document>, Document> {
    let Some(object) = document.value.as_object_mut() else { return Err(document) };
    let Some(item_kind) = object.get("kind").and_then(Value::as_str).and_then(|kind| kind.strip_suffix("List")) else {
        return Err(document);
    };
    let inherited = (!item_kind.is_empty()).then(|| (object.get("apiVersion").cloned(), item_kind.to_owned()));
    let Some(Value::Array(items)) = object.get_mut("items").map(Value::take) else { return Err(document) };
    let lines = document.lines.take_items("items");
    let items = items.into_iter().zip(lines).map(|(mut value, lines)| {
        // A list of one kind, as the API server gives it, names the kind once for all.
        if let (Some(item), Some((version, kind))) = (value.as_object_mut(), &inherited) {
            inherit(item, version.as_ref(), kind);
        }
        Document { value, lines }
    });
    Ok(items.collect())
}

fn inherit(item: &mut Map<String, Value>, version: Option<&Value>, kind: &str) {
    if !item.contains_key("kind") {
        item.insert("kind".into(), kind.into());
        if let (Some(version), false) = (version, item.contains_key("apiVersion")) {
            item.insert("apiVersion".into(), version.clone());
        }
    }
}
