//! A new password, from a prompt, from stdin or from a file.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::path::Path;

use portcullis_core::password::Password;
use portcullis_core::secret::SecretText;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::failure::Failure;

/// Reads the password: the first line of `file` or of stdin, or, from a terminal, what is typed twice unseen.
///
/// # Errors
/// If nothing can be read, or the two differ.
pub(super) fn read(file: Option<&Path>) -> Result<SecretText, Failure> {
    if let Some(path) = file {
        let opened = File::open(path).and_then(first_line);
        return opened.map_err(|error| Failure::Failed(format!("{} can't be read: {error}", path.display())));
    }
    if !io::stdin().is_terminal() {
        return first_line(io::stdin())
            .map_err(|error| Failure::Failed(format!("stdin can't be read: {error}")));
    }
    let _unseen = Unseen::begin()?;
    let (first, second) = (ask("Password: ")?, ask("The same password again: ")?);
    if first.expose() == second.expose() {
        Ok(first)
    } else {
        Err(Failure::Failed(
            "the two passwords differ: nothing was changed".to_owned(),
        ))
    }
}

fn ask(prompt: &str) -> io::Result<SecretText> {
    let mut screen = io::stderr();
    write!(screen, "{prompt}")?;
    screen.flush()?;
    let line = first_line(io::stdin());
    writeln!(screen)?;
    line
}

fn first_line(from: impl Read) -> io::Result<SecretText> {
    // One more than allowed, so that the policy can say that it is too long.
    let mut line = String::with_capacity(Password::MAX_BYTES + 2);
    BufReader::new(from.take(Password::MAX_BYTES as u64 + 2)).read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    if line.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "no password was given",
        ));
    }
    Ok(SecretText::new(line))
}

/// The terminal doesn't show what is typed until this is dropped.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &unseen)?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_whole() {
        for (text, password) in [
            ("a gate that closes\n", "a gate that closes"),
            ("a gate that closes", "a gate that closes"),
            ("  spaces stay  \r\nnot this", "  spaces stay  "),
        ] {
            assert_eq!(first_line(text.as_bytes()).unwrap().expose(), password);
        }
        for empty in ["", "\n", "\r\n", "\nsecond"] {
            assert!(first_line(empty.as_bytes()).is_err(), "{empty:?}");
        }
        let long = "a".repeat(5_000);
        assert!(
            first_line(long.as_bytes()).unwrap().expose().len() > Password::MAX_BYTES,
            "refused later, not cut"
        );
    }
}
