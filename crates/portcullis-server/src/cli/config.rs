//! `portcullis config`: says what is wrong with the configuration, and shows every value.

use clap::Subcommand;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::config::{Config, KEYS};
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say everything that is wrong with it, or that nothing is
    Check,
    /// Show every value with where it came from; secrets are never shown
    Show,
}

impl Command {
    pub(super) fn run(self, config: &Config, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Check => output.done("the configuration is fine", &json!({ "fine": true }))?,
            Self::Show => output.list(&["key", "value", "from", "about"], &rows(config))?,
        }
        Ok(())
    }
}

fn rows(config: &Config) -> Vec<Vec<Value>> {
    let about = |name: &str| {
        KEYS.iter()
            .find(|key| key.name == name)
            .map_or("", |key| key.about)
    };
    let value = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    let rows = config.shown.iter().map(|shown| {
        vec![
            json!(shown.key),
            value(&shown.value),
            json!(shown.origin.to_string()),
            json!(about(shown.key)),
        ]
    });
    rows.collect()
}
