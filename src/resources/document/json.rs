//! JSON with line numbers: any number of documents one after the other.
//!
//! YAML is almost a superset of JSON; it differs in tabs and in surrogate pairs, which is why JSON has a reader of its own.

use serde_json::{Map, Number, Value};

use super::tree::Place;
use super::{Document, Lines, MAX_DEPTH, SyntaxError};

pub(super) fn read(text: &str) -> Result<Vec<Document>, SyntaxError> {
    let mut reader = Reader { text, at: 0, line: 1, line_start: 0 };
    let mut documents = Vec::new();
    while reader.peek().is_some() {
        let (value, lines) = reader.value(0)?;
        documents.push(Document { value, lines });
    }
    Ok(documents)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
}

impl<'a> Reader<'a> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.line_start = self.at + 1;
                }
                b' ' | b'\t' | b'\r' => {}
                byte => return Some(byte),
            }
            self.at += 1;
        }
        None
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn error(&self, cause: impl Into<String>, remedy: &str) -> SyntaxError {
        let column = self.text.get(self.line_start..self.at).map_or(0, |start| start.chars().count()) + 1;
        Place { line: self.line, column }.error(cause, remedy)
    }

    fn unexpected(&mut self, wanted: &str) -> SyntaxError {
        match self.peek().and_then(|_| self.text.get(self.at..)?.chars().next()) {
            Some(found) => {
                self.error(format!("found `{found}` instead of {wanted}"), "check commas, quotes and brackets")
            }
            None => self.error(format!("ends before {wanted}"), "close every bracket and quote"),
        }
    }

    fn value(&mut self, depth: usize) -> Result<(Value, Lines), SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels"), "flatten the document"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => {
                let line = self.line;
                Ok((Value::String(self.string()?), Lines::scalar(line)))
            }
            Some(_) => self.word(),
            None => Err(self.unexpected("a value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(Value, Lines), SyntaxError> {
        let line = self.line;
        self.at += 1;
        let (mut map, mut lines) = (Map::new(), Vec::new());
        if self.take(b'}') {
            return Ok((Value::Object(map), Lines::map(line, lines)));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key_line = self.line;
            let key = self.string()?;
            if map.contains_key(&key) {
                return Err(self.error(format!("the key \"{key}\" is given twice"), "remove one of the two"));
            }
            if !self.take(b':') {
                return Err(self.unexpected("`:`"));
            }
            let (value, below) = self.value(depth + 1)?;
            lines.push((key.as_str().into(), below.at(key_line)));
            map.insert(key, value);
            if self.take(b'}') {
                return Ok((Value::Object(map), Lines::map(line, lines)));
            }
            if !self.take(b',') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(Value, Lines), SyntaxError> {
        let line = self.line;
        self.at += 1;
        let (mut values, mut lines) = (Vec::new(), Vec::new());
        if self.take(b']') {
            return Ok((Value::Array(values), Lines::list(line, lines)));
        }
        loop {
            let (value, below) = self.value(depth + 1)?;
            values.push(value);
            lines.push(below);
            if self.take(b']') {
                return Ok((Value::Array(values), Lines::list(line, lines)));
            }
            if !self.take(b',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        let rest = &self.text.as_bytes()[self.at..];
        let mut escaped = false;
        let end = rest.iter().enumerate().skip(1).find_map(|(index, byte)| match byte {
            _ if escaped => {
                escaped = false;
                None
            }
            b'\\' => {
                escaped = true;
                None
            }
            b'"' => Some(index + 1),
            _ => None,
        });
        let Some(quoted) = end.and_then(|end| self.text.get(self.at..self.at + end)) else {
            return Err(self.error("a string is not closed", "close it with a double quote"));
        };
        let string = serde_json::from_str(quoted)
            .map_err(|_| self.error("a string holds a raw line break or an unknown escape", "write \\n and \\\\"))?;
        self.at += quoted.len();
        Ok(string)
    }

    fn word(&mut self) -> Result<(Value, Lines), SyntaxError> {
        let rest: &'a str = &self.text[self.at..];
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))).unwrap_or(rest.len());
        let value = match &rest[..end] {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            number => match serde_json::from_str::<Number>(number) {
                Ok(number) => Value::Number(number),
                Err(_) => return Err(self.unexpected("a value")),
            },
        };
        self.at += end;
        Ok((value, Lines::scalar(self.line)))
    }
}
