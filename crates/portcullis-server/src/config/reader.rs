//! Turns given values into typed ones, and keeps going where one is wrong.

use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::secret::SecretText;
use portcullis_identity::secrets::User;

use super::duration;
use super::problem::{Origin, Problem};
use super::source::{Given, Raw, bounded};

/// An effective value, for `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The key.
    pub(crate) key: &'static str,
    /// Its value; empty where nothing is set.
    pub(crate) value: String,
    /// Where it came from.
    pub(crate) origin: Origin,
}

/// Reads one key after the other.
pub(crate) struct Reader {
    given: Given,
    pub(crate) shown: Vec<Shown>,
}

impl Reader {
    pub(crate) fn new(given: Given) -> Self {
        Self {
            given,
            shown: Vec::new(),
        }
    }

    /// Everything that was wrong.
    pub(crate) fn into_problems(self) -> (Vec<Problem>, Vec<Shown>) {
        (self.given.problems, self.shown)
    }

    /// Whether somebody set the key.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.given.values.contains_key(key)
    }

    /// Says that the value of `key` can't be.
    pub(crate) fn fail(&mut self, key: &'static str, says: impl Into<String>) {
        let origin = self
            .given
            .values
            .get(key)
            .map_or(Origin::Default, |(_, origin)| origin.clone());
        self.given.problems.push(Problem {
            origin,
            key: Some(key.to_owned()),
            says: says.into(),
        });
    }

    /// Text that `parse` understands; `None` if nobody set the key or it is wrong.
    pub(crate) fn optional<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let parsed = self.parse(key, |raw| match raw {
            Raw::Loose(text) | Raw::Text(text) => parse(text),
            other => Err(format!("must be text in quotes, not {}", kind(other))),
        });
        self.show(key, parsed.as_ref().map(show).unwrap_or_default());
        parsed
    }

    /// Text that `parse` understands, or the default.
    pub(crate) fn text<T>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
        show: impl Fn(&T) -> String,
    ) -> T {
        let value = self.optional(key, parse, &show).unwrap_or(default);
        self.reshow(key, show(&value));
        value
    }

    /// A file or folder, or the default.
    pub(crate) fn path(&mut self, key: &'static str, default: PathBuf) -> PathBuf {
        self.text(key, default, parse_path, |path| path.display().to_string())
    }

    /// The secret in the file that `key` names; the file's path is shown, never its text.
    pub(crate) fn secret(&mut self, key: &'static str) -> Option<SecretText> {
        let path = self.optional(key, parse_path, |path| path.display().to_string())?;
        match read_secret(&path, key) {
            Ok(secret) => Some(secret),
            Err(says) => {
                self.fail(key, says);
                None
            }
        }
    }

    /// A whole number within `range`, or the default.
    pub(crate) fn number(&mut self, key: &'static str, default: u32, range: RangeInclusive<u32>) -> u32 {
        let (least, most) = range.into_inner();
        let bad = || format!("must be a whole number from {least} to {most}");
        let parsed = self.parse(key, |raw| {
            let number = match raw {
                Raw::Loose(text) => text.parse::<i64>().map_err(|_| bad())?,
                Raw::Integer(number) => *number,
                other => return Err(format!("{}, not {}", bad(), kind(other))),
            };
            u32::try_from(number)
                .ok()
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(bad)
        });
        let value = parsed.unwrap_or(default);
        self.show(key, value.to_string());
        value
    }

    /// A truth value, or the default.
    pub(crate) fn truth(&mut self, key: &'static str, default: bool) -> bool {
        let parsed = self.parse(key, |raw| match raw {
            Raw::Boolean(truth) => Ok(*truth),
            Raw::Loose(text) => match text.as_str() {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err("must be true or false".to_owned()),
            },
            other => Err(format!("must be true or false, not {}", kind(other))),
        });
        let value = parsed.unwrap_or(default);
        self.show(key, value.to_string());
        value
    }

    /// Texts that `parse` understands: an array in the file, separated by spaces elsewhere; none if nobody set the key.
    pub(crate) fn list<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
        show: impl Fn(&T) -> String,
    ) -> Vec<T> {
        let parsed = self.parse(key, |raw| match raw {
            Raw::Loose(text) => text.split_ascii_whitespace().map(&parse).collect(),
            Raw::List(texts) => texts.iter().map(|text| parse(text)).collect(),
            other => Err(format!("must be an array of texts, not {}", kind(other))),
        });
        let values: Vec<T> = parsed.unwrap_or_default();
        let shown: Vec<String> = values.iter().map(show).collect();
        self.show(key, shown.join(" "));
        values
    }

    /// A span of time within `range`, or the default.
    pub(crate) fn span(
        &mut self,
        key: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let (least, most) = (duration::show(*range.start()), duration::show(*range.end()));
        let parse = |text: &str| {
            let span = duration::parse(text)
                .ok_or("must be a span of time with its unit, such as 90s, 15m, 12h or 7d".to_owned())?;
            if range.contains(&span) {
                Ok(span)
            } else {
                Err(format!("must be from {least} to {most}"))
            }
        };
        self.text(key, default, parse, |span| duration::show(*span))
    }

    fn parse<T>(&mut self, key: &'static str, parse: impl FnOnce(&Raw) -> Result<T, String>) -> Option<T> {
        let (raw, _) = self.given.values.get(key)?;
        match parse(raw) {
            Ok(value) => Some(value),
            Err(says) => {
                self.fail(key, says);
                None
            }
        }
    }

    fn show(&mut self, key: &'static str, value: String) {
        let origin = self
            .given
            .values
            .get(key)
            .map_or(Origin::Default, |(_, origin)| origin.clone());
        self.shown.push(Shown { key, value, origin });
    }

    /// Shows what a value turned out to be once others were known.
    pub(crate) fn reshow(&mut self, key: &'static str, value: String) {
        if let Some(shown) = self.shown.iter_mut().rev().find(|shown| shown.key == key) {
            shown.value = value;
        }
    }
}

fn parse_path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("must be a path".to_owned());
    }
    Ok(PathBuf::from(text))
}

fn read_secret(path: &Path, key: &str) -> Result<SecretText, String> {
    let unreadable = |error| format!("{} can't be read: {error}", path.display());
    let file = File::open(path).map_err(unreadable)?;
    let judged = User::of_process().and_then(|user| user.judge(path, &file));
    judged.map_err(unreadable)?.map_err(|reason| {
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

/// What a value is, without repeating it.
fn kind(raw: &Raw) -> &'static str {
    match raw {
        Raw::Loose(_) | Raw::Text(_) => "text",
        Raw::Integer(_) => "a number",
        Raw::Boolean(_) => "true or false",
        Raw::List(_) => "array",
        Raw::Other(kind) => kind,
    }
}

/// A secret is one line.
const MAX_SECRET: u64 = 4096;
