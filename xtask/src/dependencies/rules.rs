//! The rules, read from `deny.toml`.

use anyhow::{Context, Result};
use toml::{Table, Value};

/// What `deny.toml` says, as far as it is checked here.
pub(crate) struct Rules {
    pub(crate) licences: Vec<String>,
    pub(crate) exceptions: Vec<(String, Vec<String>)>,
    pub(crate) banned: Vec<(String, String)>,
    pub(crate) second_versions: Vec<Skip>,
}

/// A second version that is known, and why.
pub(crate) struct Skip {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Rules {
    /// Reads the rules from the text of `deny.toml`.
    ///
    /// # Errors
    /// When a rule is missing or has the wrong shape; a ban or a second version needs its reason.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let all: Table = text.parse()?;
        let list = |section: &str, key: &str| -> Result<Vec<Value>> {
            let value = all
                .get(section)
                .and_then(|section| section.get(key))
                .and_then(Value::as_array);
            value
                .cloned()
                .with_context(|| format!("no list `{key}` in `[{section}]`"))
        };
        Ok(Self {
            licences: list("licenses", "allow")?
                .iter()
                .map(text_of)
                .collect::<Result<_>>()?,
            exceptions: list("licenses", "exceptions")?
                .iter()
                .map(exception)
                .collect::<Result<_>>()?,
            banned: list("bans", "deny")?
                .iter()
                .map(reasoned)
                .collect::<Result<_>>()?,
            second_versions: list("bans", "skip")?.iter().map(skip).collect::<Result<_>>()?,
        })
    }
}

fn text_of(value: &Value) -> Result<String> {
    Ok(value
        .as_str()
        .with_context(|| format!("`{value}` is no text"))?
        .to_owned())
}

fn field(value: &Value, key: &str) -> Result<String> {
    text_of(
        value
            .get(key)
            .with_context(|| format!("`{value}` has no `{key}`"))?,
    )
}

fn exception(value: &Value) -> Result<(String, Vec<String>)> {
    let allow = value
        .get("allow")
        .and_then(Value::as_array)
        .context("an exception needs `allow`")?;
    Ok((
        field(value, "crate")?,
        allow.iter().map(text_of).collect::<Result<_>>()?,
    ))
}

fn reasoned(value: &Value) -> Result<(String, String)> {
    Ok((field(value, "crate")?, field(value, "reason")?))
}

fn skip(value: &Value) -> Result<Skip> {
    let (package, _) = reasoned(value)?;
    let (name, version) = package
        .split_once('@')
        .with_context(|| format!("`{package}` has no @version"))?;
    Ok(Skip {
        name: name.to_owned(),
        version: version.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[licenses]\nallow = ['MIT']\nexceptions = [{ crate = 'a', allow = ['MPL-2.0'] }]\n\
        [bans]\ndeny = [{ crate = 'b', reason = 'r' }]\nskip = [{ crate = 'c@1', reason = 'r' }]\n";

    #[test]
    fn the_rules_of_this_repository_can_be_read() {
        assert!(Rules::parse(include_str!("../../../deny.toml")).is_ok());
        let rules = Rules::parse(GOOD).unwrap();
        assert_eq!(rules.licences, ["MIT"]);
        assert_eq!(rules.exceptions, [("a".into(), vec!["MPL-2.0".into()])]);
        assert_eq!(rules.banned, [("b".into(), "r".into())]);
        assert_eq!(
            (
                &*rules.second_versions[0].name,
                &*rules.second_versions[0].version
            ),
            ("c", "1")
        );
    }

    #[test]
    fn rules_without_their_parts_are_refused() {
        for (part, other) in [
            ("allow = ['MIT']", ""),
            ("'MIT'", "1"),
            (", reason = 'r' }]\nskip", "}]\nskip"),
            ("c@1", "c"),
            ("[bans]", "[ban]"),
        ] {
            assert!(Rules::parse(&GOOD.replace(part, other)).is_err(), "{part}");
        }
    }
}
