//! A trie over path segments.
