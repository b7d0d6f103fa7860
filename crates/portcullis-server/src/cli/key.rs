//! `portcullis key`: lists, rotates, imports and withdraws signing keys, and says what a string is.

use clap::Subcommand;
use portcullis_core::audit::Context;
use portcullis_core::authz::Permit;
use portcullis_identity::Portcullis;
use serde_json::{Value, json};

use super::failure::Failure;
use super::key_import::Import;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the signing keys
    List,
    /// Let the next key sign from now on; what the current one signed stays good until it expires
    Rotate {
        /// Even if the next key was published less than five minutes ago, so that services that verify by the published
        /// keys may refuse new tokens for some seconds
        #[arg(long)]
        force: bool,
    },
    /// Take a private key from elsewhere in: it is the next key, and what was next signs from now on
    Import(Import),
    /// Take a key out at once because somebody else may have it: nothing it signed is honoured any more
    Withdraw {
        /// The key's name, as `key list` shows it; the current key must be rotated away first
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
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
            Self::Rotate { force } => {
                let (by, permit) = (by(portcullis), Permit::dangerous_for_operator());
                let keys = portcullis.signing_keys();
                let rotated = if force {
                    keys.rotate_at_once(&permit, by).await?
                } else {
                    keys.rotate(&permit, by).await?
                };
                if !rotated {
                    let text = "another node rotated the keys at the same moment: nothing was changed";
                    return Err(Failure::Failed(text.to_owned()));
                }
                let kid = portcullis.keyring().signer().kid().to_owned();
                output.done(&format!("{kid} signs now"), &json!({ "kid": kid }))?;
            }
            Self::Import(import) => import.run(portcullis, output).await?,
            Self::Withdraw { kid } => {
                let permit = Permit::dangerous_for_operator();
                let keys = portcullis.signing_keys();
                let withdrawn = keys.withdraw(&permit, &kid, by(portcullis));
                if !withdrawn.await? {
                    return Err(Failure::Failed(format!("there is no signing key {kid:?}")));
                }
                output.done(&format!("{kid} is honoured no more"), &json!({ "kid": kid }))?;
            }
            // Handled before anything is opened.
            Self::Check { .. } => {}
        }
        Ok(())
    }
}

fn by(portcullis: &Portcullis) -> Context {
    Context::operator(portcullis.environment().now())
}

fn rows(portcullis: &Portcullis) -> Vec<Vec<Value>> {
    let keys = portcullis.keyring().list().into_iter();
    keys.map(|(kid, algorithm, phase)| vec![json!(kid), json!(algorithm.as_str()), json!(phase.as_str())])
        .collect()
}
