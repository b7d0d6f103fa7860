//! As much of Rust's grammar as the checks need: what is code, what a string, what a comment, what only a test.
//!
//! Blanking keeps every byte at its place, so that offsets into the blanked text are offsets into the file.

use std::ops::Range;

/// A source file, taken apart.
pub(crate) struct Rust {
    /// The source with comments and the insides of strings blanked.
    pub(crate) code: String,
    /// Where each string literal begins, and what stands between its quotes.
    pub(crate) strings: Vec<(usize, String)>,
    /// The items under `#[cfg(test)]`; the whole file if its path says so.
    tests: Vec<Range<usize>>,
}

impl Rust {
    /// Takes `text`, the file at `path`, apart.
    pub(crate) fn read(path: &str, text: &str) -> Self {
        let mut lexer = Lexer {
            text,
            at: 0,
            code: Vec::with_capacity(text.len()),
            strings: Vec::new(),
        };
        lexer.run();
        let code = String::from_utf8_lossy(&lexer.code).into_owned();
        let whole = 0..text.len();
        let tests = if is_test(path) {
            vec![whole]
        } else {
            items_under(&code, "#[cfg(test)]")
        };
        Self {
            code,
            strings: lexer.strings,
            tests,
        }
    }

    /// Whether the byte at `at` belongs to a test.
    pub(crate) fn is_test(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// The string literals outside tests.
    pub(crate) fn shipped_strings(&self) -> impl Iterator<Item = &(usize, String)> {
        self.strings.iter().filter(|(at, _)| !self.is_test(*at))
    }

    /// How many lines the file has without its tests.
    pub(crate) fn shipped_lines(&self) -> usize {
        let mut at = 0;
        let shipped = self.code.split_inclusive('\n').filter(|line| {
            let start = at;
            at += line.len();
            !self.is_test(start)
        });
        shipped.count()
    }
}

/// Integration tests, `tests.rs` beside its module, and the test kit, whose suites are the tests of every store.
fn is_test(path: &str) -> bool {
    let in_folder = path.split('/').rev().skip(1).any(|part| part == "tests");
    in_folder || path.ends_with("/tests.rs") || path.starts_with("crates/portcullis-testkit/")
}

/// From each `attribute` to the end of the item under it.
pub(crate) fn items_under(code: &str, attribute: &str) -> Vec<Range<usize>> {
    let mut items: Vec<Range<usize>> = Vec::new();
    for (start, _) in code.match_indices(attribute) {
        if items.last().is_none_or(|item| item.end <= start) {
            let body = start + attribute.len();
            let end = item_length(code.get(body..).unwrap_or_default());
            items.push(start..body + end);
        }
    }
    items
}

/// The length of the item at the start of `code`: up to its `;`, or the brace that closes its body.
pub(crate) fn item_length(code: &str) -> usize {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => braces += 1,
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets = brackets.saturating_sub(1),
            b'}' if braces <= 1 => return at + 1,
            b'}' => braces -= 1,
            b';' if braces == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    code: Vec<u8>,
    strings: Vec<(usize, String)>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        let mut previous = ' ';
        while let Some(next) = self.rest().chars().next() {
            let joined = previous.is_alphanumeric() || previous == '_';
            previous = next;
            if self.rest().starts_with("//") {
                let length = self.rest().find('\n').unwrap_or(self.rest().len());
                self.blank(length);
            } else if self.rest().starts_with("/*") {
                self.blank(comment_length(self.rest()));
            } else if let Some((prefix, hashes)) =
                string_start(self.rest()).filter(|_| !joined || next == '"')
            {
                self.string(prefix, hashes);
            } else if next == '\'' {
                self.quote();
            } else {
                self.keep(next.len_utf8());
            }
        }
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn keep(&mut self, length: usize) {
        let end = self.at + length;
        self.code.extend(self.text.bytes().take(end).skip(self.at));
        self.at = end;
    }

    fn blank(&mut self, length: usize) {
        let end = self.at + length;
        let bytes = self.text.bytes().take(end).skip(self.at);
        self.code
            .extend(bytes.map(|byte| if byte == b'\n' { b'\n' } else { b' ' }));
        self.at = end;
    }

    /// A string whose opening quote stands after `prefix` bytes; raw ones close with `hashes`.
    fn string(&mut self, prefix: usize, hashes: Option<usize>) {
        let start = self.at;
        self.keep(prefix + 1);
        let inside = match hashes {
            Some(hashes) => self.rest().find(&format!("\"{}", "#".repeat(hashes))),
            None => closing_quote(self.rest(), '"'),
        };
        let inside = inside.unwrap_or(self.rest().len());
        self.strings
            .push((start, self.rest().get(..inside).unwrap_or_default().to_owned()));
        self.blank(inside);
        self.keep(1 + hashes.unwrap_or(0));
    }

    /// A character literal is blanked; a lifetime is code.
    fn quote(&mut self) {
        self.keep(1);
        let mut after = self.rest().chars();
        let (first, second) = (after.next(), after.next());
        if first == Some('\\') || second == Some('\'') {
            let inside = closing_quote(self.rest(), '\'').unwrap_or(0);
            self.blank(inside);
            self.keep(1);
        }
    }
}

/// How many bytes stand before the opening quote of the string at the start of `text`, and its hashes if it is raw.
fn string_start(text: &str) -> Option<(usize, Option<usize>)> {
    let emails = text.len() - text.trim_start_matches(['b', 'c', 'r']).len();
    let raw = text.get(..emails)?.contains('r');
    if emails > 2 {
        return None;
    }
    let after = text.get(emails..)?;
    let hashes = if raw {
        after.len() - after.trim_start_matches('#').len()
    } else {
        0
    };
    after
        .get(hashes..)?
        .starts_with('"')
        .then_some((emails + hashes, raw.then_some(hashes)))
}

fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// The length of the block comment at the start of `text`; they nest.
fn comment_length(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Rust {
        Rust::read("crates/x/src/lib.rs", text)
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* ä */ */ c", "a                  c"),
            (r#"f("a\"b")"#, r#"f("    ")"#),
            (r##"f(r#"a"b"#, 1)"##, r##"f(r#"   "#, 1)"##),
            ("f(b\"x\", c\"y\")", "f(b\" \", c\" \")"),
            ("let r#fn = for_\"x\"", "let r#fn = for_\" \""),
            ("'\"' 'a '\\'' x", "' ' 'a '  ' x"),
            ("fn f<'a>(x: &'a str) {} // '", "fn f<'a>(x: &'a str) {}     "),
        ] {
            assert_eq!(read(text).code, code, "{text}");
            assert_eq!(read(text).code.len(), text.len(), "{text}");
        }
    }

    #[test]
    fn strings_keep_their_place_and_content() {
        let rust = read("f(\"a\", r#\"b\"c\"#) // \"no\"");
        assert_eq!(rust.strings, [(2, "a".to_owned()), (7, "b\"c".to_owned())]);
    }

    #[test]
    fn test_items_are_told_from_the_rest() {
        let rust = read("a();\n#[cfg(test)]\nmod tests;\nb();\n#[cfg(test)]\nmod x {\n fn f() {}\n}\nc();\n");
        for (code, test) in [
            ("a();", false),
            ("mod tests;", true),
            ("b();", false),
            ("fn f", true),
            ("c();", false),
        ] {
            assert_eq!(rust.is_test(rust.code.find(code).unwrap()), test, "{code}");
        }
        assert_eq!(rust.shipped_lines(), 3);
    }

    #[test]
    fn whole_files_are_tests_by_their_path() {
        for (path, test) in [
            ("crates/x/src/a/tests.rs", true),
            ("crates/x/tests/login.rs", true),
            ("crates/portcullis-testkit/src/clock.rs", true),
            ("crates/x/src/latests.rs", false),
            ("crates/x/src/tests_of_time.rs", false),
        ] {
            assert_eq!(is_test(path), test, "{path}");
        }
    }

    #[test]
    fn unfinished_sources_do_not_stop_the_reader() {
        for text in [
            "\"",
            "'",
            "/*",
            "r#\"",
            "#[cfg(test)]",
            "'\\",
            "b'",
            "#[cfg(test)] mod x {",
        ] {
            assert_eq!(read(text).code.len(), text.len(), "{text}");
        }
    }
}
