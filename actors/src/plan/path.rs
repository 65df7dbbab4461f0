//! A trie over path segments: the prefixes that take a path, found in time proportional to the path.

use std::collections::HashMap;

/// Values by path prefix. A prefix takes whole segments, and its trailing slash does not count: `/abc` takes `/abc`,
/// `/abc/` and `/abc/d`, not `/abcd` (HTTPPathMatch, `PathPrefix`).
#[derive(Debug)]
pub struct PathTrie<T> {
    /// The first is the root, the prefix `/`.
    nodes: Vec<Node<T>>,
}

#[derive(Debug)]
struct Node<T> {
    parent: Option<usize>,
    children: HashMap<Box<str>, usize>,
    value: Option<T>,
}

impl<T> Default for PathTrie<T> {
    fn default() -> Self {
        Self { nodes: vec![Node { parent: None, children: HashMap::new(), value: None }] }
    }
}

impl<T> PathTrie<T> {
    /// The value of a prefix, made first if there is none.
    pub fn get_mut_or_insert_with(&mut self, prefix: &str, make: impl FnOnce() -> T) -> &mut T {
        let mut at = 0;
        for segment in segments(without_trailing_slash(prefix)) {
            at = if let Some(child) = self.nodes[at].children.get(segment) {
                *child
            } else {
                let child = self.nodes.len();
                self.nodes.push(Node { parent: Some(at), children: HashMap::new(), value: None });
                self.nodes[at].children.insert(segment.into(), child);
                child
            };
        }
        self.nodes[at].value.get_or_insert_with(make)
    }

    /// Turns every value into another.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> PathTrie<U> {
        let each =
            |node: Node<T>| Node { parent: node.parent, children: node.children, value: node.value.map(&mut change) };
        PathTrie { nodes: self.nodes.into_iter().map(each).collect() }
    }

    /// The values of every prefix of `path`, the longest first. Allocates nothing.
    pub fn prefixes_of(&self, path: &str) -> impl Iterator<Item = &T> {
        let mut deepest = 0;
        for segment in segments(path) {
            match self.nodes[deepest].children.get(segment) {
                Some(child) => deepest = *child,
                None => break,
            }
        }
        std::iter::successors(Some(deepest), |at| self.nodes[*at].parent).filter_map(|at| self.nodes[at].value.as_ref())
    }
}

/// What a prefix comes down to, since its trailing slash does not count; empty for `/`.
pub fn without_trailing_slash(prefix: &str) -> &str {
    prefix.trim_end_matches('/')
}

/// What follows `prefix` in `path`, where the prefix takes whole segments of it: empty, or beginning with a slash.
pub fn strip_prefix<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(without_trailing_slash(prefix)).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').into_iter().flat_map(|path| path.split('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{PathTrie, strip_prefix, without_trailing_slash};

    fn matching(prefixes: &[&'static str], path: &str) -> Vec<&'static str> {
        let mut trie = PathTrie::default();
        for prefix in prefixes {
            trie.get_mut_or_insert_with(prefix, || *prefix);
        }
        trie.prefixes_of(path).copied().collect()
    }

    #[test]
    fn the_longest_prefix_comes_first() {
        let prefixes = ["/", "/abc", "/abc/def", "/abc/def/ghi"];
        assert_eq!(matching(&prefixes, "/abc/def/x"), ["/abc/def", "/abc", "/"]);
        assert_eq!(matching(&prefixes, "/abc/x/ghi"), ["/abc", "/"]);
        assert_eq!(matching(&prefixes, "/x"), ["/"]);
    }

    #[test]
    fn a_prefix_takes_whole_segments() {
        assert_eq!(matching(&["/abc"], "/abc"), ["/abc"]);
        assert_eq!(matching(&["/abc"], "/abc/"), ["/abc"]);
        assert_eq!(matching(&["/abc/"], "/abc"), ["/abc/"]);
        for path in ["/abcd", "/ab", "/ABC", "//abc", "/", "*"] {
            assert!(matching(&["/abc"], path).is_empty(), "{path}");
        }
    }

    #[test]
    fn the_root_takes_every_path() {
        for path in ["/", "//", "/abc", "*", ""] {
            assert_eq!(matching(&["/"], path), ["/"], "{path}");
        }
    }

    proptest! {
        #[test]
        fn the_trie_agrees_with_a_comparison_of_strings(
            prefixes in proptest::collection::vec("(/[ab]{1,2}){0,4}/?", 0..12),
            path in "(/[ab]{0,2}){1,5}",
        ) {
            let mut trie = PathTrie::default();
            for prefix in &prefixes {
                trie.get_mut_or_insert_with(prefix, || without_trailing_slash(prefix).to_owned());
            }
            let mut expected: Vec<_> = prefixes
                .iter()
                .filter(|prefix| strip_prefix(&path, prefix).is_some())
                .map(|prefix| without_trailing_slash(prefix).to_owned())
                .collect();
            expected.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
            expected.dedup();
            prop_assert_eq!(trie.prefixes_of(&path).cloned().collect::<Vec<_>>(), expected);
        }
    }
}
