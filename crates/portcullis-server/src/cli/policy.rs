//! `portcullis policy`: checks the policies of a folder, and prints their schema.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use portcullis_identity::{Api, PoliciesError, PolicyFlaw, Portcullis};
use serde_json::json;

use super::failure::Failure;
use crate::config::Config;
use crate::output::Output;
use crate::serve;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say everything that is wrong with the policies of a folder, or that nothing is
    Check {
        /// The folder; the one of the configuration unless named
        folder: Option<PathBuf>,
        /// What an application declares, as its `Portcullis::policy_schema` writes it: its policies are checked, not the
        /// server's
        #[arg(long, value_name = "FILE")]
        schema: Option<PathBuf>,
    },
    /// Print the Cedar schema that the server's policies are checked against
    Schema,
}

impl Command {
    pub(super) async fn run(self, config: &Config, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Schema => {
                let schema =
                    with_routes(config, async |portcullis, api| portcullis.policy_schema(api)).await?;
                output.line(schema.trim_end()).map_err(Failure::from)
            }
            Self::Check { folder, schema } => {
                let folder = folder.or_else(|| config.policies.directory.clone());
                let folder = folder.ok_or_else(|| {
                    let text = "name a folder, or set policies.directory in the configuration";
                    Failure::Usage(text.to_owned())
                })?;
                let notes = match schema {
                    Some(file) => Portcullis::check_policies_against(&read(&file)?, folder).await?,
                    None => {
                        with_routes(config, async |portcullis, api| {
                            portcullis.check_policies(api, folder).await
                        })
                        .await?
                    }
                };
                tell(&notes, output)
            }
        }
    }
}

/// Asks a deployment in memory: what the routes declare is in the program, not in the database.
async fn with_routes<T>(
    config: &Config,
    ask: impl AsyncFnOnce(&Portcullis, &Api) -> Result<T, PoliciesError>,
) -> Result<T, Failure> {
    let opened = Portcullis::builder().database("sqlite::memory:").open().await;
    let portcullis = opened.map_err(|error| Failure::Failed(error.to_string()))?;
    let asked = match serve::all_routes(&portcullis, config) {
        Ok(api) => ask(&portcullis, &api).await.map_err(Failure::from),
        Err(error) => Err(error.into()),
    };
    portcullis.close().await;
    asked
}

fn tell(notes: &[PolicyFlaw], output: &Output) -> Result<(), Failure> {
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    let mut text = notes.clone();
    text.push("the policies are fine".to_owned());
    let lines = json!({ "fine": true, "notes": notes });
    output.lines(&text, &lines).map_err(Failure::from)
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(file).and_then(|opened| opened.take(LONGEST).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::Failed(format!(
            "the schema {} can't be read: {error}",
            file.display()
        ))),
    }
}

/// Longer than any schema: a longer text is none, because its end is missing.
const LONGEST: u64 = 4 * 1024 * 1024;

impl From<PoliciesError> for Failure {
    fn from(error: PoliciesError) -> Self {
        Self::Failed(error.to_string())
    }
}
