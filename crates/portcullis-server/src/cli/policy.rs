//! `portcullis policy`.

use std::path::PathBuf;

use clap::Subcommand;
use portcullis::{PoliciesError, Portcullis};
use serde_json::json;

use super::Output;
use super::failure::Failure;
use crate::config::Config;
use crate::serve;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say everything that is wrong with the policies of a folder, or that nothing is
    Check {
        /// The folder; the one of the configuration unless named
        folder: Option<PathBuf>,
    },
    /// Print the Cedar schema that the server's policies are checked against
    Schema,
}

impl Command {
    /// Works on a deployment in memory: what the routes declare is in the program, not in the database.
    pub(super) async fn run(self, config: &Config, output: &Output) -> Result<(), Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
        let portcullis = Portcullis::builder().database("sqlite::memory:").open().await;
        let portcullis = portcullis.map_err(|error| failed(&error))?;
        let done = self.tell(&portcullis, config, output).await;
        portcullis.close().await;
        done
    }

    async fn tell(self, portcullis: &Portcullis, config: &Config, output: &Output) -> Result<(), Failure> {
        let api = serve::all_routes(portcullis, config)?;
        match self {
            Self::Schema => {
                let schema = portcullis.policy_schema(&api)?;
                output.line(schema.trim_end()).map_err(Failure::from)
            }
            Self::Check { folder } => {
                let folder = folder
                    .or_else(|| config.policies.directory.clone())
                    .ok_or_else(|| {
                        Failure::Usage(
                            "name a folder, or set policies.directory in the configuration".to_owned(),
                        )
                    })?;
                let notes = portcullis.check_policies(&api, folder).await?;
                let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
                let mut text = notes.clone();
                text.push("the policies are fine".to_owned());
                let lines = json!({ "fine": true, "notes": notes });
                output.lines(&text, &lines).map_err(Failure::from)
            }
        }
    }
}

impl From<PoliciesError> for Failure {
    fn from(error: PoliciesError) -> Self {
        Self::Failed(error.to_string())
    }
}
