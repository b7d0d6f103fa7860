//! A crate taken apart: its files, which module each is, which slice.

use std::collections::BTreeMap;
use std::ops::Range;

use super::paths::{Written, written};
use crate::tidy::rust::{Rust, item_length, items_under};
use crate::tidy::tree::{File, Tree};
use crate::tidy::words;

/// A crate of the workspace.
pub(super) struct Crate<'t> {
    /// The name of its folder.
    pub(super) name: &'t str,
    /// Its files but for tests.
    pub(super) files: Vec<Source<'t>>,
    /// How many files each slice has, tests included.
    pub(super) slices: BTreeMap<&'t str, usize>,
}

/// A file of a crate.
pub(super) struct Source<'t> {
    pub(super) file: &'t File,
    pub(super) rust: &'t Rust,
    /// The module it is; the root is none.
    pub(super) module: Vec<&'t str>,
    /// What ships nothing: items for tests and for the docs.
    unshipped: Vec<Range<usize>>,
    /// The modules with braces: where, and what they are called.
    inner: Vec<(Range<usize>, &'t str)>,
}

impl<'t> Crate<'t> {
    /// Every crate that has slices: those below `crates/`, and this one.
    pub(super) fn all(tree: &'t Tree) -> Vec<Self> {
        let mut crates: BTreeMap<&str, Vec<Source<'_>>> = BTreeMap::new();
        for (file, rust) in tree.rust() {
            if let Some((name, path)) = place(&file.path) {
                crates
                    .entry(name)
                    .or_default()
                    .push(Source::read(file, rust, path));
            }
        }
        crates
            .into_iter()
            .map(|(name, files)| Self::of(name, files))
            .collect()
    }

    fn of(name: &'t str, mut files: Vec<Source<'t>>) -> Self {
        let mut slices = BTreeMap::new();
        for file in &files {
            if let Some(slice) = file.slice() {
                *slices.entry(slice).or_default() += 1;
            }
        }
        let tests: Vec<_> = files.iter().flat_map(Source::test_modules).collect();
        files.retain(|file| {
            !file.module.contains(&"tests") && !tests.iter().any(|test| file.module.starts_with(test))
        });
        Self { name, files, slices }
    }
}

/// The crate a path belongs to, and what follows its `src/`.
fn place(path: &str) -> Option<(&str, &str)> {
    let (root, inside) = path.split_once("/src/")?;
    let name = root.strip_prefix("crates/").unwrap_or(root);
    let is_ours = (root != name || name == "xtask") && !name.contains('/');
    (is_ours && !inside.starts_with("bin/")).then_some((name, inside))
}

impl<'t> Source<'t> {
    fn read(file: &'t File, rust: &'t Rust, path: &'t str) -> Self {
        let mut module: Vec<_> = path.trim_end_matches(".rs").split('/').collect();
        if matches!(*module, ["lib" | "main"] | [.., "mod"]) {
            module.pop();
        }
        let code = rust.code.as_str();
        let mut unshipped = items_under(code, "#[cfg(test)]");
        unshipped.extend(items_under(code, "#[cfg(doc)]"));
        Self {
            file,
            rust,
            module,
            unshipped,
            inner: inner_modules(code),
        }
    }

    /// The slice it belongs to; none for the crate's root.
    pub(super) fn slice(&self) -> Option<&'t str> {
        self.module.first().copied()
    }

    /// Whether the byte at `at` is shipped.
    pub(super) fn ships(&self, at: usize) -> bool {
        !self.unshipped.iter().any(|range| range.contains(&at))
    }

    /// The shipped paths that lead somewhere in this crate, counted from its root.
    pub(super) fn paths(&self) -> impl Iterator<Item = (Written<'t>, Vec<&'t str>)> {
        let paths = written(&self.rust.code).into_iter();
        paths.filter_map(|path| {
            let target = self.path_from_root(&path).filter(|_| self.ships(path.at))?;
            Some((path, target))
        })
    }

    fn path_from_root(&self, path: &Written<'t>) -> Option<Vec<&'t str>> {
        let (first, rest) = path.names.split_first()?;
        let above = path.names.iter().take_while(|name| **name == "super").count();
        let mut here = self.module_at(path.at);
        let (mut base, rest) = match *first {
            "crate" => (Vec::new(), rest),
            "self" => (here, rest),
            "super" => {
                here.truncate(here.len().saturating_sub(above));
                (here, path.names.get(above..)?)
            }
            // In the root, the name of a module needs no `self`.
            _ if self.module.is_empty() => (Vec::new(), path.names.as_slice()),
            _ => return None,
        };
        base.extend(rest);
        Some(base)
    }

    fn module_at(&self, at: usize) -> Vec<&'t str> {
        let inner = self.inner.iter().filter(|(range, _)| range.contains(&at));
        self.module
            .iter()
            .copied()
            .chain(inner.map(|(_, name)| *name))
            .collect()
    }

    /// The modules in files of their own that are there for tests only.
    fn test_modules(&self) -> Vec<Vec<&'t str>> {
        let items = items_under(&self.rust.code, "#[cfg(test)]");
        let named = items.into_iter().filter_map(|item| {
            let words: Vec<_> = self.rust.code.get(item)?.split_whitespace().collect();
            let at = words.iter().position(|word| *word == "mod")?;
            words.get(at + 1)?.strip_suffix(';')
        });
        named
            .map(|name| self.module.iter().copied().chain([name]).collect())
            .collect()
    }
}

/// The modules that stand in braces.
fn inner_modules(code: &str) -> Vec<(Range<usize>, &str)> {
    let found = words(code, "mod").filter_map(|at| {
        let rest = code.get(at + "mod".len()..)?;
        let (name, _) = rest.split_once(['{', ';'])?;
        let opens = rest.get(name.len()..)?.starts_with('{');
        let end = at + item_length(code.get(at..)?);
        opens.then(|| (at..end, name.trim()))
    });
    found.collect()
}
