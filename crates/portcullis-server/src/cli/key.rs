//! `portcullis key`.

use clap::Subcommand;
use portcullis::Portcullis;
use portcullis_core::access::Permit;
use portcullis_core::audit::Context;
use serde_json::{Value, json};

use super::Output;
use super::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the signing keys
    List,
    /// Let the next key sign from now on; what the current one signed stays good until it expires
    Rotate,
    /// Say what a string is (an API key, a session token, …) without asking the server; exit code 1 if it is none
    Check {
        /// The string; - reads it from stdin, where no process list shows it
        #[arg(value_name = "STRING", allow_hyphen_values = true)]
        text: String,
    },
}

impl Command {
    pub(super) async fn run(self, portcullis: &Portcullis, output: &Output) -> Result<(), Failure> {
        match self {
            Self::List => output.list(&["kid", "algorithm", "phase"], &rows(portcullis))?,
            Self::Rotate => {
                let by = Context::operator(portcullis.environment().now());
                if !portcullis
                    .keyring()
                    .rotate(&Permit::dangerous_for_operator(), by)
                    .await?
                {
                    let text = "another node rotated the keys at the same moment: nothing was changed";
                    return Err(Failure::Failed(text.to_owned()));
                }
                let kid = portcullis.keyring().signer().kid().to_owned();
                output.done(&format!("{kid} signs now"), &json!({ "kid": kid }))?;
            }
            // Handled before anything is opened.
            Self::Check { .. } => {}
        }
        Ok(())
    }
}

fn rows(portcullis: &Portcullis) -> Vec<Vec<Value>> {
    let keys = portcullis.keyring().list().into_iter();
    keys.map(|(kid, algorithm, phase)| vec![json!(kid), json!(algorithm.as_str()), json!(phase.as_str())])
        .collect()
}
