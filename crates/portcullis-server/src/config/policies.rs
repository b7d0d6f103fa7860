//! Where the policies are.

use std::path::PathBuf;

use super::reader::Reader;

/// Where the policies are.
#[derive(Debug, Clone)]
pub(crate) struct Policies {
    /// The folder with the files `*.cedar`; `None` permits nothing by policy.
    pub(crate) directory: Option<PathBuf>,
}

impl Policies {
    pub(super) fn read(from: &mut Reader) -> Self {
        Self {
            directory: from.optional("policies.directory", parse, |folder| folder.display().to_string()),
        }
    }
}

fn parse(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err(
            "must be the path of a folder with files *.cedar, such as /etc/portcullis/policies".into(),
        );
    }
    Ok(PathBuf::from(text))
}
