//! Puts given values into their places, and keeps going where one is wrong.

use super::form::Form;
use super::key::Key;
use super::problem::{Origin, Problem};
use super::source::Given;

/// An effective value, for `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The key's name, such as `log.filter`.
    pub(crate) key: &'static str,
    /// Its value; empty where nothing is set.
    pub(crate) value: String,
    /// The least and the most it may be, where it is bounded.
    pub(crate) bounds: Option<[String; 2]>,
    /// Where it came from.
    pub(crate) origin: Origin,
}

/// Reads one key after the other.
pub(crate) struct Reader {
    given: Given,
    shown: Vec<Shown>,
}

impl Reader {
    pub(crate) fn new(given: Given) -> Self {
        Self {
            given,
            shown: Vec::new(),
        }
    }

    /// Everything that was wrong, and every value in the order in which they were read.
    pub(crate) fn into_problems(self) -> (Vec<Problem>, Vec<Shown>) {
        (self.given.problems, self.shown)
    }

    /// Whether somebody set the key.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        debug_assert!(Key::find(key).is_some(), "there is no key {key}");
        self.given.values.contains_key(key)
    }

    /// Whether something was wrong with the key.
    pub(crate) fn is_wrong(&self, key: &str) -> bool {
        debug_assert!(Key::find(key).is_some(), "there is no key {key}");
        let mut problems = self.given.problems.iter();
        problems.any(|problem| problem.key.as_deref() == Some(key))
    }

    /// Says that the value of `key` can't be.
    pub(crate) fn fail(&mut self, key: &'static str, says: impl Into<String>) {
        debug_assert!(Key::find(key).is_some(), "there is no key {key}");
        let origin = self.origin(key);
        self.given.problems.push(Problem {
            origin,
            key: Some(key.to_owned()),
            says: says.into(),
        });
    }

    /// Puts what was given for `key` into `place`, which holds the default; a wrong value leaves it there.
    pub(super) fn read<T>(&mut self, key: &'static str, form: &impl Form<T>, place: &mut T) {
        let read = self.given.values.get(key).map(|(raw, _)| form.read(key, raw));
        match read {
            Some(Ok(value)) => *place = value,
            Some(Err(says)) => self.fail(key, says),
            None => {}
        }
        self.shown.push(Shown {
            key,
            value: form.show(place),
            bounds: form.bounds(),
            origin: self.origin(key),
        });
    }

    /// Shows what a value turned out to be once others were known.
    pub(crate) fn reshow(&mut self, key: &'static str, value: String) {
        if let Some(shown) = self.shown.iter_mut().rev().find(|shown| shown.key == key) {
            shown.value = value;
        }
    }

    fn origin(&self, key: &str) -> Origin {
        let given = self.given.values.get(key);
        given.map_or(Origin::Default, |(_, origin)| origin.clone())
    }
}
