//! Debian packages, installed only when a program is missing.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::stop::Stop;

/// A program (by name on the `PATH`, or by path) and the Debian package that brings it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Needed {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
}

/// Installs the packages of the programs that are missing.
///
/// # Errors
/// When `apt-get` fails; the text names the packages.
pub(crate) fn install(stop: &Stop, needed: &[Needed]) -> Result<()> {
    let packages = missing(needed, is_there);
    if packages.is_empty() {
        return Ok(());
    }
    println!("installing {}", packages.join(" "));
    let asked = || format!("install these packages by hand: {}", packages.join(" "));
    process::run(stop, apt_get().arg("update")).with_context(asked)?;
    process::run(
        stop,
        apt_get()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(&packages),
    )
    .with_context(asked)
}

fn missing(needed: &[Needed], is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut packages: Vec<_> = needed
        .iter()
        .filter(|need| !is_there(need.program))
        .map(|need| need.package)
        .collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn is_there(program: &str) -> bool {
    if program.starts_with('/') {
        Path::new(program).exists()
    } else {
        process::on_path(program)
    }
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .args(["--quiet", "--option", "DPkg::Lock::Timeout=300"])
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_packages_of_missing_programs_are_installed_once() {
        let needed = [
            Needed {
                program: "here",
                package: "one",
            },
            Needed {
                program: "not-here",
                package: "two",
            },
            Needed {
                program: "nor-here",
                package: "two",
            },
        ];
        assert_eq!(missing(&needed, |program| program == "here"), ["two"]);
        assert!(missing(&needed, |_| true).is_empty());
    }

    #[test]
    fn programs_are_found_by_name_and_by_path() {
        assert!(is_there("bash") && is_there("/etc"));
        assert!(!is_there("no-such-program-here") && !is_there("/no/such/file"));
    }
}
