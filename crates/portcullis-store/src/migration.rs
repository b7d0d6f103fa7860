//! The schema and its history: embedded SQL files, forward only.
//!
//! Each migration runs in one transaction together with the row that says it ran, under a lock that makes a second
//! node wait: a crash leaves the version before, and two nodes that start at once migrate once. A database that is
//! ahead of this version is refused untouched.
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
}

macro_rules! migrations {
    ($backend:literal: $($version:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../migrations/", $backend, "/", $name, ".sql")),
        }),*]
    };
}

pub(crate) const SQLITE: &[Migration] = migrations!(
    "sqlite": 1 "0001_begin", 2 "0002_api_keys", 3 "0003_organizations", 4 "0004_grants", 5 "0005_decisions",
        6 "0006_budgets", 7 "0007_audit_api_keys", 8 "0008_claims", 9 "0009_jobs", 10 "0010_skeletons",
        11 "0011_closure",
);

#[cfg(feature = "postgres")]
pub(crate) const POSTGRES: &[Migration] = migrations!(
    "postgres": 1 "0001_begin", 2 "0002_api_keys", 3 "0003_organizations", 4 "0004_grants", 5 "0005_decisions",
        6 "0006_budgets", 7 "0007_audit_api_keys", 8 "0008_claims", 9 "0009_jobs", 10 "0010_skeletons",
        11 "0011_closure",
);

/// The version a list of migrations leads to.
pub(crate) fn latest(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |migration| migration.version)
}

/// Refuses a database that is ahead.
pub(crate) fn refuse_newer(found: i64, migrations: &[Migration]) -> Result<(), Fault> {
    let known = latest(migrations);
    if found > known {
        return Err(Fault::NewerSchema(format!(
            "its schema has version {found}, this program knows versions up to {known}"
        )));
    }
    Ok(())
}

/// Refuses a database without a schema where there should be one: it is left as it is.
pub(crate) fn refuse_blank(found: i64, blank: Blank) -> Result<(), Fault> {
    defends!("T165");
    if found == 0 && blank == Blank::Refused {
        return Err(Fault::Empty("it has no tables".into()));
    }
    Ok(())
}

pub(crate) const CREATE_HISTORY: &str =
    "CREATE TABLE IF NOT EXISTS schema_history (version BIGINT PRIMARY KEY, name TEXT NOT NULL)";
pub(crate) const INSERT_HISTORY: &str = "INSERT INTO schema_history (version, name) VALUES ($1, $2)";
pub(crate) const VERSION: &str = "SELECT coalesce(max(version), 0) FROM schema_history";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_without_gaps_and_the_databases_agree() {
        let versions = |list: &[Migration]| list.iter().map(|m| (m.version, m.name)).collect::<Vec<_>>();
        assert!(SQLITE.iter().zip(1..).all(|(m, n)| m.version == n));
        #[cfg(feature = "postgres")]
        assert_eq!(versions(SQLITE), versions(POSTGRES));
        assert!(!versions(SQLITE).is_empty());
    }
}
