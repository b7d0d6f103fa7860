//! A change of the policies in force, told: to the audit log, and to the program's own.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use portcullis_core::audit::{Action, Context, Occurrence, Store};
use portcullis_core::authz::policy::{Set, Source};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;

use super::PoliciesError;

/// Every file by name, with the SHA-256 of its text in hexadecimal.
pub(super) type Digests = Vec<(String, String)>;

pub(super) fn digests(sources: &[Source]) -> Digests {
    let of = |text: &str| {
        let digest = digest(&SHA256, text.as_bytes());
        digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string can't fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    };
    let file = |source: &Source| (source.name.clone(), of(&source.text));
    sources.iter().map(file).collect()
}

/// Records that `set` takes the place of `before`. It isn't put in force unless that succeeds.
pub(super) async fn record(
    before: Option<&Set>,
    set: &Set,
    files: &Digests,
    log: &dyn Store,
    now: Timestamp,
) -> Result<(), PoliciesError> {
    defends!("T061");
    let detail = detail(set, files);
    let event = Occurrence {
        action: Action::PoliciesChanged,
        account: None,
        session: None,
        detail: detail.clone(),
    };
    let written = log.append(event, Context::system(now)).await;
    written.map_err(|fault| PoliciesError::Unrecorded(fault.to_string()))?;
    tracing::info!(policies = %detail, "these policies are in force now");
    let gone = before.map_or(&[][..], Set::forbidding).iter();
    for name in gone.filter(|name| !set.forbidding().contains(name)) {
        tracing::warn!(
            policy = name,
            "a policy that forbade is gone: what it forbade may be permitted now"
        );
    }
    Ok(())
}

/// How many, and which files.
fn detail(set: &Set, files: &Digests) -> String {
    let (all, forbidding) = (set.summary().policies, set.forbidding().len());
    let mut detail = format!("{all} policies, {forbidding} of them forbid:");
    for (name, digest) in files.iter().take(MOST_FILES) {
        let _ = write!(detail, " {name} {digest}");
    }
    if let Some(more) = files.len().checked_sub(MOST_FILES).filter(|more| *more > 0) {
        let _ = write!(detail, " and {more} more");
    }
    detail
}

/// How many files an event names.
const MOST_FILES: usize = 50;
