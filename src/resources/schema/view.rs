//! Reads an object whose structure nobody vouches for: what is not there, or not of the type asked for, is nothing.

use serde_json::Value;

/// A field, whether it is there or not. `null` counts as not there, as it does for an API server.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a>(Option<&'a Value>);

impl<'a> View<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        Self(Some(value).filter(|value| !value.is_null()))
    }

    pub(super) fn get(self, name: &str) -> Self {
        self.0.and_then(|value| value.get(name)).map_or(Self(None), Self::of)
    }

    pub(super) fn value(self) -> Option<&'a Value> {
        self.0
    }

    pub(super) fn exists(self) -> bool {
        self.0.is_some()
    }

    pub(super) fn str(self) -> Option<&'a str> {
        self.0.and_then(Value::as_str)
    }

    /// The text, where an empty one counts as none.
    pub(super) fn text(self) -> Option<&'a str> {
        self.str().filter(|text| !text.is_empty())
    }

    pub(super) fn int(self) -> Option<i64> {
        self.0.and_then(Value::as_i64)
    }

    /// The items of a list.
    pub(super) fn items(self) -> impl DoubleEndedIterator<Item = View<'a>> + ExactSizeIterator + Clone + use<'a> {
        self.0.and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice).iter().map(Self::of)
    }

    /// The entries of a map.
    pub(super) fn entries(self) -> impl Iterator<Item = (&'a str, View<'a>)> + use<'a> {
        self.0.and_then(Value::as_object).into_iter().flatten().map(|(key, value)| (key.as_str(), Self::of(value)))
    }
}
