//! A configuration file that nobody named: it lies in the working directory.
//!
//! Whoever may write it steers what is run beside it, with that user's rights: a command of root in somebody else's folder.
//! So it counts only if the process's user or root owns it and nobody else may write it. A file that `--config` or the
//! variable names was chosen, and isn't checked.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use portcullis_core::defends;
use portcullis_identity::secrets::User;

/// Refuses the file if others steer it.
///
/// # Errors
/// Who does, and what to do; or what the system says.
pub(super) fn check(path: &Path, file: &File) -> io::Result<()> {
    defends!("T161");
    let user = User::of_process()?;
    let (link, found) = (fs::symlink_metadata(path)?, file.metadata()?);
    if let Some(owner) = [link.uid(), found.uid()]
        .into_iter()
        .find(|owner| !user.trusts(*owner))
    {
        return Err(refused(&format!("belongs to another user ({owner})")));
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(refused(&format!("has mode {mode:04o}, so others may write it")));
    }
    Ok(())
}

fn refused(why: &str) -> io::Error {
    let advice = "it could make this process do what they like, so it isn't used unasked";
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("{why}: {advice}; work in another folder, or name the file with --config if it is meant"),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};

    use portcullis_core::checks;
    use tempfile::TempDir;

    use super::*;

    fn check(path: &Path) -> Result<(), String> {
        super::check(path, &File::open(path).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_that_others_write_or_own_steers_nothing() {
        checks!("T161");
        const SOMEBODY: u32 = 65_534;
        let folder = TempDir::new().unwrap();
        let (file, link) = (folder.path().join("portcullis.toml"), folder.path().join("link"));
        fs::write(&file, "").unwrap();
        symlink(&file, &link).unwrap();
        for mode in [0o646, 0o664, 0o666, 0o602] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let said = check(&file).unwrap_err();
            assert!(
                said.contains(&format!("{mode:04o}")) && said.contains("--config"),
                "{said}"
            );
        }
        for mode in [0o644, 0o600, 0o444] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(check(&file), Ok(()), "{mode:o}");
            assert_eq!(check(&link), Ok(()), "{mode:o}");
        }
        // Root alone can give files away.
        if lchown(&link, Some(SOMEBODY), None).is_err() {
            return;
        }
        let says = |path: &Path| {
            let said = check(path).unwrap_err();
            assert!(
                said.contains("another user (65534)") && said.contains("--config"),
                "{said}"
            );
        };
        says(&link);
        lchown(&link, Some(0), None).unwrap();
        lchown(&file, Some(SOMEBODY), None).unwrap();
        says(&link);
        says(&file);
    }
}
