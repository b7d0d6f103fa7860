//! The mailer of a development machine: every e-mail is a file, and its links are in the log.
//!
//! **Deployment caveat:** the links are secrets. This mailer exists in development mode only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use portcullis_core::defends;
use portcullis_core::email::{Email, Id, MailError, Mailer};
use portcullis_core::environment::Environment;
use rustix::fs::OFlags;
use rustix::process::{Gid, Uid};
use uuid::Uuid;

/// Writes e-mails into a folder.
pub(crate) struct Folder {
    path: PathBuf,
    environment: Environment,
}

impl Folder {
    /// A mailer into the folder at `path`; it is made with the first e-mail.
    pub(crate) fn new(path: PathBuf, environment: Environment) -> Self {
        Self { path, environment }
    }
}

#[async_trait]
impl Mailer for Folder {
    async fn send(&self, email: Email, _: Id) -> Result<(), MailError> {
        let (folder, stamp) = (self.path.clone(), self.environment.now().to_string());
        let draft = self.environment.id();
        let links: Vec<String> = links(&email.text).map(str::to_owned).collect();
        let written = tokio::task::spawn_blocking(move || write(&folder, &stamp, draft, &email)).await;
        let file = written
            .map_err(|_| MailError::NotNow("the e-mail's file was not written".to_owned()))?
            .map_err(|error| {
                MailError::NotNow(format!("{} can't be written: {error}", self.path.display()))
            })?;
        tracing::info!(file = %file.display(), links = %links.join(" "), "e-mail written (development mailer)");
        Ok(())
    }
}

/// Writes the e-mail beside its place first, so that nobody who looks into the folder reads half of it.
fn write(folder: &Path, stamp: &str, draft: Uuid, email: &Email) -> io::Result<PathBuf> {
    let owner = make(folder)?;
    let draft = folder.join(format!(".{draft}"));
    let text = format!("To: {}\nSubject: {}\n\n{}\n", email.to, email.subject, email.text);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| hand_to(owner, &file))
        .and_then(|()| place(folder, stamp, &draft, &email.to));
    let removed = fs::remove_file(&draft);
    let path = written?;
    removed.map(|()| path)
}

/// Makes the folder; answers whom it, and what is in it, belongs to, where that is somebody else: a command that root
/// gives in the data folder of a server leaves nothing there that the server can't use.
fn make(folder: &Path) -> io::Result<Option<Owner>> {
    defends!("T135");
    if let Ok(found) = fs::symlink_metadata(folder) {
        return Ok(other_owner(&found));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let owner = other_owner(&fs::metadata(parent.unwrap_or(Path::new(".")))?);
    // By its handle: whoever may write beside it can't put a link in its place in between.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc_flags())
        .open(folder)?;
    hand_to(owner, &opened)?;
    Ok(owner)
}

/// The numbers of a user and a group.
type Owner = (u32, u32);

/// Whose it is, if it isn't ours.
fn other_owner(found: &fs::Metadata) -> Option<Owner> {
    let ours = rustix::process::geteuid().as_raw() == found.uid();
    (!ours).then_some((found.uid(), found.gid()))
}

/// Gives what was made to its owner.
fn hand_to(owner: Option<Owner>, file: &File) -> io::Result<()> {
    let Some((user, group)) = owner else { return Ok(()) };
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    Ok(rustix::fs::fchown(file, Some(user), Some(group))?)
}

/// A directory, and no link to one.
fn libc_flags() -> i32 {
    (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits() as i32
}

/// Gives the draft a name that no other e-mail has.
fn place(folder: &Path, stamp: &str, draft: &Path, to: &str) -> io::Result<PathBuf> {
    let stamp = stamp.replace(':', "-");
    for count in 0..1_000 {
        let twin = if count == 0 {
            String::new()
        } else {
            format!("-{count}")
        };
        let path = folder.join(format!("{stamp}-{}{twin}.txt", file_name(to)));
        match fs::hard_link(draft, &path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many e-mails at one moment"))
}

/// An address as part of a file's name: nothing of it can leave the folder.
fn file_name(address: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '-' | '+') {
            c
        } else {
            '_'
        }
    };
    address.chars().map(plain).take(100).collect()
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .filter(|word| word.starts_with("http://") || word.starts_with("https://"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use portcullis_core::checks;
    use portcullis_identity::environment;
    use tempfile::TempDir;

    use super::*;

    fn email(to: &str) -> Email {
        Email {
            to: to.into(),
            subject: "Confirm".into(),
            text: "Open\nhttp://localhost/verify-email?token=pcv_x".into(),
        }
    }

    fn id() -> Id {
        Id::from_uuid(Uuid::nil())
    }

    /// As root, which tests run as in a container and elsewhere not: then there is nobody else to give it to.
    #[tokio::test]
    async fn what_root_makes_in_anothers_data_folder_belongs_to_its_owner() {
        checks!("T135");
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let parent = TempDir::new().unwrap();
        let (user, group) = (Uid::from_raw(65_534), Gid::from_raw(65_534));
        rustix::fs::chown(parent.path(), Some(user), Some(group)).unwrap();
        let folder = parent.path().join("mail");
        let mailer = Folder::new(folder.clone(), environment::system());
        for _ in 0..2 {
            mailer.send(email("a@b.example"), id()).await.unwrap();
        }
        let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let mut made: Vec<PathBuf> = files.collect();
        assert_eq!(made.len(), 2);
        made.push(folder);
        for path in made {
            let found = fs::metadata(&path).unwrap();
            assert_eq!((found.uid(), found.gid()), (65_534, 65_534), "{}", path.display());
        }
    }

    #[tokio::test]
    async fn no_address_leads_out_of_the_folder() {
        let parent = TempDir::new().unwrap();
        let folder = parent.path().join("mail");
        let mailer = Folder::new(folder.clone(), environment::system());
        let long = format!("{}@b.example", "a".repeat(300));
        for to in [
            "../../x@b.example",
            "/etc/x@b.example",
            "..",
            "a\0@b.example",
            "ä@b.example",
            &long,
        ] {
            mailer.send(email(to), id()).await.unwrap();
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 6);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn emails_are_for_the_owner_alone_and_never_overwrite_each_other() {
        let parent = TempDir::new().unwrap();
        let folder = parent.path().join("mail");
        let environment = environment::system();
        for _ in 0..3 {
            write(
                &folder,
                "2026-01-01T00:00:00Z",
                environment.id(),
                &email("a@b.example"),
            )
            .unwrap();
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let files: Vec<PathBuf> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 3);
        for file in files {
            assert_eq!(mode(&file), 0o600);
            let text = fs::read_to_string(file).unwrap();
            assert_eq!(
                text,
                "To: a@b.example\nSubject: Confirm\n\nOpen\nhttp://localhost/verify-email?token=pcv_x\n"
            );
        }
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_said() {
        let parent = TempDir::new().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let mailer = Folder::new(file.join("mail"), environment::system());
        let said = mailer
            .send(email("a@b.example"), id())
            .await
            .unwrap_err()
            .to_string();
        assert!(said.contains("can't be written"), "{said}");
    }
}
