//! The secrets file: the master key, outside the database.
//!
//! Flow of a start: the file is read and checked; if it isn't there and there is no database either, a new key is
//! made. The new file appears whole or not at all (written and synced beside its place, then linked into it), so a
//! crash or a second process that starts at the same moment never sees half a key.
//!
//! Invariants: an existing file is never overwritten; to one that was made here a comment is appended, once. A missing file
//! beside an existing database is an error, because a new key could open nothing that is in it (`T036`). That comment says
//! that a database was sealed under the key, so that the other way round is noticed, too: an empty database beside such a
//! file was restored wrongly, and isn't filled anew (`T165`).
//!
//! **Deliberately absent:** a way to read the key from a variable or a flag: both end up in process lists.
//!
//! **Deployment caveat:** back this file up, apart from the database. Whoever has both has everything; whoever
//! loses this one loses every password and signing key.

mod private;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use portcullis_core::defends;
use portcullis_core::environment::Environment;
use portcullis_core::key::{InvalidMasterKey, MasterKey};
use portcullis_core::secret::SecretText;

pub use self::private::{NotPrivate, User};

/// Whether there is a database that was sealed under the key asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// There is none yet: a missing file is made.
    New,
    /// There is one, of this name: a missing file is an error.
    Existing(String),
}

/// The master key, and where it came from.
#[derive(Debug)]
pub struct Secrets {
    /// The ring of master keys in the file; its current one seals.
    pub master_key: MasterKey,
    /// It was made just now.
    pub created: bool,
    /// A database was sealed under it before, so an empty one is a loss. Known of files that were made here only.
    pub sealed: bool,
}

impl Secrets {
    fn found((master_key, sealed): (MasterKey, bool)) -> Self {
        Self {
            master_key,
            created: false,
            sealed,
        }
    }
}

/// Why there is no master key. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The file is gone and the database isn't.
    #[error(
        "the secrets file {} is missing, but the database {database} exists: restore the file from its backup; \
         without it no password and no signing key in the database can be opened", path.display()
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// The database's name, as [`Database::Existing`] says it.
        database: String,
    },
    /// The file can't be read.
    #[error("the secrets file {} can't be read: {reason}; make it readable by the server's user alone", path.display())]
    Unreadable {
        /// The file's path.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// What is there is a folder or a device.
    #[error("the secrets file {} is not a plain file: move it away, or name another with master_key_file", path.display())]
    NotAFile {
        /// The path of what is there.
        path: PathBuf,
    },
    /// Others may read or change the file, or own it.
    #[error(
        "the secrets file {} {reason}: {}, and rotate the master key if somebody could have read it",
        path.display(), reason.advice(path, "master_key_file")
    )]
    NotPrivate {
        /// The file's path.
        path: PathBuf,
        /// Who may use it.
        reason: NotPrivate,
    },
    /// The file's text is no master key.
    #[error("the secrets file {} is damaged: {reason}; restore it from its backup", path.display())]
    Invalid {
        /// The file's path.
        path: PathBuf,
        /// What is wrong, with the line. It never quotes the line.
        reason: InvalidText,
    },
    /// A new file can't be written.
    #[error("the secrets file {} can't be made: {reason}; make its folder writable for the server's user", path.display())]
    Unwritable {
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

/// Why a text is no master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// A line of it is wrong, or there is none.
    #[error(transparent)]
    Key(#[from] InvalidMasterKey),
    /// A line isn't text.
    #[error("line {0} isn't text")]
    Binary(usize),
    /// Far longer than a ring of keys can be.
    #[error("it has more than {MAX_BYTES} bytes")]
    TooLong,
}

/// The master key in the file at `path`; a new one, if there is neither file nor database.
///
/// # Errors
/// [`SecretsError`]; a file that is there already is never changed.
pub fn load_or_create(
    path: &Path,
    database: &Database,
    environment: &Environment,
) -> Result<Secrets, SecretsError> {
    defends!("T036");
    if let Some(found) = read(path)? {
        return Ok(Secrets::found(found));
    }
    if let Database::Existing(database) = database {
        return Err(SecretsError::Missing {
            path: path.to_owned(),
            database: database.clone(),
        });
    }
    let master_key = MasterKey::generate(environment);
    match create(path, &master_key.to_text(), environment) {
        Ok(()) => Ok(Secrets {
            master_key,
            created: true,
            sealed: false,
        }),
        // Another process was faster: both must use the one key that stayed.
        Err(reason) if reason.kind() == io::ErrorKind::AlreadyExists => match read(path)? {
            Some(found) => Ok(Secrets::found(found)),
            None => Err(SecretsError::Unwritable {
                path: path.to_owned(),
                reason,
            }),
        },
        Err(reason) => Err(SecretsError::Unwritable {
            path: path.to_owned(),
            reason,
        }),
    }
}

/// The master key in the file at `path`; `None` if there is no such file.
///
/// # Errors
/// [`SecretsError`], but never [`SecretsError::Missing`] or [`SecretsError::Unwritable`].
pub fn load(path: &Path) -> Result<Option<MasterKey>, SecretsError> {
    Ok(read(path)?.map(|(master_key, _)| master_key))
}

/// Notes in the file at `path` that a database was sealed under its key. A file that wasn't made by [`load_or_create`], such
/// as one that an orchestrator provides, is left as it is.
///
/// # Errors
/// What the system says; nothing is lost but the note.
pub fn note_sealed(path: &Path) -> io::Result<()> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    let text = SecretText::new(text);
    if !text.expose().starts_with(HEADER) || is_sealed(text.expose()) {
        return Ok(());
    }
    let begin = if text.expose().ends_with('\n') { "" } else { "\n" };
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(format!("{begin}{SEALED}\n").as_bytes())?;
    file.sync_all()
}

