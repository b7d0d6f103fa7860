//! Who may use a file that holds a secret.
//!
//! A file is private if its owner is this process's user and nobody else has a right to it, or if it was mounted for this
//! process: root owns it and a group of the process may read it, as an orchestrator makes it for a container that isn't
//! root. Everything else is refused, also to root: whoever owns a file chose what is in it.
//!
//! The file that was opened is checked, so it can't be exchanged between look and use; of a link its own owner is checked,
//! too.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use portcullis_core::defends;
use rustix::fs::{StatVfsMountFlags, fstatvfs};
use rustix::process::{getegid, geteuid, getgroups};

/// Whose rights this process has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    id: u32,
    groups: Vec<u32>,
}

/// Why a file isn't private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPrivate {
    /// Neither this process's user nor root owns it, or the link to it.
    #[error("belongs to another user ({owner}), who can put into it what they like")]
    Foreign {
        /// The number of the user.
        owner: u32,
    },
    /// Others may read or change it.
    #[error("has mode {mode:04o}, so others may use it")]
    TooOpen {
        /// Its permission bits, as `chmod` takes them.
        mode: u32,
        /// Whether this process can't change that: it isn't the owner, or the file is on a read-only mount.
        fixed: bool,
    },
}

impl NotPrivate {
    /// What to do about it, where `key` is the setting that names another file.
    pub fn advice(&self, path: &Path, key: &str) -> String {
        let path = path.display();
        match self {
            Self::Foreign { owner } => {
                format!("run this as the user {owner}, or name a file of your own with {key}")
            }
            Self::TooOpen { fixed: false, .. } => format!("run `chmod 600 {path}`"),
            Self::TooOpen { fixed: true, .. } => format!(
                "it can't be changed here, so mount it with mode 0400 or, for a group of this process, 0440, or name a \
                 private copy with {key}"
            ),
        }
    }
}

impl User {
    /// The user this process acts as, with its groups.
    ///
    /// # Errors
    /// What the system says.
    pub fn of_process() -> io::Result<Self> {
        let mut groups: Vec<u32> = getgroups()?.into_iter().map(rustix::fs::Gid::as_raw).collect();
        groups.push(getegid().as_raw());
        Ok(Self {
            id: geteuid().as_raw(),
            groups,
        })
    }

    /// Whether what this user owns is to be trusted: it is the process's own, or root's.
    pub fn trusts(&self, owner: u32) -> bool {
        owner == self.id || owner == ROOT
    }

    /// Checks an open file that was found at `path`.
    ///
    /// # Errors
    /// `Err` is what the system says, the inner one why the file isn't private.
    pub fn check(&self, path: &Path, file: &File) -> io::Result<Result<(), NotPrivate>> {
        let link = fs::symlink_metadata(path)?;
        if link.is_symlink() && !self.trusts(link.uid()) {
            return Ok(Err(NotPrivate::Foreign { owner: link.uid() }));
        }
        let read_only = || fstatvfs(file).is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY));
        Ok(self.judge_found(&Found::of(&file.metadata()?), read_only))
    }

    fn judge_found(&self, found: &Found, read_only: impl FnOnce() -> bool) -> Result<(), NotPrivate> {
        defends!("T160");
        if !self.trusts(found.owner) {
            return Err(NotPrivate::Foreign { owner: found.owner });
        }
        let own = found.owner == self.id;
        let mounted_for_us = !own && self.groups.contains(&found.group);
        let allowed = if mounted_for_us { 0o640 } else { 0o600 };
        if found.mode & !allowed == 0 {
            return Ok(());
        }
        Err(NotPrivate::TooOpen {
            mode: found.mode,
            fixed: !own || read_only(),
        })
    }
}

/// What decides about a file.
struct Found {
    owner: u32,
    group: u32,
    mode: u32,
}

impl Found {
    fn of(file: &Metadata) -> Self {
        Self {
            owner: file.uid(),
            group: file.gid(),
            mode: file.mode() & 0o7777,
        }
    }
}

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use portcullis_core::checks;

    use super::*;

    const SERVER: u32 = 1_000;
    const POD: u32 = 2_000;

    fn check(user: u32, (owner, group, mode): (u32, u32, u32)) -> Result<(), NotPrivate> {
        let user = User {
            id: user,
            groups: vec![user, POD],
        };
        user.judge_found(&Found { owner, group, mode }, || false)
    }

    #[test]
    fn foreign_files_are_refused_also_to_root() {
        checks!("T160");
        for user in [ROOT, SERVER] {
            for mode in [0o600, 0o400, 0o440, 0o644] {
                let said = check(user, (1_001, POD, mode));
                assert_eq!(said, Err(NotPrivate::Foreign { owner: 1_001 }), "{user} {mode:o}");
            }
        }
    }

    #[test]
    fn own_files_are_for_their_owner_alone() {
        checks!("T160");
        for user in [ROOT, SERVER] {
            for mode in [0o600, 0o400] {
                assert_eq!(check(user, (user, POD, mode)), Ok(()), "{mode:o}");
            }
            for mode in [0o440, 0o640, 0o604, 0o620, 0o700, 0o4600] {
                let said = check(user, (user, POD, mode));
                assert_eq!(said, Err(NotPrivate::TooOpen { mode, fixed: false }), "{mode:o}");
            }
        }
    }

    #[test]
    fn what_root_mounts_for_a_group_of_the_process_is_read() {
        checks!("T160");
        for mode in [0o400, 0o440, 0o600, 0o640] {
            assert_eq!(check(SERVER, (ROOT, POD, mode)), Ok(()), "{mode:o}");
        }
        // The group may write, others may read, or the group is none of ours: chmod wouldn't help.
        for (group, mode) in [
            (POD, 0o460),
            (POD, 0o660),
            (POD, 0o444),
            (POD, 0o644),
            (ROOT, 0o440),
        ] {
            let said = check(SERVER, (ROOT, group, mode));
            assert_eq!(
                said,
                Err(NotPrivate::TooOpen { mode, fixed: true }),
                "{group} {mode:o}"
            );
            let advice = said
                .unwrap_err()
                .advice(Path::new("secrets.key"), "master_key_file");
            assert!(
                advice.contains("master_key_file") && !advice.contains("chmod"),
                "{advice}"
            );
        }
    }
}
