//! Reads a folder of policy files.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use portcullis_core::authz::policy::Source;

use super::PoliciesError;

/// Reads the files `*.cedar` by name. Hidden files are left out: editors keep their own there.
pub(super) fn read(folder: &Path) -> Result<Vec<Source>, PoliciesError> {
    let unreadable = |reason: String| PoliciesError::Unreadable {
        folder: folder.display().to_string(),
        reason,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(error.to_string()))? {
        let name = entry.map_err(|error| unreadable(error.to_string()))?.file_name();
        let bytes = name.as_encoded_bytes();
        if !bytes.ends_with(b".cedar") || bytes.starts_with(b".") {
            continue;
        }
        // Left out, it would lift what it forbids.
        let Some(text) = name.to_str() else {
            return Err(unreadable(format!("the name {} is no UTF-8", name.display())));
        };
        names.push(text.to_owned());
    }
    if names.is_empty() {
        return Err(unreadable(
            "there is no file *.cedar; an empty one means that there are no policies".to_owned(),
        ));
    }
    names.sort();
    let source = |name: String| match text(&folder.join(&name)) {
        Ok(text) => Ok(Source { name, text }),
        Err(reason) => Err(unreadable(format!("{name}: {reason}"))),
    };
    names.into_iter().map(source).collect()
}

fn text(file: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let opened = fs::File::open(file).map_err(|error| error.to_string())?;
    let read = opened.take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LONGEST {
        return Err("it is longer than 1 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".to_owned())
}

/// The longest policy file, in bytes.
const LONGEST: u64 = 1024 * 1024;
