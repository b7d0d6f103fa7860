//! The one test command.
//!
//! Words that name a step choose steps; all other words are filters for the tests that `nextest` runs. Without words
//! everything runs, or with `--fast` everything that needs no server, no browser and no second build.

use std::path::Path;

use anyhow::{Result, bail};
use tempfile::TempDir;

use crate::services::{self, Services, apt};
use crate::steps::Steps;
use crate::stop::Stop;
use crate::{browser, clients, dependencies, process, stranger, tidy, tour, workspace};

/// Runs the chosen steps and prints their table.
///
/// # Errors
/// When a word is not understood or a step failed.
pub(crate) fn run(stop: &Stop, words: &[String]) -> Result<()> {
    let plan = Plan::parse(words)?;
    let temporary = Temporary::new()?;
    let mut steps = Steps::new(stop);
    if plan.has("install") {
        steps.step("install", || install(stop, &plan))?;
    }
    let services = match plan.has("services") {
        true => steps.step("services", || Services::start(stop, temporary.root.path()))?,
        false => None,
    };
    for step in STEPS {
        if plan.has(step) && !BEFORE.contains(&step) {
            steps.step(step, || {
                execute(stop, step, &plan, services.as_ref(), &temporary.scratch())
            })?;
        }
    }
    drop(services);
    steps.finish()
}

fn execute(stop: &Stop, step: &str, plan: &Plan, services: Option<&Services>, scratch: &Path) -> Result<()> {
    let cargo = |arguments: &[&str]| -> Result<()> {
        process::run(stop, workspace::cargo().args(arguments).env("TMPDIR", scratch))
    };
    match step {
        "fmt" => cargo(&["fmt", "--all", "--check"]),
        "clippy" => cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        "features" => FEATURES.iter().try_for_each(|(library, features)| {
            let alone = ["--lib", "--no-default-features", "--features", features];
            cargo(
                &[
                    &["clippy", "--package", library],
                    &alone[..],
                    &["--", "-D", "warnings"],
                ]
                .concat(),
            )
        }),
        "tests" => nextest(stop, plan, services, scratch),
        "doctests" => cargo(&["test", "--workspace", "--doc"]),
        "docs" => {
            let mut command = workspace::cargo();
            command
                .args(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings");
            process::run(stop, command.env("TMPDIR", scratch))
        }
        "tidy" => tidy::run(),
        "dependencies" => dependencies::run(),
        "server" => cargo(&["build", "--package", "portcullis-server"]),
        "tour" => tour::run(stop, scratch),
        "clients" => clients::run(stop, scratch),
        "browser" => browser::run(stop, scratch),
        "stranger" => stranger::run(stop, scratch),
        other => bail!("no step `{other}`"),
    }
}

fn nextest(stop: &Stop, plan: &Plan, services: Option<&Services>, scratch: &Path) -> Result<()> {
    let mut command = workspace::cargo();
    command
        .args(["nextest", "run", "--workspace", "--no-fail-fast"])
        .args(&plan.filters)
        .env("TMPDIR", scratch);
    for (name, value) in services.iter().flat_map(|services| services.variables()) {
        command.env(name, value);
    }
    process::run(stop, &mut command)
}

fn install(stop: &Stop, plan: &Plan) -> Result<()> {
    let mut needed = Vec::new();
    if plan.has("services") {
        needed.extend(services::PROGRAMS);
    }
    if plan.has("browser") {
        needed.push(browser::CHROMIUM);
    }
    if plan.has("tour") {
        needed.extend(tour::PROGRAMS);
    }
    apt::install(stop, &needed)?;
    let nextest = || process::output(workspace::cargo().args(["nextest", "--version"]));
    if plan.has("tests") && nextest().is_err() {
        println!("installing cargo-nextest");
        process::run(
            stop,
            workspace::cargo().args(["install", "cargo-nextest", "--locked"]),
        )?;
    }
    Ok(())
}

/// What is asked for.
#[derive(Debug, PartialEq)]
struct Plan {
    chosen: Vec<&'static str>,
    filters: Vec<String>,
}

impl Plan {
    fn parse(words: &[String]) -> Result<Self> {
        let (options, words): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.starts_with('-'));
        if let Some(unknown) = options.iter().find(|option| option.as_str() != "--fast") {
            bail!("no option `{unknown}`; there is only `--fast`");
        }
        let every: &[&str] = if options.is_empty() { &STEPS } else { &FAST };
        let named = |step: &str| words.iter().any(|word| *word == step);
        if let Some(slow) = STEPS
            .into_iter()
            .find(|step| named(step) && !every.contains(step))
        {
            bail!("the step `{slow}` is not part of `--fast`");
        }
        let filters: Vec<String> = words
            .iter()
            .filter(|word| !STEPS.contains(&word.as_str()))
            .map(|word| (*word).clone())
            .collect();
        let chosen = every.iter().copied().filter(|step| {
            words.is_empty()
                || named(step)
                || (*step == "tests" && !filters.is_empty())
                || implied(step)
                    .iter()
                    .any(|later| named(later) || (*later == "tests" && !filters.is_empty()))
        });
        Ok(Self {
            chosen: chosen.collect(),
            filters,
        })
    }

    fn has(&self, step: &str) -> bool {
        self.chosen.contains(&step)
    }
}

