//! Random input for the parsers that read credentials and policies, by cargo-fuzz.
//!
//! A target begins with what is in `fuzz/seeds` and goes on with what earlier runs found (`fuzz/corpus`). It is built
//! of the dependencies that the workspace is built of, by the profile `dev` of its own manifest.

use anyhow::{Context as _, Result, bail};

use crate::stop::Stop;
use crate::{process, workspace};

/// Runs one target for some seconds; without arguments, lists the targets.
///
/// # Errors
/// When there is no such target, cargo-fuzz is missing, or an input breaks what must hold.
pub(crate) fn run(stop: &Stop, arguments: &[String]) -> Result<()> {
    let targets = targets()?;
    let (target, seconds) = match arguments {
        [] => {
            println!("{}", targets.join("\n"));
            return Ok(());
        }
        [target] => (target, SECONDS),
        [target, seconds] => (target, seconds.parse().context("seconds are a whole number")?),
        _ => bail!("{USAGE}"),
    };
    if !targets.contains(target) {
        bail!("no target `{target}`: there are {}", targets.join(", "));
    }
    if !process::on_path("cargo-fuzz") {
        bail!("cargo-fuzz is missing: `cargo install cargo-fuzz` brings it");
    }
    let fuzz = workspace::root().join("fuzz");
    let [found, seeds] = ["corpus", "seeds"].map(|folder| fuzz.join(folder).join(target));
    std::fs::create_dir_all(&found).with_context(|| format!("can't make {}", found.display()))?;
    let lock = workspace::root().join("Cargo.lock");
    std::fs::copy(&lock, fuzz.join("Cargo.lock"))
        .with_context(|| format!("can't copy {}", lock.display()))?;
    let mut command = workspace::cargo();
    // The sanitizer is a flag of the nightly compiler; the stable one takes it with this variable.
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["fuzz", "run", "--dev", target])
        .args([found, seeds])
        .args(["--", &format!("-max_total_time={seconds}")])
        .args(["-max_len=4096", "-timeout=10", "-print_final_stats=1"]);
    process::run(stop, &mut command)
}

/// The names of the files in `fuzz/targets`.
fn targets() -> Result<Vec<String>> {
    let folder = workspace::root().join("fuzz/targets");
    let mut names = Vec::new();
    for file in std::fs::read_dir(&folder).with_context(|| format!("can't read {}", folder.display()))? {
        let path = file?.path();
        names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

const SECONDS: u32 = 60;

const USAGE: &str = "usage: cargo xtask fuzz [target [seconds]]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_a_program_of_the_manifest() {
        let manifest = std::fs::read_to_string(workspace::root().join("fuzz/Cargo.toml")).unwrap();
        let targets = targets().unwrap();
        assert!(targets.len() >= 9, "{targets:?}");
        for target in &targets {
            assert!(
                manifest.contains(&format!("path = \"targets/{target}.rs\"")),
                "{target}"
            );
        }
    }

    #[test]
    fn every_target_has_something_to_begin_with() {
        for target in targets().unwrap() {
            let seeds = workspace::root().join("fuzz/seeds").join(&target);
            assert!(
                std::fs::read_dir(seeds).is_ok_and(|mut files| files.next().is_some()),
                "{target}"
            );
        }
    }

    #[test]
    fn an_unknown_target_is_refused_by_name() {
        let stop = Stop::listen().unwrap();
        let refused = run(&stop, &["nothing".to_owned()]).unwrap_err().to_string();
        assert!(
            refused.contains("`nothing`") && refused.contains("jwt"),
            "{refused}"
        );
        let refused = run(&stop, &["jwt".to_owned(), "long".to_owned()]).unwrap_err();
        assert_eq!(refused.to_string(), "seconds are a whole number");
    }
}
