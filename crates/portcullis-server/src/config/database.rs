//! Where the records are.

use std::path::{Path, PathBuf};

use portcullis_core::secret::SecretText;
use url::Url;

use super::form::{SecretFile, optional, secret};
use super::reader::Reader;
use super::section::section;

/// Where the records are.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    /// The address, which may hold a password.
    pub(crate) address: SecretText,
    /// The file, if it is SQLite.
    pub(crate) file: Option<PathBuf>,
    /// What may be shown of it.
    pub(crate) shown: String,
}

section! {
    /// An address from one of two keys.
    struct Keys {}
    "database" => database: Option<Database> = None,
        optional(|text| parse(text, Passwords::Refused), |database: &Database| database.shown.clone()),
        "where records are kept: sqlite:FILE or postgres://HOST/NAME; an address with a password goes into database_file",
        default "SQLite in the data folder",
        manual "`sqlite:FILE` or `postgres://HOST/NAME`, without a password";
    "database_file" => database_file: Option<SecretFile> = None, secret(),
        "file that holds the database's address",
        manual "file that holds the database's address, for one with a password";
}

impl Database {
    pub(super) fn read(from: &mut Reader, data: &Path) -> Self {
        let keys = Keys::declared(from);
        if from.is_set("database") && from.is_set("database_file") {
            from.fail("database_file", "set database or database_file, not both");
        }
        let from_file = match keys
            .database_file
            .map(|file| parse(file.text.expose(), Passwords::Allowed))
        {
            Some(Ok(database)) => Some(database),
            Some(Err(says)) => {
                from.fail("database_file", says);
                None
            }
            None => None,
        };
        let database = keys
            .database
            .or(from_file)
            .unwrap_or_else(|| Self::sqlite(data.join("portcullis.db")));
        from.reshow("database", database.shown.clone());
        database
    }

    fn sqlite(file: PathBuf) -> Self {
        let shown = format!("sqlite:{}", file.display());
        Self {
            address: SecretText::new(shown.clone()),
            file: Some(file),
            shown,
        }
    }

    /// What the database is called in the lines a start prints.
    pub(crate) fn title(&self) -> String {
        let name = |file: &PathBuf| {
            file.file_name()
                .map_or_else(String::new, |name| name.display().to_string())
        };
        match &self.file {
            Some(file) => format!("SQLite {}", name(file)),
            None => format!("PostgreSQL {}", self.shown),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Passwords {
    Allowed,
    Refused,
}

/// Reads an address. No message repeats it.
fn parse(text: &str, passwords: Passwords) -> Result<Database, String> {
    if let Some(file) = text.strip_prefix("sqlite:") {
        let file = file.strip_prefix("//").unwrap_or(file);
        if file.is_empty() || file.starts_with(':') || file.contains(['?', '\0']) {
            return Err(
                "must be sqlite: and the path of a file, such as sqlite:/var/lib/portcullis/portcullis.db"
                    .into(),
            );
        }
        return Ok(Database::sqlite(PathBuf::from(file)));
    }
    let urls = each_host(text).ok_or("must begin with sqlite: or postgres://")?;
    let in_query = |url: &Url| {
        url.query_pairs()
            .any(|(name, _)| name.eq_ignore_ascii_case("password"))
    };
    if passwords == Passwords::Refused && urls.iter().any(|url| url.password().is_some() || in_query(url)) {
        return Err(
            "must not hold a password: write the whole address to a file and set database_file".to_owned(),
        );
    }
    let hosts: Vec<String> = urls.iter().map(show_host).collect();
    let path = urls.first().map_or("", Url::path);
    Ok(Database {
        address: SecretText::new(text.to_owned()),
        file: None,
        shown: format!("postgres://{}{path}", hosts.join(",")),
    })
}

/// The address once for each host of its list; most have one.
fn each_host(text: &str) -> Option<Vec<Url>> {
    let (scheme, rest) = text.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, hosts) = match authority.rfind('@') {
        Some(at) => authority.split_at(at + 1),
        None => ("", authority),
    };
    let one = |host: &str| {
        let url = Url::parse(&format!("{scheme}://{user}{host}{path}")).ok()?;
        (matches!(url.scheme(), "postgres" | "postgresql") && url.has_host()).then_some(url)
    };
    hosts.split(',').map(one).collect()
}

fn show_host(url: &Url) -> String {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}{port}", url.host_str().unwrap_or_default())
}
