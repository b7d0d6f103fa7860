//! The file of a logo.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::form::{Form, parse_path, text_of};
use crate::config::source::Raw;

/// A logo, whole in memory.
#[derive(Clone)]
pub(crate) struct Mark {
    path: PathBuf,
    /// The media type that it is served as.
    pub(crate) kind: &'static str,
    /// The file's bytes.
    pub(crate) bytes: Arc<[u8]>,
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mark")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A file of at most 64 KiB that is an image by its bytes, whatever its name is.
pub(super) const fn file() -> Image {
    Image
}

/// The form that [`file`] makes.
pub(super) struct Image;

impl Form<Option<Mark>> for Image {
    fn read(&self, _: &'static str, raw: &Raw) -> Result<Option<Mark>, String> {
        read(parse_path(text_of(raw)?)?).map(Some)
    }

    fn show(&self, value: &Option<Mark>) -> String {
        let path = value.as_ref().map(|mark| mark.path.display().to_string());
        path.unwrap_or_default()
    }
}

fn read(path: PathBuf) -> Result<Mark, String> {
    let bytes = bytes_of(&path).map_err(|error| format!("{} can't be read: {error}", path.display()))?;
    if bytes.len() as u64 > MOST {
        return Err(format!(
            "{} has more than {MOST} bytes: make it smaller",
            path.display()
        ));
    }
    let kind = kind_of(&bytes).ok_or_else(|| {
        format!(
            "{} must be a PNG, or an SVG: text in UTF-8 whose first element is <svg xmlns=\"http://www.w3.org/2000/svg\">",
            path.display()
        )
    })?;
    Ok(Mark {
        path,
        kind,
        bytes: bytes.into(),
    })
}

fn bytes_of(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it isn't a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some("image/png");
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let svg = first_element(text)?.strip_prefix("<svg")?;
    let tag = svg.split('>').next()?;
    (tag.starts_with(char::is_whitespace) && tag.contains("http://www.w3.org/2000/svg"))
        .then_some("image/svg+xml")
}

/// The text from its first element on: after a declaration, a document type and comments.
fn first_element(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?") || rest.starts_with("<!") {
            ">"
        } else {
            return rest.starts_with('<').then_some(rest);
        };
        rest = rest.split_once(end)?.1.trim_start();
    }
}

/// The longest file, in bytes: every page shows it.
const MOST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn an_image_is_known_by_its_bytes() {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
        for (bytes, kind) in [
            (svg.to_owned().into_bytes(), Some("image/svg+xml")),
            (
                format!("\u{feff}<?xml version=\"1.0\"?>\n<!-- <html> -->\n<!DOCTYPE svg>\n{svg}")
                    .into_bytes(),
                Some("image/svg+xml"),
            ),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), Some("image/png")),
            (b"\x89PNG".to_vec(), None),
            (b"GIF89a".to_vec(), None),
            (Vec::new(), None),
            (b"<svg/>".to_vec(), None),
            (b"<svgx xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(), None),
            (format!("<html>{svg}</html>").into_bytes(), None),
            (format!("<!-- {svg}").into_bytes(), None),
            (
                format!("{svg}\u{e9}")
                    .encode_utf16()
                    .flat_map(u16::to_be_bytes)
                    .collect(),
                None,
            ),
        ] {
            assert_eq!(kind_of(&bytes), kind, "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn what_is_no_small_file_is_refused_with_its_name() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("logo.svg");
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
        let padded = |length: usize| format!("{svg}{}", " ".repeat(length - svg.len()));
        std::fs::write(&file, padded(65_537)).unwrap();
        assert!(
            read(file.clone())
                .unwrap_err()
                .contains("logo.svg has more than 65536 bytes")
        );
        std::fs::write(&file, padded(65_536)).unwrap();
        assert_eq!(read(file.clone()).unwrap().bytes.len(), 65_536);
        std::fs::write(&file, "a logo").unwrap();
        assert!(read(file).unwrap_err().contains("must be a PNG, or an SVG"));
        assert!(
            read(folder.path().to_owned())
                .unwrap_err()
                .contains("it isn't a file")
        );
        assert!(
            read(folder.path().join("none"))
                .unwrap_err()
                .contains("can't be read")
        );
    }
}
