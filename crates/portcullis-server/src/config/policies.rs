//! Where the policies are.

use std::path::PathBuf;

use super::form::optional;
use super::reader::Reader;
use super::section::section;

section! {
    /// Where the policies are.
    pub(crate) struct Policies {}
    "policies.directory" => directory: Option<PathBuf> = None,
        optional(parse, |folder: &PathBuf| folder.display().to_string()),
        "folder with the policies (*.cedar); without one nothing is permitted by policy",
        manual "the folder with the [policies](policies.md) (`*.cedar`); without one nothing is permitted by policy. The \
            server's own routes name no action and no resource, so the policies serve programs that embed the library";
}

impl Policies {
    pub(super) fn read(from: &mut Reader) -> Self {
        Self::declared(from)
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
