//! The forms a value can have: how it is read, shown and bounded.

use std::fmt::Display;
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::secret::SecretText;
use portcullis_core::throttle::Rate;
use portcullis_identity::secrets::User;

use super::duration;
use super::source::{Raw, bounded};

/// How the value of a key is read, shown and bounded.
pub(crate) trait Form<T> {
    /// Reads what was given for `key`.
    ///
    /// # Errors
    /// What it must be. It repeats nothing that could be a secret.
    fn read(&self, key: &'static str, raw: &Raw) -> Result<T, String>;

    /// The value as it is shown; empty where there is none.
    fn show(&self, value: &T) -> String;

    /// The least and the most it may be, as they are written.
    fn bounds(&self) -> Option<[String; 2]> {
        None
    }
}

/// Text that `parse` understands.
pub(super) fn text<T>(
    parse: impl Fn(&str) -> Result<T, String>,
    show: impl Fn(&T) -> String,
) -> impl Form<T> {
    Text { parse, show }
}

/// Text that may be missing.
pub(super) fn optional<T>(
    parse: impl Fn(&str) -> Result<T, String>,
    show: impl Fn(&T) -> String,
) -> impl Form<Option<T>> {
    Text {
        parse: move |text: &str| parse(text).map(Some),
        show: move |value: &Option<T>| value.as_ref().map(&show).unwrap_or_default(),
    }
}

/// A file or folder.
pub(super) fn path() -> impl Form<PathBuf> {
    text(parse_path, |path| path.display().to_string())
}

/// How much of something in a time, such as `20/day`.
pub(super) fn rate() -> impl Form<Rate> {
    let parse = |text: &str| Rate::parse(text).map_err(|error| error.to_string());
    text(parse, Rate::to_string)
}

/// Any text; what it must be is checked elsewhere.
pub(super) fn any(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

struct Text<P, S> {
    parse: P,
    show: S,
}

impl<T, P: Fn(&str) -> Result<T, String>, S: Fn(&T) -> String> Form<T> for Text<P, S> {
    fn read(&self, _: &'static str, raw: &Raw) -> Result<T, String> {
        (self.parse)(text_of(raw)?)
    }

    fn show(&self, value: &T) -> String {
        (self.show)(value)
    }
}

/// Texts that `parse` understands: an array in the file, separated by spaces elsewhere.
pub(super) fn list<T>(
    parse: impl Fn(&str) -> Result<T, String>,
    show: impl Fn(&T) -> String,
) -> impl Form<Vec<T>> {
    List { parse, show }
}

struct List<P, S> {
    parse: P,
    show: S,
}

impl<T, P: Fn(&str) -> Result<T, String>, S: Fn(&T) -> String> Form<Vec<T>> for List<P, S> {
    fn read(&self, _: &'static str, raw: &Raw) -> Result<Vec<T>, String> {
        match raw {
            Raw::Loose(text) => text.split_ascii_whitespace().map(&self.parse).collect(),
            Raw::List(texts) => texts.iter().map(|text| (self.parse)(text)).collect(),
            other => Err(format!("must be an array of texts, not {}", other.kind())),
        }
    }

    fn show(&self, values: &Vec<T>) -> String {
        let shown: Vec<String> = values.iter().map(&self.show).collect();
        shown.join(" ")
    }
}

/// A whole number within `range`.
pub(super) const fn number<T>(range: RangeInclusive<T>) -> Number<T> {
    Number(range)
}

/// The form that [`number`] makes.
pub(super) struct Number<T>(RangeInclusive<T>);

impl<T: Copy + Display + PartialOrd + TryFrom<i64>> Form<T> for Number<T> {
    fn read(&self, _: &'static str, raw: &Raw) -> Result<T, String> {
        let bad = || {
            format!(
                "must be a whole number from {} to {}",
                self.0.start(),
                self.0.end()
            )
        };
        let number = match raw {
            Raw::Loose(text) => text.parse::<i64>().map_err(|_| bad())?,
            Raw::Integer(number) => *number,
            other => return Err(format!("{}, not {}", bad(), other.kind())),
        };
        T::try_from(number)
            .ok()
            .filter(|number| self.0.contains(number))
            .ok_or_else(bad)
    }

    fn show(&self, value: &T) -> String {
        value.to_string()
    }

    fn bounds(&self) -> Option<[String; 2]> {
        Some([self.0.start().to_string(), self.0.end().to_string()])
    }
}

/// Yes or no: `true` or `false`.
pub(super) const fn flag() -> Flag {
    Flag
}

/// The form that [`flag`] makes.
pub(super) struct Flag;

impl Form<bool> for Flag {
    fn read(&self, _: &'static str, raw: &Raw) -> Result<bool, String> {
        match raw {
            Raw::Boolean(truth) => Ok(*truth),
            Raw::Loose(text) => text.parse().map_err(|_| "must be true or false".to_owned()),
            other => Err(format!("must be true or false, not {}", other.kind())),
        }
    }

    fn show(&self, value: &bool) -> String {
        value.to_string()
    }
}

/// A span of time within `range`.
pub(super) const fn span(range: RangeInclusive<Duration>) -> Span {
    Span(range)
}

/// The form that [`span`] makes.
pub(super) struct Span(RangeInclusive<Duration>);

impl Form<Duration> for Span {
    fn read(&self, _: &'static str, raw: &Raw) -> Result<Duration, String> {
        let span = duration::parse(text_of(raw)?)
            .ok_or("must be a span of time with its unit, such as 90s, 15m, 12h or 7d")?;
        if self.0.contains(&span) {
            return Ok(span);
        }
        let (least, most) = (duration::show(*self.0.start()), duration::show(*self.0.end()));
        Err(format!("must be from {least} to {most}"))
    }

    fn show(&self, value: &Duration) -> String {
        duration::show(*value)
    }

    fn bounds(&self) -> Option<[String; 2]> {
        Some([duration::show(*self.0.start()), duration::show(*self.0.end())])
    }
}

/// A file of one line that is a secret, and that nobody else may read. Its path is shown, never its text.
pub(super) const fn secret() -> Secret {
    Secret
}

/// The form that [`secret`] makes.
pub(super) struct Secret;

/// A secret with the file that it was read from.
#[derive(Debug, Clone)]
pub(crate) struct SecretFile {
    path: PathBuf,
    /// The file's one line, without its end.
    pub(super) text: SecretText,
}

impl Form<Option<SecretFile>> for Secret {
    fn read(&self, key: &'static str, raw: &Raw) -> Result<Option<SecretFile>, String> {
        let path = parse_path(text_of(raw)?)?;
        let text = read_secret(&path, key)?;
        Ok(Some(SecretFile { path, text }))
    }

    fn show(&self, value: &Option<SecretFile>) -> String {
        let path = value.as_ref().map(|file| file.path.display().to_string());
        path.unwrap_or_default()
    }
}

pub(super) fn text_of(raw: &Raw) -> Result<&str, String> {
    match raw {
        Raw::Loose(text) | Raw::Text(text) => Ok(text),
        other => Err(format!("must be text in quotes, not {}", other.kind())),
    }
}

pub(super) fn parse_path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("must be a path".to_owned());
    }
    Ok(PathBuf::from(text))
}

fn read_secret(path: &Path, key: &str) -> Result<SecretText, String> {
    let unreadable = |error| format!("{} can't be read: {error}", path.display());
    let file = File::open(path).map_err(unreadable)?;
    let checked = User::of_process().and_then(|user| user.check(path, &file));
    checked.map_err(unreadable)?.map_err(|reason| {
        let advice = reason.advice(path, key);
        format!("{} {reason}: {advice}", path.display())
    })?;
    let text = bounded(file, MAX_SECRET)
        .map(SecretText::new)
        .map_err(unreadable)?;
    let line = text.expose().trim_end_matches(['\r', '\n']);
    if line.is_empty() || line.chars().any(char::is_control) {
        return Err(format!("{} must hold the secret in one line", path.display()));
    }
    Ok(SecretText::new(line.to_owned()))
}

/// A secret is one line.
const MAX_SECRET: u64 = 4096;
