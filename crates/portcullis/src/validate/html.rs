//! Text with markup that people write: cleaned while it is read.
//!
//! Invariants: a [`CleanHtml`] exists only cleaned (`T205`). Its length is bounded before it is parsed, and again afterwards: what is
//! cleaned may be longer, because characters are escaped.
//!
//! **Deliberately absent:** pictures, styles, classes, ids and relative links. They call home, imitate the page around them, or
//! mean something else where they are shown.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use portcullis_core::defends;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// HTML that can stand in a page: no script, no handler, no link that runs. At most `MOST` characters, before and after it was
/// cleaned.
///
/// A field of this type is cleaned when it is read, by any reader. What stays is
///
/// - text: `p`, `br`, `hr`, `blockquote`, `pre`, `code`, `h1` to `h6`, `ul`, `ol`, `li`;
/// - words in it: `b`, `strong`, `i`, `em`, `u`, `s`, `del`, `ins`, `mark`, `small`, `sub`, `sup`, `kbd`, `abbr`, `q`, `cite`;
/// - tables: `table`, `thead`, `tbody`, `tr`, `th`, `td`, with `colspan` and `rowspan`;
/// - `a` with an absolute `href` of `https`, `http` or `mailto`, to which `rel="noopener noreferrer nofollow ugc"` is added;
/// - `title` of `abbr`, `cite` of `blockquote` and `q`, and `lang` anywhere.
///
/// Of other elements the text stays; of `script` and `style` nothing does.
///
/// ```
/// use portcullis::CleanHtml;
///
/// let clean = CleanHtml::<100>::clean("<p onclick='x()'>Hello <script>alert(1)</script><b>there</b></p>")?;
/// assert_eq!(clean.as_str(), "<p>Hello <b>there</b></p>");
/// # Ok::<_, portcullis::TooLong>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CleanHtml<const MOST: usize = 10_000>(String);

/// A text is longer than what is welcome, as it came or once it is cleaned, or has more tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLong {
    /// Too many characters.
    #[error("at most {most} characters, as it comes and when it is cleaned")]
    Characters {
        /// As many as may be there.
        most: usize,
    },
    /// Too many tags: how long it takes to put them in order grows faster than their number.
    #[error("at most {MOST_TAGS} tags")]
    Tags,
}

impl<const MOST: usize> CleanHtml<MOST> {
    /// Cleans a text.
    ///
    /// # Errors
    /// [`TooLong`]: more than `MOST` characters came, or are there once it is cleaned; or more than 2,000 tags.
    pub fn clean(text: &str) -> Result<Self, TooLong> {
        defends!("T205");
        let bounded = |text: &str| match text.chars().count() {
            count if count > MOST => Err(TooLong::Characters { most: MOST }),
            _ => Ok(()),
        };
        bounded(text)?;
        if text.bytes().filter(|byte| *byte == b'<').count() > MOST_TAGS {
            return Err(TooLong::Tags);
        }
        let clean = CLEANER.clean(text).to_string();
        bounded(&clean)?;
        Ok(Self(clean))
    }

    /// The HTML.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The HTML, to be kept.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MOST: usize> fmt::Display for CleanHtml<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for CleanHtml<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::clean(&text)
            .map_err(|why| D::Error::invalid_length(text.chars().count(), &why.to_string().as_str()))
    }
}

impl<const MOST: usize> JsonSchema for CleanHtml<MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("CleanHtml{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "contentMediaType": "text/html", "maxLength": MOST })
    }
}

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .tags(TAGS.into())
        .generic_attributes(HashSet::from(["lang"]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("abbr", HashSet::from(["title"])),
            ("blockquote", HashSet::from(["cite"])),
            ("q", HashSet::from(["cite"])),
            ("td", HashSet::from(["colspan", "rowspan"])),
            ("th", HashSet::from(["colspan", "rowspan"])),
        ]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow ugc"));
    builder
});

const TAGS: [&str; 39] = [
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "cite",
    "code",
    "del",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "small",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
    "tfoot",
];

/// As many tags as a long text has.
const MOST_TAGS: usize = 2_000;

#[cfg(test)]
mod tests {
    use portcullis_core::checks;
    use proptest::prelude::*;

    use super::*;

    fn clean(text: &str) -> String {
        CleanHtml::<10_000>::clean(text).unwrap().into_string()
    }

    // Shows: WP-8
    #[test]
    fn what_runs_or_calls_home_is_gone() {
        checks!("T205");
        for (text, left) in [
            ("<script>alert(1)</script>x", "x"),
            ("<style>p{}</style>x", "x"),
            ("<p onclick=alert(1)>x</p>", "<p>x</p>"),
            ("<img src=https://evil.example/pixel>x", "x"),
            ("<img src=x onerror=alert(1)>x", "x"),
            ("<svg onload=alert(1)>x", "x"),
            ("<iframe src=https://evil.example></iframe>x", "x"),
            ("<p style='position:fixed' class=a id=login>x</p>", "<p>x</p>"),
            ("<!-- x -->y", "y"),
            ("<form action=//evil.example><input name=password></form>x", "x"),
            ("<b>x", "<b>x</b>"),
            ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
        ] {
            assert_eq!(clean(text), left, "{text}");
        }
    }

    #[test]
    fn links_lead_away_and_run_nothing() {
        checks!("T205");
        let rel = "rel=\"noopener noreferrer nofollow ugc\"";
        assert_eq!(
            clean("<a href=https://example.com target=_top>x</a>"),
            format!("<a href=\"https://example.com\" {rel}>x</a>")
        );
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java&#10;script:alert(1)",
            "&#1;javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "/logout",
            "//evil.example",
            "?next=x",
        ] {
            assert_eq!(
                clean(&format!("<a href=\"{bad}\">x</a>")),
                format!("<a {rel}>x</a>"),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_length_counts_before_and_after() {
        checks!("T205");
        assert!(CleanHtml::<4>::clean("abcd").is_ok());
        assert!(CleanHtml::<4>::clean("abcde").is_err());
        assert!(
            CleanHtml::<4>::clean("<i></i>").is_err(),
            "as it came it is longer"
        );
        assert!(
            CleanHtml::<4>::clean("&&&&").is_err(),
            "cleaned it is `&amp;&amp;&amp;&amp;`"
        );
    }

    /// Elements that are never closed make a parser look through all that are open, for each.
    #[test]
    fn what_is_nested_deeply_is_bounded_by_its_tags() {
        checks!("T205");
        for (piece, tags) in [
            ("<b>", 1),
            ("<table><tr><td>", 3),
            ("<ul><li>", 2),
            ("<b></p>", 2),
        ] {
            let of = |tags_in_all: usize| piece.repeat(tags_in_all / tags);
            assert!(CleanHtml::<60_000>::clean(&of(1_998)).is_ok(), "{piece}");
            assert_eq!(
                CleanHtml::<60_000>::clean(&of(2_004)),
                Err(TooLong::Tags),
                "{piece}"
            );
        }
    }

    proptest! {
        /// Whatever the parser makes of it, and of what it made.
        #[test]
        fn nothing_is_left_of_what_runs(text in "([a-z&;\"'=/!-]|<(/)?(p|b|a href=|script|style|math|svg|table|td|select|title|!--)>?){0,40}") {
            checks!("T205");
            let once = clean(&text);
            for left in [clean(&once), once] {
                for tag in ["<script", "<style", "<svg", "<math", "<select", "<title", "<!--"] {
                    prop_assert!(!left.contains(tag), "{}", left);
                }
            }
        }
    }
}