/// As [`note_sealed`], where nobody needs the note at once.
pub(crate) fn note_sealed_or_log(path: &Path) {
    if let Err(error) = note_sealed(path) {
        tracing::debug!(%error, "it can't be noted in the secrets file that it sealed a database");
    }
}

fn is_sealed(text: &str) -> bool {
    text.lines().any(|line| line == SEALED)
}

/// The master key in the file, and whether a database was sealed under it.
fn read(path: &Path) -> Result<Option<(MasterKey, bool)>, SecretsError> {
    let unreadable = |reason| SecretsError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    // Looked at before it is opened: opening a pipe would wait for ever.
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return Err(SecretsError::NotAFile {
                path: path.to_owned(),
            });
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_link(path) => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    }
    let file = File::open(path).map_err(unreadable)?;
    let checked = User::of_process().and_then(|user| user.check(path, &file));
    checked
        .map_err(unreadable)?
        .map_err(|reason| SecretsError::NotPrivate {
            path: path.to_owned(),
            reason,
        })?;
    let mut bytes = Vec::with_capacity(256);
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let parsed = parse(bytes).map_err(|reason| SecretsError::Invalid {
        path: path.to_owned(),
        reason,
    })?;
    Ok(Some(parsed))
}

fn parse(bytes: Vec<u8>) -> Result<(MasterKey, bool), InvalidText> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(InvalidText::TooLong);
    }
    let text = String::from_utf8(bytes).map(SecretText::new).map_err(|error| {
        let good = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        InvalidText::Binary(1 + good.filter(|byte| **byte == b'\n').count())
    })?;
    Ok((MasterKey::parse(text.expose())?, is_sealed(text.expose())))
}

/// A link whose target is gone is a lost secret, not a first start.
fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

fn create(path: &Path, text: &SecretText, environment: &Environment) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let draft = folder.join(format!(".secrets-{}", environment.id()));
    let written = write(&draft, text).and_then(|()| fs::hard_link(&draft, path));
    // Whatever came of it, the draft must not stay.
    let removed = fs::remove_file(&draft);
    written.and(removed)?;
    File::open(folder)?.sync_all()
}

fn write(draft: &Path, text: &SecretText) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    file.write_all(HEADER.as_bytes())?;
    file.write_all(text.expose().as_bytes())?;
    file.sync_all()
}

const HEADER: &str = "\
# The master key of Portcullis. Keep it secret, back it up, and keep the backup apart from the database's.
# Without this file no password and no signing key in the database can be opened.
";

/// What a file says once its key has sealed something.
const SEALED: &str =
    "# A database has been sealed under this key: beside an empty one the server refuses to start.";

/// More than any ring of keys needs.
const MAX_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests;
