//! What was found to be wrong, and where.

use std::borrow::Cow;
use std::fmt::Write as _;

use portcullis_core::defends;

use crate::FieldErrors;
use crate::plan::Complaint;
use crate::validate::errors::{Place, clip, clipped, render};

/// What is wrong with one value.
#[derive(Debug)]
pub(in crate::validate) struct Faults {
    found: Vec<Fault>,
    /// The way from the root to where the walk is: the names of its levels, and where each of them begins.
    path: String,
    levels: Vec<usize>,
    /// How many steps may still be taken only to find out which alternative is meant.
    tries: u64,
    /// Whether the first fault is one too many.
    only_whether: bool,
}

#[derive(Debug)]
struct Fault {
    path: Vec<String>,
    code: Cow<'static, str>,
    detail: Cow<'static, str>,
}

/// There are faults enough for an answer, or steps enough for a request: nothing more is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Enough;

impl Faults {
    /// None yet, of a value that took so many bytes.
    pub(super) fn of_bytes(bytes: usize) -> Self {
        Self {
            found: Vec::new(),
            path: String::new(),
            levels: Vec::new(),
            tries: LEAST_TRIES + TRIES_PER_BYTE * bytes as u64,
            only_whether: false,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// Notes a fault of the value where the walk is.
    pub(super) fn note(
        &mut self,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Result<(), Enough> {
        self.note_below(Vec::new(), code, detail)
    }

    /// Notes a fault of a member of the value where the walk is.
    pub(super) fn note_member(
        &mut self,
        name: &str,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Result<(), Enough> {
        self.note_below(vec![clip(name)], code, detail)
    }

    /// Notes what a rule complains about, of the value where the walk is.
    pub(super) fn note_all(&mut self, complaints: Vec<Complaint>) -> Result<(), Enough> {
        complaints
            .into_iter()
            .try_for_each(|Complaint { field, code, detail }| self.note_below(parts(&field), code, detail))
    }

    fn note_below(
        &mut self,
        below: Vec<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Result<(), Enough> {
        defends!("T203");
        let fault = Fault {
            path: self.here().chain(below).collect(),
            code: code.into(),
            detail: detail.into(),
        };
        let known = |known: &Fault| known.path == fault.path && known.code == fault.code;
        if !self.found.iter().any(known) {
            self.found.push(fault);
        }
        match self.only_whether || self.found.len() >= MOST {
            true => Err(Enough),
            false => Ok(()),
        }
    }

    /// Goes a level down, to a member.
    pub(super) fn enter(&mut self, name: &str) {
        self.levels.push(self.path.len());
        self.path.extend(clipped(name));
    }

    /// Goes a level down, to an item.
    pub(super) fn enter_item(&mut self, index: usize) {
        self.levels.push(self.path.len());
        // Writing to a string can't fail.
        let _ = write!(self.path, "{index}");
    }

    /// Goes back up.
    pub(super) fn leave(&mut self) {
        self.path.truncate(self.levels.pop().unwrap_or_default());
    }

    /// The names of the levels on the way.
    fn here(&self) -> impl Iterator<Item = String> {
        let ends = self.levels.iter().skip(1).copied().chain([self.path.len()]);
        let names = self.levels.iter().zip(ends);
        names.filter_map(|(start, end)| self.path.get(*start..end).map(ToOwned::to_owned))
    }

    /// Whether `walk` finds nothing: what it finds is forgotten. The steps count.
    pub(super) fn none_in(&mut self, walk: impl FnOnce(&mut Self)) -> bool {
        let mut other = Self {
            found: Vec::new(),
            path: String::new(),
            levels: Vec::new(),
            tries: self.tries,
            only_whether: true,
        };
        walk(&mut other);
        self.tries = other.tries;
        other.found.is_empty()
    }

    /// A step is taken. Of those that only try, there is a number for each request.
    pub(super) fn step(&mut self) -> Result<(), Enough> {
        defends!("T203");
        if self.only_whether {
            let Some(left) = self.tries.checked_sub(1) else {
                return self.note("invalid", "this value could be meant in too many ways");
            };
            self.tries = left;
        }
        Ok(())
    }

    /// The first level of a path's parameters has names; what is one value alone stands for the only parameter.
    pub(super) fn name_places(&mut self, names: &[&str]) {
        for fault in &mut self.found {
            match fault.path.first_mut() {
                Some(first) => {
                    let index: Option<usize> = first.parse().ok();
                    if let Some(name) = index.and_then(|index| names.get(index)) {
                        (*name).clone_into(first);
                    }
                }
                None => fault.path.extend(names.first().map(|name| (*name).to_owned())),
            }
        }
    }

    /// As they are answered.
    pub(in crate::validate) fn into_errors(self, place: Place) -> FieldErrors {
        let mut errors = FieldErrors::new();
        for fault in self.found {
            errors.push(render(place, &fault.path), fault.code, fault.detail);
        }
        errors
    }
}

/// The levels of a pointer; a name that is none is one level.
///
/// Source: RFC 6901 §4
fn parts(pointer: &str) -> Vec<String> {
    match pointer.strip_prefix('/') {
        Some(rest) => rest
            .split('/')
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .collect(),
        None if pointer.is_empty() => Vec::new(),
        None => vec![pointer.to_owned()],
    }
}

/// As many as somebody reads.
const MOST: usize = 32;

/// How many steps may be taken to find out which alternative is meant: enough for several alternatives inside of each other,
/// and for long lists of values that could be either of a few.
const LEAST_TRIES: u64 = 10_000;
const TRIES_PER_BYTE: u64 = 16;
