//! The master key of a deployment that was given none.

use std::path::{Path, PathBuf};

use portcullis_core::environment::Environment;
use portcullis_core::key::MasterKey;

use super::OpenError;
use crate::secrets::{self, Secrets};

/// The master key in the file beside a SQLite database, and where that is.
pub(super) fn beside(url: &str, environment: &Environment) -> Result<(Secrets, Option<PathBuf>), OpenError> {
    let file = url.strip_prefix("sqlite:").filter(|file| *file != ":memory:");
    if url == "sqlite::memory:" {
        let secrets = Secrets {
            master_key: MasterKey::generate(environment),
            created: true,
            sealed: false,
        };
        return Ok((secrets, None));
    }
    let file = Path::new(file.ok_or(OpenError::NoMasterKey)?);
    let mut key = file.as_os_str().to_owned();
    key.push(".key");
    let database = if file.exists() {
        secrets::Database::Existing(file.display().to_string())
    } else {
        secrets::Database::New
    };
    let key = PathBuf::from(key);
    Ok((secrets::load_or_create(&key, &database, environment)?, Some(key)))
}
