use std::os::unix::fs::{PermissionsExt as _, symlink};

use portcullis_core::checks;
use tempfile::TempDir;

use super::*;
use crate::environment::system;

fn first_start(path: &Path) -> Result<Secrets, SecretsError> {
    load_or_create(path, &Database::New, &system())
}

fn put(path: &Path, text: &[u8], mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

const GOOD: &[u8] = b"mk-1 = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";

#[test]
fn a_missing_file_beside_a_database_is_refused_and_nothing_is_made() {
    checks!("T036");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("secrets.key");
    let error = load_or_create(&path, &Database::Existing("portcullis.db".into()), &system()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, SecretsError::Missing { .. }), "{text}");
    assert!(
        text.contains("restore") && text.contains("portcullis.db") && text.contains("secrets.key"),
        "{text}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn wider_modes_are_refused_with_the_command_that_helps() {
    checks!("T036");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("secrets.key");
    for mode in [0o644, 0o640, 0o604, 0o660, 0o602, 0o700, 0o601, 0o4600] {
        put(&path, GOOD, mode);
        let error = first_start(&path).unwrap_err();
        assert!(
            matches!(error, SecretsError::NotPrivate { .. }),
            "{mode:o}: {error}"
        );
        assert!(
            error
                .to_string()
                .contains(&format!("chmod 600 {}", path.display())),
            "{error}"
        );
        assert!(error.to_string().contains(&format!("{mode:04o}")), "{error}");
        assert_eq!(fs::read(&path).unwrap(), GOOD, "untouched");
    }
    for mode in [0o600, 0o400] {
        put(&path, GOOD, mode);
        assert!(!first_start(&path).unwrap().created, "{mode:o}");
    }
}

/// Root alone can give files away: for everybody else there is nothing to try.
fn give(path: &Path, owner: u32) -> bool {
    std::os::unix::fs::lchown(path, Some(owner), None).is_ok()
}

#[test]
fn a_file_or_link_of_somebody_else_is_refused_also_to_root() {
    checks!("T160");
    const SOMEBODY: u32 = 65_534;
    let folder = TempDir::new().unwrap();
    let (target, path) = (folder.path().join("vault"), folder.path().join("secrets.key"));
    put(&target, GOOD, 0o600);
    symlink(&target, &path).unwrap();
    assert!(first_start(&path).is_ok());
    if !give(&path, SOMEBODY) {
        return;
    }
    let link = first_start(&path).unwrap_err();
    assert!(give(&path, 0) && give(&target, SOMEBODY));
    for error in [
        link,
        first_start(&path).unwrap_err(),
        first_start(&target).unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("another user (65534)"), "{text}");
        assert!(
            text.contains("master_key_file") && !text.contains("chmod"),
            "{text}"
        );
    }
    assert_eq!(fs::read(&target).unwrap(), GOOD, "untouched");
}

#[test]
fn damaged_files_are_refused_by_line_and_never_quoted_or_replaced() {
    checks!("T036");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("secrets.key");
    let long = [b'#'].repeat(64 * 1024 + 1);
    for (text, says) in [
        (&b""[..], "no master key"),
        (b"# only words\n", "no master key"),
        (b"# fine\nmk-1 = sesame\n", "line 2"),
        (b"# fine\n\nopen sesame\n", "line 3"),
        (b"# fine\nsesame \xff\n", "line 2 isn't text"),
        (&long, "more than"),
    ] {
        put(&path, text, 0o600);
        let error = first_start(&path).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("restore"), "{error}");
        assert!(!error.contains("sesame"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), text, "untouched");
    }
}

#[test]
fn what_is_no_plain_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let error = first_start(folder.path()).unwrap_err();
    assert!(matches!(error, SecretsError::NotAFile { .. }), "{error}");
    let below_a_file = folder.path().join("file");
    put(&below_a_file, GOOD, 0o600);
    let error = first_start(&below_a_file.join("secrets.key")).unwrap_err();
    assert!(matches!(error, SecretsError::Unreadable { .. }), "{error}");
}

#[test]
fn a_folder_that_is_not_there_is_said_to_be_the_reason() {
    let folder = TempDir::new().unwrap();
    let error = first_start(&folder.path().join("nowhere/secrets.key")).unwrap_err();
    assert!(matches!(error, SecretsError::Unwritable { .. }), "{error}");
}

#[test]
fn a_link_is_followed_and_a_dead_one_is_a_lost_secret() {
    let folder = TempDir::new().unwrap();
    let (target, path) = (folder.path().join("vault"), folder.path().join("secrets.key"));
    put(&target, GOOD, 0o600);
    symlink(&target, &path).unwrap();
    assert_eq!(first_start(&path).unwrap().master_key.current_id(), "mk-1");
    put(&target, GOOD, 0o644);
    assert!(matches!(
        first_start(&path).unwrap_err(),
        SecretsError::NotPrivate { .. }
    ));
    fs::remove_file(&target).unwrap();
    assert!(matches!(
        first_start(&path).unwrap_err(),
        SecretsError::Unreadable { .. }
    ));
    assert!(!target.exists(), "nothing is made behind the link");
}

// Shows: OP-1
#[test]
fn a_first_start_makes_a_file_for_the_owner_alone_and_keeps_it() {
    checks!("T036");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("secrets.key");
    let first = first_start(&path).unwrap();
    assert!(first.created);
    let made = fs::read(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays");

    let again = load_or_create(&path, &Database::Existing("portcullis.db".into()), &system()).unwrap();
    assert!(!again.created);
    assert_eq!(
        again.master_key.to_text().expose(),
        first.master_key.to_text().expose()
    );
    assert_eq!(fs::read(&path).unwrap(), made, "never written again");
}

#[test]
fn of_many_first_starts_at_once_all_get_the_same_key() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("secrets.key");
    let together = std::sync::Barrier::new(8);
    let keys: Vec<Secrets> = std::thread::scope(|scope| {
        let start = || {
            together.wait();
            first_start(&path).unwrap()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(keys.iter().filter(|key| key.created).count(), 1);
    let ids: std::collections::HashSet<&str> = keys.iter().map(|key| key.master_key.current_id()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

#[test]
fn what_was_made_here_remembers_that_it_sealed_a_database() {
    checks!("T165");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("secrets.key");
    let first = first_start(&path).unwrap();
    assert!(!first.sealed && !first_start(&path).unwrap().sealed);
    let made = fs::read_to_string(&path).unwrap();
    // An editor may have taken the last line's end.
    fs::write(&path, made.trim_end()).unwrap();
    note_sealed(&path).unwrap();
    let noted = fs::read_to_string(&path).unwrap();
    assert!(noted.starts_with(&made), "{noted}");
    note_sealed(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), noted, "once");
    let again = first_start(&path).unwrap();
    assert!(again.sealed);
    assert_eq!(
        again.master_key.to_text().expose(),
        first.master_key.to_text().expose()
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn a_file_of_somebody_elses_making_is_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("secrets.key");
    put(&path, GOOD, 0o600);
    note_sealed(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), GOOD);
    assert!(!first_start(&path).unwrap().sealed);
}
