//! Whether the process is in touch with Kubernetes: since when, and why not. It must not know how objects are watched, nor
//! what is served meanwhile: readiness does not depend on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Out of touch while at least one watch is without contact. Told by the watches.
#[derive(Debug, Default)]
pub struct Contact {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    watching: bool,
    /// Since when `lost` is not empty.
    since: Option<SystemTime>,
    /// By watch, with the cause told last.
    lost: BTreeMap<String, String>,
}

/// What is not heard from Kubernetes, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfTouch {
    /// From then on at least one watch was without contact.
    pub since: SystemTime,
    /// `watch: cause` of each that is without contact now.
    pub causes: Vec<String>,
}

impl Contact {
    /// The process watches Kubernetes. Until this is told, there is no contact to speak of.
    pub fn watching(&self) {
        self.state().watching = true;
    }

    /// A watch is without contact, or has another cause to be. `kind` is what it watches, such as `HTTPRoute`, followed by
    /// a name where objects of a kind are watched one by one: `Secret default/ca`.
    pub fn lost(&self, kind: &str, cause: &str) {
        let mut state = self.state();
        state.watching = true;
        state.since.get_or_insert_with(SystemTime::now);
        state.lost.insert(kind.to_owned(), cause.to_owned());
    }

    /// A watch is in contact, or there is no longer such a watch.
    pub fn regained(&self, kind: &str) {
        let mut state = self.state();
        state.watching = true;
        state.lost.remove(kind);
        if state.lost.is_empty() {
            state.since = None;
        }
    }

    /// Since when at least one watch is without contact.
    pub fn since(&self) -> Option<SystemTime> {
        self.state().since
    }

    /// The same, with the causes.
    pub fn out_of_touch(&self) -> Option<OutOfTouch> {
        let state = self.state();
        let causes = state.lost.iter().map(|(watch, cause)| format!("{watch}: {cause}"));
        state.since.map(|since| OutOfTouch { since, causes: causes.collect() })
    }

    /// Whether the process watches Kubernetes.
    pub fn is_watching(&self) -> bool {
        self.state().watching
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Contact;

    fn causes(contact: &Contact) -> Vec<String> {
        contact.out_of_touch().map_or_else(Vec::new, |lost| lost.causes)
    }

    #[test]
    fn it_is_lost_from_the_first_watch_to_the_last() {
        let contact = Contact::default();
        assert_eq!((contact.since(), contact.is_watching()), (None, false));
        contact.lost("HTTPRoute", "connection refused");
        let since = contact.since();
        assert!(since.is_some() && contact.is_watching());
        contact.lost("Gateway", "connection refused");
        contact.lost("HTTPRoute", "timed out");
        assert_eq!(causes(&contact), ["Gateway: connection refused", "HTTPRoute: timed out"]);
        contact.regained("HTTPRoute");
        assert_eq!((contact.since(), causes(&contact)), (since, vec!["Gateway: connection refused".to_owned()]));
        contact.regained("never lost");
        contact.regained("Gateway");
        assert_eq!((contact.since(), contact.out_of_touch()), (None, None));
        contact.lost("Gateway", "again");
        assert!(contact.since() >= since);
    }

    #[test]
    fn objects_of_a_kind_are_lost_one_by_one() {
        let contact = Contact::default();
        contact.lost("Secret a/one", "forbidden");
        contact.lost("Secret a/two", "forbidden");
        contact.regained("Secret a/one");
        assert_eq!(causes(&contact), ["Secret a/two: forbidden"]);
    }

    #[test]
    fn who_watches_is_in_touch_until_a_watch_is_lost() {
        let contact = Contact::default();
        contact.watching();
        assert_eq!((contact.since(), contact.is_watching()), (None, true));
    }
}