/// The steps that a step is there for.
fn implied(step: &str) -> &'static [&'static str] {
    match step {
        "install" => &["services", "tests", "tour", "browser"],
        "services" => &["tests"],
        "server" => &["tour", "clients", "browser"],
        _ => &[],
    }
}

/// One folder for everything that must not stay: the services' data, and what tests leave in their `TMPDIR`.
struct Temporary {
    root: TempDir,
}

impl Temporary {
    fn new() -> Result<Self> {
        let root = workspace::temporary_folder()?;
        std::fs::create_dir(root.path().join("t"))?;
        Ok(Self { root })
    }

    fn scratch(&self) -> std::path::PathBuf {
        self.root.path().join("t")
    }
}

/// Every step in its order: the test runners come last, so that their closing lines stay in sight.
const STEPS: [&str; 15] = [
    "install",
    "services",
    "fmt",
    "tidy",
    "dependencies",
    "clippy",
    "features",
    "docs",
    "server",
    "doctests",
    "tour",
    "clients",
    "browser",
    "stranger",
    "tests",
];

/// What somebody builds who needs little: each must compile by itself, whatever else the workspace switches on.
const FEATURES: [(&str, &str); 3] = [
    ("portcullis", ""),
    ("portcullis-identity", "sqlite"),
    ("portcullis-identity", "postgres"),
];

const BEFORE: [&str; 2] = ["install", "services"];

const FAST: [&str; 6] = ["install", "fmt", "tidy", "dependencies", "clippy", "tests"];

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(words: &[&str]) -> Result<Plan> {
        Plan::parse(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn words_choose_steps_or_filter_tests() {
        for (words, chosen, filters) in [
            (&[][..], &STEPS[..], &[][..]),
            (&["--fast"], &FAST, &[]),
            (&["tidy", "fmt"], &["fmt", "tidy"], &[]),
            (&["browser"], &["install", "server", "browser"], &[]),
            (&["refresh"], &["install", "services", "tests"], &["refresh"]),
            (&["--fast", "refresh"], &["install", "tests"], &["refresh"]),
            (
                &["docs", "refresh"],
                &["install", "services", "docs", "tests"],
                &["refresh"],
            ),
        ] {
            let plan = plan(words).unwrap();
            assert_eq!(plan.chosen, chosen, "{words:?}");
            assert_eq!(plan.filters, filters, "{words:?}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for words in [&["--slow"][..], &["--fast", "browser"]] {
            assert!(plan(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn every_step_of_the_fast_run_is_a_step() {
        assert!(FAST.iter().all(|step| STEPS.contains(step)));
    }
}
