//! The schema and its history: embedded SQL files, forward only.
//!
//! Each migration runs in one transaction together with the row that says it ran, under a lock that makes a second
//! node wait: a crash leaves the version before, and two nodes that start at once migrate once. A database that is
//! ahead of this version is refused untouched.
//!
//! A new database begins with one file that holds the whole schema; an older one is led there step by step. A step that
//! programs of before can't live with is breaking: it isn't run while one of them may have the database open
//! ([`Fault::InUse`]), and what they find afterwards they refuse.
//!
//! All tables are `portcullis_…`: an application's own may stand beside them. Up to version 10 they had no prefix.
//!
//! **Deliberately absent:** a way back. Restore a backup instead.

use portcullis_core::defends;
use portcullis_core::fault::Fault;

use crate::settings::Blank;

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
    /// Whether programs of before can't work beside it.
    pub(crate) breaking: bool,
}

/// How any database comes to the schema of this version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migrations {
    /// What a database without a schema begins with.
    pub(crate) begin: Migration,
    /// What leads an older one on, oldest first.
    pub(crate) steps: &'static [Migration],
}

impl Migrations {
    /// The version they lead to.
    pub(crate) fn latest(&self) -> i64 {
        self.steps.last().map_or(self.begin.version, |step| step.version)
    }

    /// What comes next in a database of this version; zero is one without a schema.
    pub(crate) fn next(&self, found: i64) -> Option<&Migration> {
        match found {
            0 => Some(&self.begin),
            _ => self.steps.iter().find(|step| step.version > found),
        }
    }

    /// Whether what is to come in a database of this version breaks programs that work with it now.
    pub(crate) fn break_at(&self, found: i64) -> bool {
        found > 0
            && self
                .steps
                .iter()
                .any(|step| step.version > found && step.breaking)
    }

    /// Refuses a database that is ahead.
    pub(crate) fn refuse_newer(&self, found: i64) -> Result<(), Fault> {
        let known = self.latest();
        if found > known {
            return Err(Fault::NewerSchema(format!(
                "its schema has version {found}, this program knows versions up to {known}"
            )));
        }
        Ok(())
    }
}

macro_rules! migrations {
    ($backend:literal: $begin:literal $first:literal; $($version:literal $name:literal $($breaking:ident)?),* $(,)?) => {
        Migrations {
            begin: migrations!(@ $backend $begin $first),
            steps: &[$(migrations!(@ $backend $version $name $($breaking)?)),*],
        }
    };
    (@ $backend:literal $version:literal $name:literal $($breaking:ident)?) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../migrations/", $backend, "/", $name, ".sql")),
            breaking: !concat!($(stringify!($breaking))?).is_empty(),
        }
    };
}

#[cfg(feature = "sqlite")]
pub(crate) const SQLITE: Migrations = migrations!(
    "sqlite": 11 "0011_begin"; 1 "0001_begin", 2 "0002_api_keys", 3 "0003_organizations", 4 "0004_grants",
        5 "0005_decisions", 6 "0006_budgets", 7 "0007_audit_api_keys", 8 "0008_claims", 9 "0009_jobs", 10 "0010_skeletons",
        11 "0011_prefix" breaking, 12 "0012_actions", 13 "0013_attributes", 14 "0014_declared_roles",
        15 "0015_refresh_tokens" breaking, 16 "0016_tiers",
);

#[cfg(feature = "postgres")]
pub(crate) const POSTGRES: Migrations = migrations!(
    "postgres": 11 "0011_begin"; 1 "0001_begin", 2 "0002_api_keys", 3 "0003_organizations", 4 "0004_grants",
        5 "0005_decisions", 6 "0006_budgets", 7 "0007_audit_api_keys", 8 "0008_claims", 9 "0009_jobs", 10 "0010_skeletons",
        11 "0011_prefix" breaking, 12 "0012_actions", 13 "0013_attributes", 14 "0014_declared_roles",
        15 "0015_refresh_tokens" breaking, 16 "0016_tiers",
);

/// Refuses a database without a schema where there should be one: it is left as it is.
pub(crate) fn refuse_blank(found: i64, blank: Blank) -> Result<(), Fault> {
    defends!("T165");
    if found == 0 && blank == Blank::Refused {
        return Err(Fault::Empty("it has no tables of Portcullis".into()));
    }
    Ok(())
}

pub(crate) const CREATE_HISTORY: &str =
    "CREATE TABLE portcullis_schema_history (version BIGINT PRIMARY KEY, name TEXT NOT NULL)";
pub(crate) const INSERT_HISTORY: &str =
    "INSERT INTO portcullis_schema_history (version, name) VALUES ($1, $2)";
pub(crate) const VERSION: &str = "SELECT coalesce(max(version), 0) FROM portcullis_schema_history";

/// The history as it was named up to version 10. A table of this name may be somebody else's.
pub(crate) const INSERT_FORMER_HISTORY: &str = "INSERT INTO schema_history (version, name) VALUES ($1, $2)";
/// How many rows say that it is ours, where it has a version and a name at all.
pub(crate) const FORMER_IS_OURS: &str = "SELECT count(*) FROM schema_history
    WHERE CAST(version AS TEXT) = '1' AND CAST(name AS TEXT) = '0001_begin'";
pub(crate) const FORMER_VERSION: &str = "SELECT coalesce(max(version), 0) FROM schema_history";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_without_gaps_and_the_databases_agree() {
        let versions = |all: Migrations| all.steps.iter().map(|m| (m.version, m.name)).collect::<Vec<_>>();
        assert!(SQLITE.steps.iter().zip(1..).all(|(m, n)| m.version == n));
        assert!(SQLITE.steps.iter().any(|m| m.version == SQLITE.begin.version));
        #[cfg(feature = "postgres")]
        {
            assert_eq!(versions(SQLITE), versions(POSTGRES));
            assert_eq!(SQLITE.begin.version, POSTGRES.begin.version);
        }
        assert!(!versions(SQLITE).is_empty());
    }

    #[test]
    fn a_database_with_records_is_never_begun_anew() {
        assert_eq!(SQLITE.next(0).map(|step| step.name), Some("0011_begin"));
        assert_eq!(SQLITE.next(10).map(|step| step.name), Some("0011_prefix"));
        assert!(SQLITE.next(SQLITE.latest()).is_none());
        assert!(SQLITE.break_at(1) && SQLITE.break_at(10));
        assert!(!SQLITE.break_at(0) && !SQLITE.break_at(SQLITE.latest()));
    }
}
