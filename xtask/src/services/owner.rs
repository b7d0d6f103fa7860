//! The user that servers run as which refuse to be root's: PostgreSQL and its pooler.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use rustix::process::geteuid;

use crate::process;

/// Whose processes and files they are.
pub(super) struct Owner {
    leaves_root: bool,
}

impl Owner {
    pub(super) fn find() -> Result<Self> {
        let leaves_root = geteuid().is_root();
        if leaves_root {
            process::output(Command::new("id").args(["-u", USER]))
                .context("no user `postgres`; the Debian package makes it")?;
        }
        Ok(Self { leaves_root })
    }

    pub(super) fn take(&self, folder: &Path) -> Result<()> {
        if !self.leaves_root {
            return Ok(());
        }
        let id = |flag| -> Result<u32> {
            Ok(process::output(Command::new("id").args([flag, USER]))?
                .trim()
                .parse()?)
        };
        chown(folder, Some(id("-u")?), Some(id("-g")?)).context("cannot give a folder to `postgres`")
    }

    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "INT"]);
        if self.leaves_root {
            command.args(["--reuid", USER, "--regid", USER, "--init-groups"]);
        }
        command.arg("--").arg(program);
        command
    }
}

const USER: &str = "postgres";
