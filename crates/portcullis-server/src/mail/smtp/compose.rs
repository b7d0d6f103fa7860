//! An e-mail that every system takes.
//!
//! Source: RFC 5322 §3.6, RFC 2045 §4, RFC 2046 §5.1.4, RFC 5890 §2.3.2.1

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use portcullis_core::defends;
use portcullis_core::email::{Email, Id, MailError};

use super::html::html;

/// The mail of an e-mail. Its `Message-ID` is made of the e-mail's id and the sender's domain, so that it is the same when
/// the e-mail is sent again, and names no machine.
///
/// # Errors
/// [`MailError::Never`] if a part of it can't be written as mail: it never will be.
pub(super) fn compose(from: &Mailbox, email: Email, id: Id) -> Result<Message, MailError> {
    defends!("T011");
    let never = |what: &str| MailError::Never(what.to_owned());
    let to = wire_address(&email.to).ok_or_else(|| never("the recipient is no mail address"))?;
    if !fits_header(&email.subject) {
        return Err(never("the subject isn't one line of text"));
    }
    let message_id = format!("<{}@{}>", id.as_uuid().simple(), from.email.domain());
    let parts = MultiPart::alternative()
        .singlepart(part(ContentType::TEXT_PLAIN, email.text.clone()))
        .singlepart(part(ContentType::TEXT_HTML, html(&email.subject, &email.text)));
    Message::builder()
        .message_id(Some(message_id))
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(email.subject)
        .multipart(parts)
        .map_err(|error| MailError::Never(error.to_string()))
}

/// Whether a text may stand in a header as what it is: no control character, which could begin another header, and nothing
/// that a reader takes for an encoded word, and turns into one.
///
/// Source: RFC 2047 §2
pub(crate) fn fits_header(text: &str) -> bool {
    defends!("T134");
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    !text.chars().any(breaks) && !text.contains("=?")
}

/// The address as it goes over the wire: its domain in ASCII form, so that a relay needs to know nothing of others.
pub(crate) fn wire_address(address: &str) -> Option<Address> {
    defends!("T134");
    let (local, domain) = address.rsplit_once('@')?;
    let domain = idna::domain_to_ascii(domain).ok()?;
    Address::new(local, domain).ok()
}

/// One form of the text. What is ASCII is sent as it is, so that a link survives readers that decode nothing.
fn part(kind: ContentType, text: String) -> SinglePart {
    let plain = text.is_ascii() && text.lines().all(|line| line.len() < LONGEST_LINE);
    let body = if plain {
        let lines = text.lines().collect::<Vec<_>>().join("\r\n") + "\r\n";
        Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit)
    } else {
        Body::new(text)
    };
    SinglePart::builder().header(kind).body(body)
}

/// The longest line of a mail that isn't encoded, in bytes.
///
/// Source: RFC 5322 §2.1.1
const LONGEST_LINE: usize = 998;
