//! Child processes that never outlive their owner.
//!
//! Each child leads a process group of its own, so a signal typed at the terminal reaches only xtask, and ending a
//! child ends what it started too. When a leader exits, the rest of its group is killed *before* the leader is
//! reaped: until then its id can't belong to anybody else.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::stop::{BEAT, Stop};

/// A running child; dropping it ends it and its whole group.
pub(crate) struct Process {
    child: Child,
    ending: Signal,
    finished: bool,
}

impl Process {
    /// Starts `command`, which ends cleanly on `SIGTERM`.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        Self::start_ending_with(Signal::TERM, command)
    }

    /// Starts `command`, which ends cleanly on `ending`.
    pub(crate) fn start_ending_with(ending: Signal, command: &mut Command) -> Result<Self> {
        let child = command.process_group(0).spawn().with_context(|| {
            format!(
                "cannot start `{}`; is it installed?",
                command.get_program().display()
            )
        })?;
        Ok(Self {
            child,
            ending,
            finished: false,
        })
    }

    /// The pipes of the child, to be taken once.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The child's status if it has exited; its group is gone then.
    pub(crate) fn exited(&mut self) -> Result<Option<ExitStatus>> {
        if !self.finished && !self.has_exited()? {
            return Ok(None);
        }
        self.finish().map(Some)
    }

    /// Waits until the child exits or a signal arrives.
    pub(crate) fn wait(&mut self, stop: &Stop) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            stop.pause()?;
        }
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Looks without reaping, so that the id stays ours.
    fn has_exited(&self) -> Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.id()), options)?.is_some())
    }

    fn finish(&mut self) -> Result<ExitStatus> {
        if !self.finished {
            kill_process_group(self.id(), Signal::KILL).ok();
            self.finished = true;
        }
        Ok(self.child.wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        kill_process_group(self.id(), self.ending).ok();
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && !self.has_exited().unwrap_or(true) {
            std::thread::sleep(BEAT);
        }
        self.finish().ok();
    }
}

/// Runs `command` to its end with this terminal as its output.
///
/// # Errors
/// When it can't be started, fails, or a signal arrives.
pub(crate) fn run(stop: &Stop, command: &mut Command) -> Result<()> {
    let status = Process::start(command.stdin(Stdio::null()))?.wait(stop)?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs `command` quietly and returns what it printed.
///
/// # Errors
/// When it can't be started or fails; the text holds what it said.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| {
        format!(
            "cannot start `{}`; is it installed?",
            command.get_program().display()
        )
    })?;
    if !output.status.success() {
        bail!(
            "`{}` failed ({})\n{}{}",
            line(command),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A command that the kernel ends when xtask itself is killed without a chance to clean up.
pub(crate) fn tied(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command
}

/// Whether a program of this name is on the `PATH`.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words: Vec<_> = std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect();
    words.join(" ")
}

/// How long a child may take to end by itself.
const GRACE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }

    fn first_line(process: &mut Process) -> String {
        let mut line = String::new();
        BufReader::new(process.child().stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        line.trim().to_owned()
    }

    fn alive(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    }

    fn wait_until_gone(pid: &str) {
        let deadline = Instant::now() + GRACE;
        while alive(pid) {
            assert!(Instant::now() < deadline, "process {pid} is still there");
            std::thread::sleep(BEAT);
        }
    }

    #[test]
    fn dropping_ends_grandchildren_too() {
        let mut process = Process::start(&mut shell("sleep 1000 & echo $!; wait")).unwrap();
        let grandchild = first_line(&mut process);
        assert!(alive(&grandchild));
        drop(process);
        wait_until_gone(&grandchild);
    }

    #[test]
    fn what_a_finished_leader_left_behind_is_killed() {
        let mut process =
            Process::start(&mut shell("trap '' TERM HUP; sleep 1000 >/dev/null & echo $!")).unwrap();
        let grandchild = first_line(&mut process);
        while process.exited().unwrap().is_none() {
            std::thread::sleep(BEAT);
        }
        wait_until_gone(&grandchild);
    }

    #[test]
    fn a_failing_command_is_an_error_with_its_words() {
        let error = output(&mut shell("echo why >&2; exit 3"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("why") && error.contains("exit status: 3"),
            "{error}"
        );
        assert!(output(&mut Command::new("no-such-program-here")).is_err());
        assert_eq!(output(&mut shell("echo fine")).unwrap(), "fine\n");
    }
}
