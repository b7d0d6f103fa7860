//! Which slice imports what of which other, and where that comes back to itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::parts::{Crate, Source};
use super::paths::names_after;
use crate::tidy::{line_of, words};

/// One item of a slice named in another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import<'t> {
    pub(super) from: &'t str,
    pub(super) to: &'t str,
    pub(super) path: &'t str,
    pub(super) line: usize,
    /// The item, or what is used of a whole slice.
    pub(super) item: String,
}

impl fmt::Display for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} → {} ({}:{} `{}`)",
            self.from, self.to, self.path, self.line, self.item
        )
    }
}

/// The imports of a crate.
pub(super) struct Graph<'t> {
    edges: BTreeMap<&'t str, BTreeMap<&'t str, BTreeSet<Import<'t>>>>,
}

impl<'t> Graph<'t> {
    pub(super) fn of(krate: &Crate<'t>) -> Self {
        let names = RootNames::of(krate);
        let mut edges: BTreeMap<_, BTreeMap<_, BTreeSet<_>>> = BTreeMap::new();
        for source in &krate.files {
            for import in imports(krate, &names, source) {
                let from = edges.entry(import.from).or_default();
                from.entry(import.to).or_default().insert(import);
            }
        }
        Self { edges }
    }

    /// What a slice imports, by slice.
    pub(super) fn from(&self, slice: &str) -> impl Iterator<Item = (&'t str, &BTreeSet<Import<'t>>)> {
        let targets = self.edges.get(slice).into_iter().flatten();
        targets.map(|(to, imports)| (*to, imports))
    }

    /// The sets of slices that lead from each to each: none of them can be read before the others.
    pub(super) fn knots(&self) -> Vec<BTreeSet<&'t str>> {
        let reach: BTreeMap<_, _> = self
            .edges
            .keys()
            .map(|slice| (*slice, self.reach(slice)))
            .collect();
        let mut knots: Vec<BTreeSet<&str>> = Vec::new();
        for (slice, reached) in &reach {
            if reached.contains(slice) && !knots.iter().any(|knot| knot.contains(slice)) {
                let back = |other: &&&str| reach.get(**other).is_some_and(|there| there.contains(slice));
                knots.push(reached.iter().filter(back).copied().collect());
            }
        }
        knots
    }

    fn reach(&self, slice: &'t str) -> BTreeSet<&'t str> {
        let (mut reached, mut open) = (BTreeSet::new(), vec![slice]);
        while let Some(next) = open.pop() {
            open.extend(self.from(next).map(|(to, _)| to).filter(|to| reached.insert(*to)));
        }
        reached
    }

    /// The shortest cycles of a knot: through each of its slices one, each cycle once.
    pub(super) fn cycles(&self, knot: &BTreeSet<&'t str>) -> Vec<Vec<&Import<'t>>> {
        let mut seen = BTreeSet::new();
        let cycles = knot.iter().map(|slice| self.cycle(slice));
        cycles
            .filter(|cycle| seen.insert(cycle.iter().map(|import| import.from).collect::<BTreeSet<_>>()))
            .collect()
    }

    /// The shortest way from a slice back to it, each step with its first import.
    fn cycle(&self, start: &'t str) -> Vec<&Import<'t>> {
        let mut open = VecDeque::from([(start, Vec::new())]);
        let mut seen = BTreeSet::new();
        while let Some((slice, way)) = open.pop_front() {
            for (to, imports) in self.from(slice) {
                let way: Vec<_> = way.iter().copied().chain(imports.first()).collect();
                if to == start {
                    return way;
                }
                if seen.insert(to) {
                    open.push_back((to, way));
                }
            }
        }
        Vec::new()
    }
}

/// What is named at the crate's root and comes from a slice: re-exports, and macros that are exported.
struct RootNames<'t>(BTreeMap<&'t str, &'t str>);

impl<'t> RootNames<'t> {
    fn of(krate: &Crate<'t>) -> Self {
        let mut names = BTreeMap::new();
        for source in &krate.files {
            match source.slice() {
                None => names.extend(source.paths().filter_map(|(path, target)| {
                    let slice = target.first().filter(|slice| krate.slices.contains_key(*slice))?;
                    Some((path.brings?, *slice))
                })),
                Some(slice) => names.extend(exported_macros(&source.rust.code).map(|name| (name, slice))),
            }
        }
        Self(names)
    }
}

/// The macros that `#[macro_export]` puts at the crate's root.
fn exported_macros(code: &str) -> impl Iterator<Item = &str> {
    words(code, "macro_rules").filter_map(|at| {
        let before = code.get(..at)?.trim_end();
        let attributes = before.get(before.rfind([';', '}']).map_or(0, |end| end + 1)..)?;
        let name = code
            .get(at + "macro_rules".len()..)?
            .trim_start()
            .strip_prefix('!')?;
        let name = name.split(['{', '(']).next()?.trim();
        attributes.contains("#[macro_export]").then_some(name)
    })
}

/// What a file of a slice imports of others.
fn imports<'t>(krate: &Crate<'t>, names: &RootNames<'t>, source: &Source<'t>) -> Vec<Import<'t>> {
    let Some(from) = source.slice() else {
        return Vec::new();
    };
    let found = source.paths().filter_map(|(path, target)| {
        let (first, inside) = target.split_first()?;
        let (to, inside) = match krate.slices.get_key_value(first) {
            Some((slice, _)) => (*slice, inside),
            None => (*names.0.get(first)?, target.as_slice()),
        };
        (to != from).then(|| Import {
            from,
            to,
            path: &source.file.path,
            line: line_of(&source.file.text, path.at),
            item: match (inside, path.brings) {
                ([], Some(alias)) => used_of(source, alias),
                ([], None) => "*".to_owned(),
                (inside, _) => inside.join("::"),
            },
        })
    });
    found.collect()
}

/// What a file uses of the module that it calls so.
fn used_of(source: &Source<'_>, alias: &str) -> String {
    let used = names_after(&source.rust.code, alias).filter(|(at, _)| source.ships(*at));
    let items: BTreeSet<_> = used.map(|(_, name)| format!("{alias}::{name}")).collect();
    if items.is_empty() {
        alias.to_owned()
    } else {
        items.into_iter().collect::<Vec<_>>().join(", ")
    }
}
