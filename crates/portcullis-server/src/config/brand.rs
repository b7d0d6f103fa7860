//! What people call this server, and how its pages look.

use portcullis_core::defends;

pub(crate) use self::colour::Colour;
pub(crate) use self::mark::Mark;
use super::form::{optional, text};
use super::reader::Reader;
use super::section::section;
use crate::mail::fits_header;

mod colour;
mod mark;

section! {
    /// What people call this server, and how its pages look.
    pub(crate) struct Brand {}
    "brand.name" => name: String = "Portcullis".to_owned(), text(parse_name, Clone::clone),
        "what people call this server, on its pages and as the sender of its e-mails",
        manual "what people call this server: on its pages, and as the sender of its e-mails where `mail.from` has no name; at \
            most 40 characters";
    "brand.mark" => mark: Option<Mark> = None, mark::file(),
        "file of the logo on its pages: SVG or PNG, at most 64 KiB",
        manual "file of the logo on its pages, SVG or PNG, at most 64 KiB; read at the start. It is an image and nothing else: \
            no script in it runs";
    "brand.colour" => colour: Option<Colour> = None, optional(Colour::parse, Colour::to_string),
        "colour of links and buttons on its pages, such as #14508c",
        default "`#14508c`, on dark pages `#8abdf2`",
        manual "colour of links and buttons on its pages, as six hexadecimal digits. It must stand out from white by 4.5:1; on \
            dark pages it is lightened until it does there, too";
}

impl Brand {
    pub(super) fn read(from: &mut Reader) -> Self {
        Self::declared(from)
    }
}

/// A name that may stand in a page's title and in the header of an e-mail.
fn parse_name(text: &str) -> Result<String, String> {
    defends!("T134");
    let hidden = portcullis_core::text::shown(text) != text;
    let length = text.chars().count();
    if text.trim() != text || !(1..=LONGEST).contains(&length) || hidden || !fits_header(text) {
        return Err(format!(
            "must be one line of 1 to {LONGEST} characters, without spaces around it, control characters and =?"
        ));
    }
    Ok(text.to_owned())
}

/// The longest name, in characters: a line of a narrow page.
const LONGEST: usize = 40;

#[cfg(test)]
mod tests {
    use portcullis_core::checks;

    use super::*;

    #[test]
    fn a_name_is_a_word_and_no_header() {
        checks!("T134");
        for name in ["Acme", "Böhm & Söhne", "a \"b\" <c>", &"x".repeat(40)] {
            assert_eq!(parse_name(name).as_deref(), Ok(name));
        }
        for name in [
            "",
            " ",
            " Acme",
            "Acme\n",
            "A\r\nBcc: x",
            "=?utf-8?q?A?=",
            "a\u{202e}b",
            &"x".repeat(41),
        ] {
            assert!(parse_name(name).unwrap_err().contains("one line"), "{name:?}");
        }
    }
}
