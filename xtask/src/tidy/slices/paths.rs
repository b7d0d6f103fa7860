//! Paths as they stand in blanked code: in `use` items, and inline where they begin at `crate`, `self` or `super`.

use std::ops::Range;

use crate::tidy::words;

/// One path, from wherever it begins to its last name.
#[derive(Debug, PartialEq)]
pub(super) struct Written<'c> {
    /// Where its last name stands; where it begins, for an inline one.
    pub(super) at: usize,
    /// Its names; of a glob the module's.
    pub(super) names: Vec<&'c str>,
    /// What it brings in: its last name, or what follows `as`. Nothing for a glob and inline.
    pub(super) brings: Option<&'c str>,
}

/// Every path of every `use` item, and then every inline one.
pub(super) fn written(code: &str) -> Vec<Written<'_>> {
    let mut found = Vec::new();
    let mut items: Vec<Range<usize>> = Vec::new();
    for start in words(code, "use").filter(|at| begins_an_item(code, *at)) {
        let mut reader = Reader {
            code,
            at: start + "use".len(),
        };
        reader.tree(&[], &mut found);
        items.push(start..reader.at);
    }
    for first in ["crate", "self", "super"] {
        for at in words(code, first) {
            if !items.iter().any(|item| item.contains(&at)) && !follows_colons(code, at) {
                found.extend(Reader { code, at }.inline());
            }
        }
    }
    found
}

/// The names that follow `alias::` somewhere.
pub(super) fn names_after<'c>(code: &'c str, alias: &'c str) -> impl Iterator<Item = (usize, &'c str)> {
    words(code, alias).filter_map(move |at| {
        let mut reader = Reader {
            code,
            at: at + alias.len(),
        };
        let is_path = !follows_colons(code, at) && reader.eat("::");
        is_path.then(|| reader.name()).flatten().map(|name| (at, name))
    })
}

/// `use<'a>` in a type is none, and neither is the end of some other word.
fn begins_an_item(code: &str, at: usize) -> bool {
    let before = code.get(..at).unwrap_or_default().trim_end();
    let after = code.get(at + "use".len()..).unwrap_or_default();
    let stands_alone =
        before.is_empty() || before.ends_with([';', '{', '}', ']', ')']) || before.ends_with("pub");
    stands_alone && after.starts_with(char::is_whitespace)
}

fn follows_colons(code: &str, at: usize) -> bool {
    code.get(..at).unwrap_or_default().trim_end().ends_with("::")
}

struct Reader<'c> {
    code: &'c str,
    at: usize,
}

impl<'c> Reader<'c> {
    /// One tree of a `use` item, below `above`.
    fn tree(&mut self, above: &[&'c str], found: &mut Vec<Written<'c>>) {
        let mut names = above.to_vec();
        loop {
            let at = self.skip_space();
            if self.eat("{") {
                return self.group(&names, found);
            }
            if self.eat("*") {
                return found.push(Written {
                    at,
                    names,
                    brings: None,
                });
            }
            // What begins with `::` is another crate's.
            let Some(name) = self.name() else { return };
            names.push(name);
            if self.eat("::") {
                continue;
            }
            if name == "self" && names.len() > 1 {
                names.pop();
            }
            let renamed = self.eat_word("as").then(|| self.name()).flatten();
            let brings = renamed.or(names.last().copied());
            return found.push(Written { at, names, brings });
        }
    }

    fn group(&mut self, names: &[&'c str], found: &mut Vec<Written<'c>>) {
        loop {
            while self.eat(",") {}
            let before = self.skip_space();
            if self.eat("}") {
                return;
            }
            self.tree(names, found);
            if self.at == before {
                return;
            }
        }
    }

    /// The path that begins here, if more than one name is in it.
    fn inline(mut self) -> Option<Written<'c>> {
        let at = self.at;
        let mut names = vec![self.name()?];
        while self.eat("::") {
            // A turbofish or a glob: the path is over.
            let Some(name) = self.name() else { break };
            names.push(name);
        }
        (names.len() > 1).then_some(Written {
            at,
            names,
            brings: None,
        })
    }

    fn rest(&self) -> &'c str {
        self.code.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) -> usize {
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.at
    }

    fn eat(&mut self, text: &str) -> bool {
        self.skip_space();
        let eaten = self.rest().starts_with(text);
        if eaten {
            self.at += text.len();
        }
        eaten
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let before = self.at;
        let eaten = self.name() == Some(word);
        if !eaten {
            self.at = before;
        }
        eaten
    }

    fn name(&mut self) -> Option<&'c str> {
        self.skip_space();
        self.eat("r#");
        let rest = self.rest();
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        let name = rest.get(..length.unwrap_or(rest.len()))?;
        self.at += name.len();
        (!name.is_empty()).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, expected: &[&str]) {
        let found: Vec<_> = written(code).iter().map(|path| path.names.join("::")).collect();
        assert_eq!(found, expected, "{code}");
    }

    #[test]
    fn use_items_are_read_with_all_their_groups() {
        check("use crate::a::b;", &["crate::a::b"]);
        check("pub(crate) use self :: a as c ;", &["self::a"]);
        check(
            "use crate::{a, b::{self, C}, d::*,};",
            &["crate::a", "crate::b", "crate::b::C", "crate::d"],
        );
        check("x();\n#[doc(inline)]\npub use super::r#a;", &["super::a"]);
        check("use ::http::Uri; use std::fmt;", &["std::fmt"]);
    }

    #[test]
    fn inline_paths_are_read_to_their_last_name() {
        check("crate::a::f::<u8>();", &["crate::a::f"]);
        check("fn f(_: &super::super::b::T) {}", &["super::super::b::T"]);
        check("$crate::a!();", &["crate::a"]);
        check("self.a(); x::crate_b(); pub(super) fn f() {}", &[]);
    }

    #[test]
    fn what_a_path_brings_in_has_a_name() {
        let brings = |code| written(code).iter().map(|path| path.brings).collect::<Vec<_>>();
        assert_eq!(
            brings("use crate::{a as b, c::{self}, d::*};"),
            [Some("b"), Some("c"), None]
        );
        assert_eq!(
            names_after("a::F; a :: g(); x::a::H; ba::I", "a")
                .map(|(_, name)| name)
                .collect::<Vec<_>>(),
            ["F", "g"]
        );
    }

    #[test]
    fn unfinished_code_does_not_stop_the_reader() {
        for code in [
            "use ",
            "use crate::{a",
            "use crate::",
            "crate::",
            "fn f() -> impl T + use<'a> {}",
            "use {{",
        ] {
            written(code);
        }
    }
}
