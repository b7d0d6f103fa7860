//! The flags that every command takes: the last word on the configuration.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Flag, Sources, help};

/// Flags of every command.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Options {
    /// Configuration file [default: portcullis.toml in the working directory, if it is there]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[arg(long, help = help("listen"), value_name = "ADDR:PORT", global = true)]
    listen: Option<String>,
    #[arg(long, help = help("data"), value_name = "DIR", global = true)]
    data: Option<String>,
    #[arg(long, help = help("database"), value_name = "URL", global = true)]
    database: Option<String>,
    #[arg(long, help = help("public_url"), value_name = "URL", global = true)]
    public_url: Option<String>,
    #[arg(long, help = help("mode"), value_name = "MODE", global = true)]
    mode: Option<String>,
    #[arg(long, help = help("log.filter"), value_name = "FILTER", global = true)]
    log: Option<String>,
    #[arg(long, help = help("log.format"), value_name = "FORMAT", global = true)]
    log_format: Option<String>,
    /// Set any key, such as sessions.idle=10m; can be repeated
    #[arg(long, value_name = "KEY=VALUE", global = true, value_parser = pair)]
    set: Vec<(String, String)>,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

impl Options {
    /// What the configuration is read from.
    pub(super) fn sources(&self) -> Sources {
        Sources::of_process(self.config.clone(), self.flags())
    }

    /// A flag of its own wins over `--set`.
    fn flags(&self) -> Vec<Flag> {
        let set = self.set.iter().map(|(key, value)| Flag {
            key: key.clone(),
            value: value.clone(),
            typed: format!("--set {key}"),
        });
        let named = [
            ("listen", "--listen", &self.listen),
            ("data", "--data", &self.data),
            ("database", "--database", &self.database),
            ("public_url", "--public-url", &self.public_url),
            ("mode", "--mode", &self.mode),
            ("log.filter", "--log", &self.log),
            ("log.format", "--log-format", &self.log_format),
        ];
        let named = named.into_iter().filter_map(|(key, typed, value)| {
            Some(Flag {
                key: key.to_owned(),
                value: value.clone()?,
                typed: typed.to_owned(),
            })
        });
        set.chain(named).collect()
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("expected KEY=VALUE, such as sessions.idle=10m")?;
    Ok((key.to_owned(), value.to_owned()))
}
