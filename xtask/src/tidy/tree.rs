//! The text files of the repository.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::tidy::rust::Rust;

/// Every file that git knows or would take in.
pub(crate) struct Tree {
    files: Vec<File>,
}

/// One text file; `rust` is there for Rust sources.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) rust: Option<Rust>,
}

impl Tree {
    /// Reads the files of the repository at `root`; what isn't UTF-8 is no text and is left out.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let listed = process::output(
            Command::new("git")
                .args([
                    "-c",
                    "safe.directory=*",
                    "ls-files",
                    "-z",
                    "--cached",
                    "--others",
                    "--exclude-standard",
                ])
                .current_dir(root),
        )?;
        let files = listed
            .split('\0')
            .filter(|path| !path.is_empty())
            .filter_map(|path| {
                let text = std::fs::read(root.join(path)).ok()?;
                Some(File::new(path, String::from_utf8(text).ok()?))
            });
        Ok(Self {
            files: files.collect(),
        })
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self {
            files: files
                .iter()
                .map(|(path, text)| File::new(path, (*text).to_owned()))
                .collect(),
        }
    }

    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    pub(crate) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether a file or a folder lies at `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files
            .iter()
            .any(|file| file.path == path || file.path.starts_with(&folder))
    }

    /// The files of the tree that are Rust, each with its parsed source.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &Rust)> {
        self.files
            .iter()
            .filter_map(|file| Some((file, file.rust.as_ref()?)))
    }
}

impl File {
    fn new(path: &str, text: String) -> Self {
        let rust = path.ends_with(".rs").then(|| Rust::read(path, &text));
        Self {
            path: path.to_owned(),
            text,
            rust,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_count_as_there() {
        let tree = Tree::of(&[("a/b.rs", ""), ("c.md", "")]);
        assert!(tree.has("a") && tree.has("a/") && tree.has("a/b.rs") && tree.has("c.md"));
        assert!(!tree.has("a/b") && !tree.has("b.rs"));
        assert_eq!(tree.rust().count(), 1);
    }

    #[test]
    fn the_repository_itself_can_be_read() {
        let tree = Tree::read(crate::workspace::root()).unwrap();
        assert!(tree.get("xtask/src/tidy/tree.rs").is_some());
    }
}
