//! The configuration: read once at the start, checked as a whole.
//!
//! Flow: defaults, then `portcullis.toml` (in the working directory, or the file that `--config` or
//! `PORTCULLIS_CONFIG` names), then variables `PORTCULLIS_…`, then flags; the later one wins. Every key is read
//! into its type; what is wrong is collected with the place it came from and told in one error.
//!
//! A key is declared once, in the file of its section (`section.rs`): from there come its place and default, the way it
//! is read, what `config show` and `--help` say, and its row in `docs/operations.md`.
//!
//! Invariants: a typing slip is an error, never a silent default. Secrets come from files only (keys that end in
//! `_file`), so neither the file nor the environment nor a process list holds one; no message repeats a value that
//! could be one.
//!
//! **Deliberately absent:** reading the environment anywhere else (but for the terminal's width), and values that change while the server runs.

mod api_keys;
mod brand;
mod cookies;
mod cors;
mod database;
mod duration;
mod form;
mod key;
mod log;
mod mail;
mod neighbour;
mod organizations;
mod passwords;
mod policies;
mod problem;
mod proxies;
mod rate_limits;
mod reader;
mod redis;
mod reference;
mod section;
mod server;
mod sessions;
mod source;
mod tokens;
mod unnamed;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

use portcullis_identity::Cors;
use portcullis_identity::proxies::Proxies;

pub(crate) use self::api_keys::ApiKeys;
pub(crate) use self::brand::Brand;
pub(crate) use self::database::Database;
use self::key::Key;
pub(crate) use self::log::{Format, Log};
pub(crate) use self::organizations::Organizations;
pub(crate) use self::passwords::Passwords;
pub(crate) use self::policies::Policies;
pub(crate) use self::problem::Problems;
pub(crate) use self::rate_limits::RateLimits;
use self::reader::Reader;
pub(crate) use self::reader::Shown;
pub(crate) use self::reference::help;
pub(crate) use self::server::{Mode, Server, is_localhost, local_url, show_url};
pub(crate) use self::sessions::Sessions;
pub(crate) use self::source::Flag;
use self::source::{CONFIG_VARIABLE, Given, file_to_read};
pub(crate) use self::tokens::Tokens;
use crate::mail::Transport;

/// Everything that can be set, valid as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Where and how the server runs.
    pub(crate) server: Server,
    /// Where the records are.
    pub(crate) database: Database,
    /// Which proxies are believed about the client's address.
    pub(crate) proxies: Proxies,
    /// Which pages of other origins may call.
    pub(crate) cors: Option<Cors>,
    /// What people call this server, and how its pages look.
    pub(crate) brand: Brand,
    /// How e-mails leave: by a mail server, into a folder, or not at all.
    pub(crate) mail: Transport,
    /// How many e-mails are sent.
    pub(crate) emails: portcullis_core::email::Settings,
    /// How tokens are issued.
    pub(crate) tokens: Tokens,
    /// How long sessions live.
    pub(crate) sessions: Sessions,
    /// How cookies are called and written.
    pub(crate) cookies: portcullis_identity::cookie::Settings,
    /// How API keys begin and where they stand in a request.
    pub(crate) api_keys: ApiKeys,
    /// How often clients may call.
    pub(crate) rate_limits: RateLimits,
    /// What passwords must be and what hashing costs.
    pub(crate) passwords: Passwords,
    /// Who creates organizations, and how hosts name them.
    pub(crate) organizations: Organizations,
    /// Where the policies are.
    pub(crate) policies: Policies,
    /// What is logged, and how a line of the log is written.
    pub(crate) log: Log,
    /// Every value with where it came from.
    pub(crate) shown: Vec<Shown>,
}

/// What the configuration is read from.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// The file that `--config` names.
    pub(crate) file: Option<PathBuf>,
    /// The variables of the environment, of which those with our prefix are read.
    pub(crate) variables: Vec<(OsString, OsString)>,
    /// Keys set on the command line.
    pub(crate) flags: Vec<Flag>,
}

impl Sources {
    /// The process' own environment with these flags.
    pub(crate) fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        Self {
            file,
            variables: std::env::vars_os().collect(),
            flags,
        }
    }
}

impl Config {
    /// Reads everything that can be set, from all sources.
    ///
    /// # Errors
    /// [`Problems`]: all of them.
    pub(crate) fn load(sources: &Sources) -> Result<Self, Problems> {
        let mut given = Given::default();
        let variable = sources.variables.iter().find(|(name, _)| name == CONFIG_VARIABLE);
        let (file, required) = file_to_read(
            sources.file.as_deref(),
            variable.map(|(_, path)| path.as_os_str()),
        );
        given.read_file(&file, required);
        given.read_variables(sources.variables.iter().cloned());
        sources.flags.iter().for_each(|flag| given.read_flag(flag));
        Self::read(Reader::new(given))
    }

    fn read(mut reader: Reader) -> Result<Self, Problems> {
        let from = &mut reader;
        let server = Server::read(from);
        let database = Database::read(from, &server.data);
        let proxies = proxies::read(from);
        let cors = cors::read(from);
        let brand = Brand::read(from);
        let (mail, emails) = mail::read(from, &server, &brand);
        let tokens = Tokens::read(from);
        let sessions = Sessions::read(from);
        let cookies = cookies::read(from, &server);
        let api_keys = ApiKeys::read(from);
        api_keys.check_beside(&cookies, from);
        let rate_limits = RateLimits::read(from);
        let passwords = Passwords::read(from);
        let organizations = Organizations::read(from);
        let policies = Policies::read(from);
        let log = Log::read(from);
        let (problems, shown) = reader.into_problems();
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        Ok(Self {
            server,
            database,
            proxies,
            cors,
            brand,
            mail,
            emails,
            tokens,
            sessions,
            cookies,
            api_keys,
            rate_limits,
            passwords,
            organizations,
            policies,
            log,
            shown,
        })
    }
}

/// Every key, in the order in which they are read and shown.
pub(crate) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    [
        server::KEYS,
        database::KEYS,
        proxies::KEYS,
        cors::KEYS,
        brand::KEYS,
        mail::KEYS,
        tokens::KEYS,
        sessions::KEYS,
        cookies::KEYS,
        api_keys::KEYS,
        rate_limits::KEYS,
        passwords::KEYS,
        organizations::KEYS,
        policies::KEYS,
        log::KEYS,
    ]
    .concat()
});

#[cfg(test)]
mod tests;
