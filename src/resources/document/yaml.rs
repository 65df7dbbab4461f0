//! YAML, event by event. Aliases are copied within a budget, so that a few lines cannot expand to gigabytes.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use serde_json::Value;

use super::tree::{Node, Place, Tree};
use super::{Document, Lines, SyntaxError, scalar};

/// What all aliases of a text together may add, in nodes and bytes of text.
const ALIAS_BUDGET: usize = 4 << 20;

pub(super) fn read(text: &str) -> Result<Vec<Document>, SyntaxError> {
    let mut reader = Reader { tree: Tree::default(), anchors: HashMap::new(), budget: ALIAS_BUDGET };
    let mut documents = Vec::new();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| explain(&error))?;
        match event {
            Event::DocumentStart(_) => reader.anchors.clear(),
            Event::DocumentEnd => {
                if let Some(Node { value, lines, .. }) = reader.tree.finish().filter(|node| !node.value.is_null()) {
                    documents.push(Document { value, lines });
                }
            }
            event => reader.take(event, place(&span.start))?,
        }
    }
    Ok(documents)
}

struct Reader {
    tree: Tree,
    anchors: HashMap<usize, Node>,
    budget: usize,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), SyntaxError> {
        match event {
            Event::MappingStart(anchor, _) => self.tree.open_map(anchor, place),
            Event::SequenceStart(anchor, _) => self.tree.open_list(anchor, place),
            Event::MappingEnd | Event::SequenceEnd => match self.tree.close() {
                Some((node, anchor)) => self.put(node, anchor, place),
                None => Ok(()),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                if self.tree.expects_key() {
                    let merges = is_plain && tag.is_none() && text == "<<";
                    return self.tree.key(key(text, is_plain, tag.as_deref(), place)?, merges, place);
                }
                let cost = text.len() + 1;
                let value = value(text, is_plain, tag.as_deref(), place)?;
                self.put(Node { value, lines: Lines::scalar(place.line), cost }, anchor, place)
            }
            Event::Alias(anchor) => self.expand(anchor, place),
            _ => Ok(()),
        }
    }

    fn put(&mut self, node: Node, anchor: usize, place: Place) -> Result<(), SyntaxError> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.tree.put(node, place)
    }

    fn expand(&mut self, anchor: usize, place: Place) -> Result<(), SyntaxError> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(place.error("an alias refers to a value that contains it", "write the value out"));
        };
        if self.tree.expects_key() {
            let Some(name) = node.value.as_str() else {
                return Err(place.error("an alias that is a key must be a string", "write the key out"));
            };
            return self.tree.key(name.to_owned(), false, place);
        }
        self.budget = self.budget.checked_sub(node.cost).ok_or_else(|| {
            place.error("the aliases of this text expand to too much", "write the values out, or split the file")
        })?;
        self.tree.put(node.clone(), place)
    }
}

fn value(text: Cow<'_, str>, is_plain: bool, tag: Option<&Tag>, place: Place) -> Result<Value, SyntaxError> {
    match tag.filter(|tag| tag.is_yaml_core_schema()) {
        Some(tag) => scalar::tagged(&tag.suffix, &text, is_plain)
            .ok_or_else(|| place.error(format!("\"{text}\" is no !!{}", tag.suffix), "remove the tag")),
        None if is_plain => Ok(scalar::plain(&text)),
        None => Ok(Value::String(text.into_owned())),
    }
}

fn key(text: Cow<'_, str>, is_plain: bool, tag: Option<&Tag>, place: Place) -> Result<String, SyntaxError> {
    match value(text, is_plain, tag, place)? {
        Value::String(name) => Ok(name),
        Value::Bool(name) => Ok(name.to_string()),
        Value::Number(name) => Ok(name.to_string()),
        _ => Err(place.error("a key is empty", "write a word before the colon, or quote it")),
    }
}

fn place(mark: &Marker) -> Place {
    Place { line: mark.line().max(1), column: mark.col() + 1 }
}

fn explain(error: &ScanError) -> SyntaxError {
    let info = error.info();
    let remedy = REMEDIES
        .iter()
        .find(|(words, _)| words.iter().any(|word| info.contains(word)))
        .map_or("check the indentation and the quotes of this line and of the one before it", |(_, remedy)| remedy);
    let cause = info.strip_prefix("while ").unwrap_or(info);
    place(error.marker()).error(cause, remedy)
}

/// What usually mends an error of the parser, by words of its message.
const REMEDIES: &[(&[&str], &str)] = &[
    (&["tab"], "indent with spaces: YAML permits no tabs"),
    (
        &["mapping values are not allowed", "illegal placement of ':'"],
        "quote a value that contains `: `, close every bracket, and indent the keys of one map alike",
    ),
    (
        &["quoted scalar", "double-quoted", "unexpected eof", "end of stream"],
        "a quote or bracket is not closed, or a quoted text holds an unknown escape: close it, or use single quotes",
    ),
    (&["expected ',' or", "flow", "misplaced bracket"], "check the brackets and commas of this `[...]` or `{...}`"),
    (&["anchor", "alias"], "define the anchor (`&name`) before the alias (`*name`), in the same document"),
    (
        &["cannot start any token", "unexpected character", "'-'"],
        "quote a value that begins with one of @ ` % & * ! | > - { } [ ] # ,",
    ),
    (
        &["indent", "expected '-'", "did not find expected key", "simple key"],
        "indent keys of one map alike, and items of one list alike",
    ),
];
