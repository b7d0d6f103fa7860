//! `portcullis key import`: takes a signing key from elsewhere in.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use portcullis_core::audit::Context;
use portcullis_core::authz::Permit;
use portcullis_core::key::{Algorithm, Phase, SigningKey};
use portcullis_core::secret::SecretText;
use portcullis_identity::Portcullis;
use serde_json::json;

use super::failure::Failure;
use crate::output::Output;

#[derive(Debug, Args)]
pub(super) struct Import {
    /// What the key signs with, such as ES256
    #[arg(long, value_parser = algorithm)]
    algorithm: Algorithm,
    /// A file with one private key in PEM (PKCS#8, not encrypted) that nobody else may read; - reads it from stdin
    file: PathBuf,
}

impl Import {
    /// Takes the key in and says when it signs.
    pub(super) async fn run(self, portcullis: &Portcullis, output: &Output) -> Result<(), Failure> {
        let pem = secret_of(&self.file)?;
        let key = SigningKey::from_pem(self.algorithm, pem.expose())?;
        let kid = key.kid().to_owned();
        let by = Context::operator(portcullis.environment().now());
        let keyring = portcullis.keyring();
        let permit = Permit::dangerous_for_operator();
        if !portcullis.signing_keys().import(&permit, key, by).await? {
            let text = "another process changed the keys at the same moment: nothing was changed, try again";
            return Err(Failure::Failed(text.to_owned()));
        }
        let imported = keyring.list().into_iter().find(|(name, ..)| *name == kid);
        let phase = imported.map_or(Phase::Next, |(.., phase)| phase);
        let when = when(phase, self.algorithm, keyring.signer().algorithm());
        let object = json!({ "kid": kid, "algorithm": self.algorithm.as_str(), "phase": phase.as_str() });
        Ok(output.done(&format!("{kid} is published {when}"), &object)?)
    }
}

/// When a key that was just taken in signs.
fn when(phase: Phase, algorithm: Algorithm, signs: Algorithm) -> String {
    let turn = match phase {
        Phase::Next => "signs after the next rotation",
        Phase::Current | Phase::Retired => "signs",
    };
    if algorithm == signs {
        return format!("and {turn}");
    }
    format!(
        "and {turn} once tokens.algorithm is {algorithm}; a server that starts with {signs} retires it again"
    )
}

/// Algorithms whose keys come in PEM.
fn algorithm(text: &str) -> Result<Algorithm, String> {
    let public = || Algorithm::SIGNING.into_iter().filter(|one| !one.is_symmetric());
    public().find(|one| one.as_str() == text).ok_or_else(|| {
        let names: Vec<&str> = public().map(Algorithm::as_str).collect();
        format!("must be one of {}", names.join(", "))
    })
}

/// What stands in a file that nobody else may read, or for `-` comes by stdin: secrets are no arguments, which other users see
/// in the list of processes.
///
/// # Errors
/// [`Failure::Failed`]: it can't be read, is no plain file, or is open to others.
pub(super) fn secret_of(file: &Path) -> Result<SecretText, Failure> {
    if file.as_os_str() == "-" {
        return bounded(io::stdin())
            .map_err(|error| Failure::Failed(format!("stdin can't be read: {error}")));
    }
    read(file)
}

fn read(path: &Path) -> Result<SecretText, Failure> {
    let shown = path.display();
    let unreadable = |error: io::Error| Failure::Failed(format!("{shown} can't be read: {error}"));
    // Looked at before it is opened: opening a pipe that nobody writes to would wait for ever.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        let text = format!("{shown} is no plain file: write `-` to give the key by stdin");
        return Err(Failure::Failed(text));
    }
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Failure::Failed(format!(
            "{shown} has mode {mode:04o}, so others may use the key: run `chmod 600 {shown}`, and make another key if \
             somebody could have read it"
        )));
    }
    bounded(file).map_err(unreadable)
}

fn bounded(from: impl Read) -> io::Result<SecretText> {
    let mut text = String::with_capacity(LONGEST);
    from.take(LONGEST as u64).read_to_string(&mut text)?;
    Ok(SecretText::new(text))
}

/// Longer than any key: a longer text has no end, and is refused for that.
const LONGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_secrets_and_unknown_algorithms_have_no_pem() {
        for text in ["HS256", "none", "es256", "RS1", ""] {
            let says = algorithm(text).unwrap_err();
            assert!(
                says.contains("ES256") && !says.contains("HS256"),
                "{text}: {says}"
            );
        }
        assert_eq!(algorithm("RS256"), Ok(Algorithm::RS256));
    }

    #[test]
    fn it_is_said_when_the_key_signs() {
        use Algorithm::{ES256, RS256};
        for (phase, algorithm, says) in [
            (Phase::Next, ES256, "and signs after the next rotation"),
            (Phase::Current, RS256, "and signs once tokens.algorithm is RS256"),
            (
                Phase::Next,
                RS256,
                "after the next rotation once tokens.algorithm is RS256",
            ),
        ] {
            let said = when(phase, algorithm, ES256);
            assert!(said.contains(says), "{said}");
        }
    }
}
