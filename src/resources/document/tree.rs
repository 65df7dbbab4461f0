//! Puts the parser's events together: value and lines grow side by side.

use serde_json::{Map, Value};

use super::{Lines, MAX_DEPTH, SyntaxError};

/// A finished part of a document.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) lines: Lines,
    /// What a copy of it costs: one a node, one a byte of text.
    pub(super) cost: usize,
}

/// The document being read.
#[derive(Debug, Default)]
pub(super) struct Tree {
    open: Vec<Open>,
    root: Option<Node>,
}

#[derive(Debug)]
struct Open {
    anchor: usize,
    line: usize,
    cost: usize,
    container: Container,
}

#[derive(Debug)]
enum Container {
    List(Vec<Value>, Vec<Lines>),
    Map { map: Map<String, Value>, lines: Vec<(Box<str>, Lines)>, key: Option<Key>, merges: Vec<Node> },
}

#[derive(Debug)]
struct Key {
    name: String,
    line: usize,
    merges: bool,
}

/// Where something stands: line and column, both from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    pub(super) fn error(self, cause: impl Into<String>, remedy: impl Into<String>) -> SyntaxError {
        SyntaxError { line: self.line, column: self.column, cause: cause.into(), remedy: remedy.into() }
    }
}

impl Tree {
    /// Whether what comes next is the key of a map.
    pub(super) fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { container: Container::Map { key: None, .. }, .. }))
    }

    pub(super) fn open_list(&mut self, anchor: usize, place: Place) -> Result<(), SyntaxError> {
        self.open(anchor, place, Container::List(Vec::new(), Vec::new()))
    }

    pub(super) fn open_map(&mut self, anchor: usize, place: Place) -> Result<(), SyntaxError> {
        let container = Container::Map { map: Map::new(), lines: Vec::new(), key: None, merges: Vec::new() };
        self.open(anchor, place, container)
    }

    fn open(&mut self, anchor: usize, place: Place, container: Container) -> Result<(), SyntaxError> {
        if self.expects_key() {
            return Err(
                place.error("a map or a list cannot be the key of a map", "write a plain word before the colon")
            );
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(place.error(format!("nested deeper than {MAX_DEPTH} levels"), "flatten the document"));
        }
        self.open.push(Open { anchor, line: place.line, cost: 1, container });
        Ok(())
    }

    /// The key of the map that is open. `merges` marks YAML's `<<`.
    pub(super) fn key(&mut self, name: String, merges: bool, place: Place) -> Result<(), SyntaxError> {
        if let Some(Open { container: Container::Map { map, key, lines, .. }, .. }) = self.open.last_mut() {
            if !merges && map.contains_key(&name) {
                let first = lines.iter().find(|(other, _)| **other == *name).map_or(0, |(_, lines)| lines.line());
                return Err(place.error(
                    format!("the key \"{name}\" is given twice; the first time on line {first}"),
                    "remove one of the two, or separate two objects by a line `---`",
                ));
            }
            *key = Some(Key { name, line: place.line, merges });
        }
        Ok(())
    }

    /// A finished value. Gives back what must be remembered under an anchor.
    pub(super) fn put(&mut self, node: Node, place: Place) -> Result<(), SyntaxError> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.cost = open.cost.saturating_add(node.cost);
        match &mut open.container {
            Container::List(values, lines) => {
                values.push(node.value);
                lines.push(node.lines);
            }
            Container::Map { map, lines, key, merges } => match key.take() {
                Some(key) if key.merges => collect_merges(node, merges, place)?,
                Some(key) => {
                    lines.push((key.name.as_str().into(), node.lines.at(key.line)));
                    map.insert(key.name, node.value);
                }
                None => return Err(place.error("a value without a key", "write `key: value`")),
            },
        }
        Ok(())
    }

    /// Closes what was opened last, and gives it with its anchor.
    pub(super) fn close(&mut self) -> Option<(Node, usize)> {
        let Open { anchor, line, cost, container } = self.open.pop()?;
        let node = match container {
            Container::List(values, lines) => {
                Node { value: Value::Array(values), lines: Lines::list(line, lines), cost }
            }
            Container::Map { mut map, mut lines, merges, .. } => {
                for merged in merges {
                    merge(&mut map, &mut lines, merged);
                }
                Node { value: Value::Object(map), lines: Lines::map(line, lines), cost }
            }
        };
        Some((node, anchor))
    }

    /// The whole document, if there was one.
    pub(super) fn finish(&mut self) -> Option<Node> {
        self.open.clear();
        self.root.take()
    }
}

fn collect_merges(node: Node, merges: &mut Vec<Node>, place: Place) -> Result<(), SyntaxError> {
    let cause = "`<<` takes a map or a list of maps";
    let remedy = "refer to an anchor of a map: `<<: *name`";
    match node.value {
        Value::Object(_) => merges.push(node),
        Value::Array(items) => {
            let Node { mut lines, .. } = node;
            let places = lines.drain_items();
            for (value, lines) in items.into_iter().zip(places) {
                if !value.is_object() {
                    return Err(place.error(cause, remedy));
                }
                merges.push(Node { value, lines, cost: 0 });
            }
        }
        _ => return Err(place.error(cause, remedy)),
    }
    Ok(())
}

/// What is written out wins over what is merged in, and an earlier merge over a later one.
fn merge(map: &mut Map<String, Value>, lines: &mut Vec<(Box<str>, Lines)>, merged: Node) {
    let Value::Object(values) = merged.value else { return };
    for (name, at) in merged.lines.into_fields() {
        if !map.contains_key(&*name) {
            lines.push((name, at));
        }
    }
    for (name, value) in values {
        map.entry(name).or_insert(value);
    }
}
