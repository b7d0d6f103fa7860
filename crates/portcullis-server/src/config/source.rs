//! Where values come from, in rising priority: the file, the environment, the flags.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::KEYS;
use super::key::{Key, PREFIX, nearest};
use super::problem::{Origin, Problem};
use super::{neighbour, unnamed};

/// A value as it was given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Raw {
    /// From a variable or a flag: it may turn out to be a number.
    Loose(String),
    /// Text in the file.
    Text(String),
    /// A whole number in the file.
    Integer(i64),
    /// A truth value in the file.
    Boolean(bool),
    /// Texts in the file.
    List(Vec<String>),
    /// Something that no key takes: what the file calls it.
    Other(&'static str),
}

impl Raw {
    /// What it is, without repeating it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Loose(_) | Self::Text(_) => "text",
            Self::Integer(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "array",
            Self::Other(kind) => kind,
        }
    }
}

/// What all sources say, the one of highest priority for each key, and what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) values: BTreeMap<&'static str, (Raw, Origin)>,
    pub(crate) problems: Vec<Problem>,
}

impl Given {
    fn put(&mut self, name: &str, value: Raw, origin: Origin) {
        match Key::find(name) {
            Some(key) => {
                self.values.insert(key.name, (value, origin));
            }
            None => {
                let says = unknown("", name, KEYS.iter().map(|key| key.name));
                self.problems.push(Problem {
                    origin,
                    key: Some(name.to_owned()),
                    says,
                });
            }
        }
    }

    fn fail(&mut self, origin: Origin, says: String) {
        self.problems.push(Problem {
            origin,
            key: None,
            says,
        });
    }

    /// Reads the file. `required` tells a file that was asked for from the one that is merely looked for.
    pub(crate) fn read_file(&mut self, path: &Path, required: bool) {
        let at = |line| Origin::File {
            path: path.to_owned(),
            line,
        };
        let text = match read_to_text(path, required) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => return,
            Err(error) => return self.fail(at(1), error.to_string()),
        };
        self.read_toml(path, &text);
    }

    fn read_toml(&mut self, path: &Path, text: &str) {
        let at = |position: usize| Origin::File {
            path: path.to_owned(),
            line: line_of(text, position),
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            // The message alone: the parser's own display would quote the line, and a secret with it.
            let position = error.span().map_or(0, |span| span.start);
            self.fail(at(position), error.message().replace('\n', ", "));
        }
        let mut values = Vec::new();
        flatten("", table.get_ref(), &mut values);
        for (name, position, value) in values {
            self.put(&name, value, at(position));
        }
    }

    /// Reads the variables whose names begin with `PORTCULLIS_`.
    pub(crate) fn read_variables(&mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) {
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            if name == CONFIG_VARIABLE {
                continue;
            }
            let origin = Origin::Variable(name.to_owned());
            let Some(key) = KEYS.iter().find(|key| key.variable() == name) else {
                if neighbour::sets(name, value.as_encoded_bytes()) {
                    continue;
                }
                let says = unknown_variable(name);
                self.problems.push(Problem {
                    origin,
                    key: None,
                    says,
                });
                continue;
            };
            match value.into_string() {
                Ok(value) => self.put(key.name, Raw::Loose(value), origin),
                Err(_) => self.fail(origin, "not UTF-8 text".to_owned()),
            }
        }
    }

    /// Takes a flag's value over.
    pub(crate) fn read_flag(&mut self, flag: &Flag) {
        self.put(
            &flag.key,
            Raw::Loose(flag.value.clone()),
            Origin::Flag(flag.typed.clone()),
        );
    }
}

/// A key that was set on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flag {
    /// The name of the key that the flag sets.
    pub(crate) key: String,
    /// The value as it was typed.
    pub(crate) value: String,
    /// How it was typed, for messages: `--listen`.
    pub(crate) typed: String,
}

/// The file to read: what the flag or the variable names, or the one in the working directory.
pub(crate) fn file_to_read(flag: Option<&Path>, variable: Option<&OsStr>) -> (PathBuf, bool) {
    match (flag, variable) {
        (Some(path), _) => (path.to_owned(), true),
        (None, Some(path)) => (PathBuf::from(path), true),
        (None, None) => (PathBuf::from(FILE), false),
    }
}

/// What is said about a name that isn't known; all names go on after `prefix`. Its value is never repeated: it could be a
/// secret.
fn unknown<'a>(prefix: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let from_file = format!("{name}_file");
    let from_file_upper = format!("{name}_FILE");
    if let Some(file) = known
        .clone()
        .find(|known| *known == from_file || *known == from_file_upper)
    {
        return format!("secrets are read from files only: write it to a file and set {prefix}{file}");
    }
    match nearest(name, known) {
        Some(meant) => format!("unknown; did you mean {prefix}{meant}?"),
        None => "unknown; `portcullis config show` lists what there is".to_owned(),
    }
}

/// As [`unknown`], of a variable: what all of them begin with says nothing about which was meant.
fn unknown_variable(name: &str) -> String {
    let bare = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let variables: Vec<String> = KEYS.iter().map(|key| bare(&key.variable())).collect();
    unknown(PREFIX, &bare(name), variables.iter().map(String::as_str))
}

fn flatten(prefix: &str, table: &DeTable<'_>, values: &mut Vec<(String, usize, Raw)>) {
    for (key, value) in table {
        let name = format!("{prefix}{}", key.get_ref());
        let position = key.span().start;
        let raw = match value.get_ref() {
            DeValue::Table(table) => {
                flatten(&format!("{name}."), table, values);
                continue;
            }
            DeValue::String(text) => Raw::Text(text.to_string()),
            DeValue::Boolean(truth) => Raw::Boolean(*truth),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Raw::Integer(number),
                Err(_) => Raw::Other("a number beyond 64 bits"),
            },
            DeValue::Array(items) => texts(items),
            other => Raw::Other(other.type_str()),
        };
        values.push((name, position, raw));
    }
}

/// An array of texts; another array is none that a key takes.
fn texts(items: &[Spanned<DeValue<'_>>]) -> Raw {
    let texts = items.iter().map(|item| match item.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    });
    texts
        .collect::<Option<_>>()
        .map_or(Raw::Other("an array of something else than texts"), Raw::List)
}

/// The text of an open file of at most `max` bytes.
pub(super) fn bounded(file: File, max: u64) -> io::Result<String> {
    let mut text = String::new();
    file.take(max + 1).read_to_string(&mut text)?;
    if text.len() as u64 > max {
        return Err(io::Error::other(format!("it has more than {max} bytes")));
    }
    Ok(text)
}

fn read_to_text(path: &Path, named: bool) -> io::Result<String> {
    let unreadable = |error: io::Error| io::Error::new(error.kind(), format!("can't be read: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    if !named {
        unnamed::check(path, &file)?;
    }
    bounded(file, MAX_FILE).map_err(unreadable)
}

fn line_of(text: &str, position: usize) -> usize {
    1 + text.bytes().take(position).filter(|byte| *byte == b'\n').count()
}

/// The file that is looked for in the working directory.
const FILE: &str = "portcullis.toml";

/// The variable that names another file.
pub(crate) const CONFIG_VARIABLE: &str = "PORTCULLIS_CONFIG";

/// Far more than all keys take.
const MAX_FILE: u64 = 256 * 1024;
