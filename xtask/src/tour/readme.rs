//! Finds a tour's commands, and the lines they print, in its page.

use anyhow::{Result, bail};

/// One command of the tour.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// The line of the page it stands on.
    pub(crate) line: usize,
    /// The command as it stands there, without `$ `.
    pub(crate) command: String,
    /// The lines that follow it.
    pub(crate) expected: Vec<String>,
}

impl Step {
    /// Either of them without more words is the server, with the configuration that is in the folder.
    pub(crate) fn starts_server(&self) -> bool {
        ["cargo run", "portcullis"].contains(&self.command.trim())
    }

    /// The command with the server's real address in place of the page's.
    pub(crate) fn command_for(&self, address: Option<&str>) -> String {
        address.map_or_else(
            || self.command.clone(),
            |real| self.command.replace(ADDRESS, real),
        )
    }

    /// What was printed, with the page's address in place of the real one.
    pub(crate) fn as_in_readme(&self, printed: &str, address: Option<&str>) -> String {
        address.map_or_else(|| printed.to_owned(), |real| printed.replace(real, ADDRESS))
    }
}

/// The commands of the tour under `heading` in their order.
///
/// # Errors
/// When there is no tour, a block is never closed, or a printed line stands before the first command.
pub(crate) fn tour(page: &str, heading: &str) -> Result<Vec<Step>> {
    let mut reader = Reader {
        heading,
        steps: Vec::new(),
        place: Place::Outside,
    };
    for (at, line) in page.lines().enumerate() {
        reader.read(at + 1, line)?;
    }
    if reader.place == Place::Console {
        bail!("a `{CONSOLE}` block is never closed");
    }
    if reader.steps.is_empty() {
        bail!("no command in a `{CONSOLE}` block under `{heading}`");
    }
    for step in &mut reader.steps {
        let printed = step
            .expected
            .iter()
            .rposition(|line| !line.trim().is_empty())
            .map_or(0, |last| last + 1);
        step.expected.truncate(printed);
    }
    Ok(reader.steps)
}

struct Reader<'t> {
    heading: &'t str,
    steps: Vec<Step>,
    place: Place,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Outside,
    Tour,
    Console,
    /// Another kind of block, inside the tour or not: nothing in it counts.
    Block {
        in_tour: bool,
    },
}

impl Reader<'_> {
    fn read(&mut self, number: usize, line: &str) -> Result<()> {
        let fence = line.starts_with("```");
        self.place = match self.place {
            Place::Console if fence => Place::Tour,
            Place::Console => {
                self.console(number, line)?;
                Place::Console
            }
            Place::Block { in_tour } if fence => {
                if in_tour {
                    Place::Tour
                } else {
                    Place::Outside
                }
            }
            Place::Tour if line.trim_end() == CONSOLE => Place::Console,
            Place::Tour if fence => Place::Block { in_tour: true },
            Place::Outside if fence => Place::Block { in_tour: false },
            Place::Tour | Place::Outside if line.trim_end() == self.heading => Place::Tour,
            Place::Tour if line.starts_with("## ") || line.starts_with("# ") => Place::Outside,
            same => same,
        };
        Ok(())
    }

    /// A command, the rest of a command whose line ended in `\`, or a printed line.
    fn console(&mut self, number: usize, line: &str) -> Result<()> {
        if let Some(command) = line.strip_prefix("$ ") {
            self.steps.push(Step {
                line: number,
                command: command.to_owned(),
                expected: Vec::new(),
            });
            return Ok(());
        }
        let Some(step) = self.steps.last_mut() else {
            bail!("line {number} stands before the first command");
        };
        if step.expected.is_empty() && (step.command.ends_with('\\') || line.starts_with("> ")) {
            step.command.push('\n');
            step.command.push_str(line.strip_prefix("> ").unwrap_or(line));
        } else {
            step.expected.push(line.to_owned());
        }
        Ok(())
    }
}

const CONSOLE: &str = "```console";

/// The address that a reader gets without configuration.
const ADDRESS: &str = "localhost:8080";

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "## Five-minute tour";

    #[test]
    fn commands_and_their_lines_are_found() {
        let readme = "# P\n```console\n$ no\n```\n## Five-minute tour\ntext\n```console\n$ cargo run\nlistening\n\n\
            $ curl \\\n  -d x\n```\n```sh\n$ no\n## Other\n```\n```console\n$ cat <<E\n> a\n> E\na\n\nb\n\n```\n\
            ## Next\n```console\n$ no\n```\n";
        let step = |line, command: &str, expected: &[&str]| Step {
            line,
            command: command.into(),
            expected: expected.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            tour(readme, HEADING).unwrap(),
            [
                step(8, "cargo run", &["listening"]),
                step(11, "curl \\\n  -d x", &[]),
                step(19, "cat <<E\na\nE", &["a", "", "b"]),
            ]
        );
    }

    #[test]
    fn a_readme_without_a_tour_is_refused() {
        for readme in [
            "",
            "```console\n$ a\n```",
            "## Five-minute tour\n",
            "## Five-minute tour\n```sh\n$ a\n```",
            "## Five-minute tour\n```console\nprinted\n$ a\n```",
            "## Five-minute tour\n```console\n$ a\n",
        ] {
            assert!(tour(readme, HEADING).is_err(), "{readme:?}");
        }
    }

    #[test]
    fn the_address_is_replaced_both_ways() {
        let step = Step {
            line: 1,
            command: "curl localhost:8080/x".into(),
            expected: Vec::new(),
        };
        assert_eq!(step.command_for(Some("127.0.0.1:9")), "curl 127.0.0.1:9/x");
        assert_eq!(
            step.as_in_readme("at 127.0.0.1:9/x", Some("127.0.0.1:9")),
            "at localhost:8080/x"
        );
        assert!(!step.starts_server());
        for (command, starts) in [
            ("cargo run", true),
            ("portcullis", true),
            ("portcullis config", false),
        ] {
            let step = Step {
                command: command.into(),
                ..step.clone()
            };
            assert_eq!(step.starts_server(), starts, "{command}");
        }
    }
}
