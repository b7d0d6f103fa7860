//! The command line: what the operator does at the machine itself.
//!
//! Flow: the arguments are parsed, the configuration is read with them as its last word, and a command runs on the
//! same data as the server. A command works while the server runs: what it changes reaches the server within a
//! second. Whoever may read the data folder could do anything anyway, so there is no login; every change is in the
//! audit log as the operator's.
//!
//! Invariants: results go to stdout, everything else to stderr; a failure is one message that says what to do. A
//! password is never an argument: process lists show those.
//!
//! Exit codes: 0 done, 1 failed, 2 the arguments or the configuration are wrong.

mod account;
mod api_key;
mod audit;
mod config;
mod failure;
mod key;
mod key_check;
mod key_import;
mod options;
mod organization;
mod password;
mod permission;
mod policy;
mod role;
mod service_account;
mod setup_link;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use portcullis_identity::Portcullis;

use self::failure::Failure;
use self::options::Options;
use crate::config::Config;
use crate::output::Output;
use crate::start::{self, Missing};
use crate::{logging, serve};

/// Accounts, logins and permissions for your apps: one server, SQLite inside.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (also without a command)
    Serve,
    /// Check or show the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// List, create and change accounts
    #[command(subcommand)]
    Account(account::Command),
    /// List and change roles, give them to accounts
    #[command(subcommand)]
    Role(role::Command),
    /// List permissions, make those of applications elsewhere known
    #[command(subcommand)]
    Permission(permission::Command),
    /// List and create organizations, manage their members
    #[command(subcommand)]
    Organization(organization::Command),
    /// Make, list and disable accounts of programs
    #[command(subcommand)]
    ServiceAccount(service_account::Command),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    ApiKey(api_key::Command),
    /// List, import and rotate signing keys, recognise credentials
    #[command(subcommand)]
    Key(key::Command),
    /// Check policies, show what they may name
    #[command(subcommand)]
    Policy(policy::Command),
    /// Read the audit log
    #[command(subcommand)]
    Audit(audit::Command),
    /// Say why a request was refused
    Why(why::Why),
    /// Print a new one-time link that makes the first administrator; an earlier link is void
    SetupLink,
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Runs what the command line says.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version come this way too; clap knows which stream and code each has.
        Err(error) => error.exit(),
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn dispatch(cli: Cli) -> Result<(), Failure> {
    let output = Output::new(cli.options.json);
    if let Some(Command::Completions { shell }) = cli.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "portcullis", &mut script);
        return Ok(output.line(String::from_utf8_lossy(&script).trim_end())?);
    }
    let config = Config::load(&cli.options.sources()).map_err(Failure::Config)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            logging::start(&config.log);
            Ok(block_on(serve::serve(&config, &output))??)
        }
        Command::Config(command) => command.run(&config, &output),
        Command::Key(key::Command::Check { text }) => key_check::run(&text, &config.api_keys.format, output),
        Command::Policy(command) => {
            logging::start(&quiet(&config.log));
            block_on(command.run(&config, &output))?
        }
        command => {
            logging::start(&quiet(&config.log));
            block_on(work(command, &config, &output))?
        }
    }
}

/// Opens what the server works on, runs the command, and closes it.
async fn work(command: Command, config: &Config, output: &Output) -> Result<(), Failure> {
    let portcullis = start::open(config, config.server.public_url.as_ref(), Missing::Refuse).await?;
    let done = perform(command, &portcullis, config, output).await;
    portcullis.close().await;
    done
}

async fn perform(
    command: Command,
    portcullis: &Portcullis,
    config: &Config,
    output: &Output,
) -> Result<(), Failure> {
    match command {
        Command::Account(command) => command.run(portcullis, config, output).await,
        Command::Role(command) => command.run(portcullis, output).await,
        Command::Permission(command) => command.run(portcullis, output).await,
        Command::Organization(command) => command.run(portcullis, output).await,
        Command::ServiceAccount(command) => command.run(portcullis, output).await,
        Command::ApiKey(command) => command.run(portcullis, output).await,
        Command::Key(command) => command.run(portcullis, output).await,
        Command::Audit(command) => command.run(portcullis, output).await,
        Command::Why(command) => command.run(portcullis, output).await,
        Command::SetupLink => setup_link::run(portcullis, config, output).await,
        // Handled before anything is opened.
        Command::Serve | Command::Config(_) | Command::Policy(_) | Command::Completions { .. } => Ok(()),
    }
}

/// A command says what it did itself: only trouble is worth a log line beside it, unless somebody asks for more.
fn quiet(log: &crate::config::Log) -> crate::config::Log {
    let mut log = log.clone();
    if log.filter == "info" {
        "warn".clone_into(&mut log.filter);
    }
    log
}

fn block_on<F: Future>(future: F) -> Result<F::Output, std::io::Error> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(future))
}

const AFTER_HELP: &str = "\
Every key of the configuration can be set in portcullis.toml, by a variable (sessions.idle is \
PORTCULLIS_SESSIONS_IDLE) or with --set; `portcullis config show` lists all of them with their values.

Exit codes: 0 done, 1 failed, 2 the arguments or the configuration are wrong.";

#[cfg(test)]
mod tests;
