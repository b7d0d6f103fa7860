//! Whose the data folder and the database's file are, and who else may use them.
//!
//! Refused is what lets somebody else put records of theirs in our place, or read ours: another owner than the process's
//! user or root, a folder that everybody may write into, a database that everybody may read or write. What only a group
//! may do is warned of: orchestrators give a volume to the group of a container that way.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use portcullis_core::defends;
use portcullis_identity::secrets::User;

use crate::config::Config;

/// Who else may use a place of the server's. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Exposed {
    /// The place belongs to somebody else than this process's user and root.
    #[error(
        "the {what} {} belongs to another user ({owner}), who can exchange what is in it: run this as that user, or name \
         a place of your own with {flag}", path.display()
    )]
    Foreign {
        /// What it is: a folder or a database.
        what: &'static str,
        /// Where the place is.
        path: PathBuf,
        /// The number of the user.
        owner: u32,
        /// What names another one.
        flag: &'static str,
    },
    /// Everybody may use the place.
    #[error(
        "the {what} {0} has mode {mode:04o}, so everybody may use it: run `chmod {right:o} {0}`, or name another with \
         {flag}", path.display()
    )]
    Open {
        /// What it is: a folder or a database.
        what: &'static str,
        /// Where the place is.
        path: PathBuf,
        /// The permission bits that it has.
        mode: u32,
        /// The mode it should have.
        right: u32,
        /// What names another one.
        flag: &'static str,
    },
    /// It can't be looked at.
    #[error("the {what} {} can't be looked at: {reason}", path.display())]
    Hidden {
        /// What it is: a folder or a database.
        what: &'static str,
        /// Where the place is.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

/// One kind of place, and what may be done with it.
struct Place {
    what: &'static str,
    flag: &'static str,
    right: u32,
    /// What nobody but owner and group may have.
    forbidden: u32,
}

const FOLDER: Place = Place {
    what: "data folder",
    flag: "--data",
    right: 0o700,
    forbidden: 0o002,
};

const DATABASE: Place = Place {
    what: "database",
    flag: "--database",
    right: 0o600,
    forbidden: 0o006,
};

/// Checks what is there already.
///
/// # Errors
/// [`Exposed`], at the first place that somebody else may use.
pub(super) fn check(config: &Config) -> Result<(), Exposed> {
    defends!("T162");
    let user = User::of_process().map_err(|reason| FOLDER.hidden(&config.server.data, reason))?;
    FOLDER.check(&config.server.data, &user)?;
    let Some(file) = &config.database.file else {
        return Ok(());
    };
    for ending in ["", "-wal", "-shm"] {
        let mut path = file.clone().into_os_string();
        path.push(ending);
        DATABASE.check(Path::new(&path), &user)?;
    }
    Ok(())
}

impl Place {
    fn check(&self, path: &Path, user: &User) -> Result<(), Exposed> {
        let found = match fs::symlink_metadata(path).and_then(|link| Ok((link, fs::metadata(path)?))) {
            Ok((link, found)) => [link.uid(), found.uid()]
                .into_iter()
                .find(|owner| !user.trusts(*owner))
                .map_or(Ok(found.mode() & 0o7777), Err),
            // What isn't there yet is made with the right mode, or its absence is said by whoever needs it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(reason) => return Err(self.hidden(path, reason)),
        };
        let mode = found.map_err(|owner| Exposed::Foreign {
            what: self.what,
            path: path.to_owned(),
            owner,
            flag: self.flag,
        })?;
        if mode & self.forbidden != 0 {
            return Err(Exposed::Open {
                what: self.what,
                path: path.to_owned(),
                mode,
                right: self.right,
                flag: self.flag,
            });
        }
        if mode & 0o077 != 0 {
            let (path, right) = (path.display(), self.right);
            tracing::warn!(
                "the {} {path} has mode {mode:04o}, so others than the server may use it; `chmod {right:o} {path}` keeps it \
                 private",
                self.what
            );
        }
        Ok(())
    }

    fn hidden(&self, path: &Path, reason: io::Error) -> Exposed {
        Exposed::Hidden {
            what: self.what,
            path: path.to_owned(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};

    use portcullis_core::checks;
    use tempfile::TempDir;

    use super::*;

    fn check(place: &Place, path: &Path, mode: u32) -> String {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let checked = place.check(path, &User::of_process().unwrap());
        checked.map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn what_everybody_may_use_is_refused_with_the_command_that_helps() {
        checks!("T162");
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("portcullis.db");
        fs::write(&file, "").unwrap();
        for mode in [0o777, 0o707, 0o702, 0o1777] {
            let said = check(&FOLDER, folder.path(), mode);
            assert!(
                said.contains(&format!("{mode:04o}")) && said.contains("chmod 700 "),
                "{said}"
            );
        }
        for mode in [0o644, 0o604, 0o602, 0o666] {
            let said = check(&DATABASE, &file, mode);
            assert!(
                said.contains(&format!("{mode:04o}")) && said.contains("chmod 600 "),
                "{said}"
            );
        }
        // Groups are the operator's choice: a volume is a pod's by its group.
        for mode in [0o700, 0o755, 0o2775, 0o770] {
            assert_eq!(check(&FOLDER, folder.path(), mode), "", "{mode:o}");
        }
        for mode in [0o600, 0o660, 0o640, 0o400] {
            assert_eq!(check(&DATABASE, &file, mode), "", "{mode:o}");
        }
    }

    #[test]
    fn what_is_somebody_elses_is_refused_also_to_root() {
        checks!("T162");
        const SOMEBODY: u32 = 65_534;
        let folder = TempDir::new().unwrap();
        let (file, link) = (folder.path().join("portcullis.db"), folder.path().join("link"));
        fs::write(&file, "").unwrap();
        symlink(&file, &link).unwrap();
        // Root alone can give files away.
        if lchown(&link, Some(SOMEBODY), None).is_err() {
            return;
        }
        let says = |place: &Place, path: &Path| {
            let checked = place.check(path, &User::of_process().unwrap());
            assert!(checked.unwrap_err().to_string().contains("another user (65534)"));
        };
        says(&DATABASE, &link);
        lchown(&file, Some(SOMEBODY), None).unwrap();
        says(&DATABASE, &file);
        lchown(folder.path(), Some(SOMEBODY), None).unwrap();
        says(&FOLDER, folder.path());
    }
}
