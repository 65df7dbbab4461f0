//! Where each field of a document stands.

/// The line of a field, and of every field below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lines {
    line: u32,
    below: Below,
}

#[derive(Debug, Clone, Default, PartialEq)]
enum Below {
    #[default]
    Nothing,
    Items(Vec<Lines>),
    Fields(Vec<(Box<str>, Lines)>),
}

impl Lines {
    /// Of a scalar.
    pub(super) fn scalar(line: usize) -> Self {
        Self { line: clamp(line), below: Below::Nothing }
    }

    /// Of a list.
    pub(super) fn list(line: usize, items: Vec<Lines>) -> Self {
        Self { line: clamp(line), below: Below::Items(items) }
    }

    /// Of a map.
    pub(super) fn map(line: usize, fields: Vec<(Box<str>, Lines)>) -> Self {
        Self { line: clamp(line), below: Below::Fields(fields) }
    }

    /// The same tree at another line: a map's field stands where its key stands.
    pub(super) fn at(mut self, line: usize) -> Self {
        self.line = clamp(line);
        self
    }

    /// Where the whole of it begins.
    pub fn line(&self) -> usize {
        self.line as usize
    }

    /// The line of a field (`spec.rules[0].name`), or of the nearest field above it that was written.
    pub fn of(&self, field: &str) -> usize {
        let mut here = self;
        let mut rest = field;
        while let Some((below, tail)) = here.step(rest) {
            here = below;
            rest = tail;
        }
        here.line()
    }

    /// The fields below this one, if it is a map.
    pub(super) fn into_fields(self) -> Vec<(Box<str>, Lines)> {
        match self.below {
            Below::Fields(fields) => fields,
            Below::Nothing | Below::Items(_) => Vec::new(),
        }
    }

    /// Takes the items of this list.
    pub(super) fn drain_items(&mut self) -> Vec<Lines> {
        match std::mem::take(&mut self.below) {
            Below::Items(items) => items,
            Below::Nothing | Below::Fields(_) => Vec::new(),
        }
    }

    /// Takes the items of the list in a field of this map.
    pub(super) fn take_items(&mut self, field: &str) -> Vec<Lines> {
        let Below::Fields(fields) = &mut self.below else { return Vec::new() };
        fields.iter_mut().find(|(name, _)| &**name == field).map_or_else(Vec::new, |(_, lines)| lines.drain_items())
    }

    fn step<'a>(&self, path: &'a str) -> Option<(&Self, &'a str)> {
        match &self.below {
            Below::Nothing => None,
            Below::Items(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                Some((items.get(index.parse::<usize>().ok()?)?, rest))
            }
            // A key may hold dots (`ca.crt`), so the keys that are there decide where the step ends.
            Below::Fields(fields) => fields
                .iter()
                .filter_map(|(name, lines)| Some((name, lines, after(name, path)?)))
                .max_by_key(|(name, ..)| name.len())
                .map(|(_, lines, rest)| (lines, rest)),
        }
    }
}

fn after<'a>(name: &str, path: &'a str) -> Option<&'a str> {
    if let Some(rest) = path.strip_prefix('[').and_then(|path| path.strip_prefix(name)) {
        return rest.strip_prefix(']');
    }
    let rest = path.strip_prefix('.').unwrap_or(path).strip_prefix(name)?;
    (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
}

fn clamp(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}
