//! Why a signature isn't good.

use super::InvalidDigest;
use super::parameters::MAX_LENGTH;
use crate::fault::Fault;
use crate::problem::{Details, Refusal};

/// Why nobody is known by a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It isn't good.
    #[error(transparent)]
    Refused(#[from] Unsigned),
    /// It couldn't be found out: nobody is let in.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for SignatureError {
    fn details(&self) -> Details {
        match self {
            Self::Refused(reason) => reason.details(),
            Self::Fault(fault) => fault.details(),
        }
    }
}

/// Which part of a signature is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The id of the key.
    KeyId,
    /// The nonce.
    Nonce,
}

impl Part {
    /// Its name among the parameters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyId => "keyid",
            Self::Nonce => "nonce",
        }
    }
}

/// Why a signature isn't good. Whatever is told was in the message, but for one thing: that a key is unknown looks as if the signature
/// were wrong (`T258`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// A field isn't written as it must be.
    #[error("{0} can't be read: {1}")]
    Malformed(&'static str, &'static str),
    /// More than one signature could be meant.
    #[error("more than one signature came: send one")]
    Several,
    /// It covers something that isn't offered.
    #[error(
        "the signature covers {0}, which isn't offered: cover @method, @authority, @path, @query and header fields"
    )]
    UnknownComponent(String),
    /// It covers the same twice.
    #[error("the signature covers {0} twice")]
    Twice(String),
    /// It covers a header field that the request hasn't.
    #[error("the signature covers {0}, and the request has no such header")]
    Absent(String),
    /// It doesn't cover, or say, all that it must.
    #[error("the signature lacks {0}")]
    Lacks(String),
    /// A part is empty or too long.
    #[error("the signature's {} has 1 to {MAX_LENGTH} characters", .0.as_str())]
    Length(Part),
    /// The body's digest can't be compared.
    #[error(transparent)]
    Digest(#[from] InvalidDigest),
    /// It was made in the future, by the clock here.
    #[error("the signature was made in the future: set the clock")]
    Early,
    /// It is too old, or its own end has passed.
    #[error("the signature has expired: sign again, with the time it is now")]
    Expired,
    /// No key is known by this id, or the signature is another's.
    #[error("the signature isn't good: check the key, its id, and what it is computed over")]
    Bad,
    /// It came before.
    #[error("the signature was used before: sign each request anew, with another nonce")]
    Replayed,
    /// The body isn't what was signed.
    #[error("the body isn't the one that was signed")]
    OtherBody,
    /// The signed URL was changed, or is for something else.
    #[error("the link isn't good: it was changed, or made for something else")]
    BadUrl,
    /// The signed URL's time is over.
    #[error("the link has expired")]
    UrlExpired,
    /// The signed URL is for another address.
    #[error("the link may not be used from this address")]
    OtherAddress,
    /// The signed URL was good once.
    #[error("the link was used before, and is good once")]
    UrlUsed,
}

impl Unsigned {
    pub(super) const MALFORMED: Self = Self::Malformed(
        "Signature-Input",
        "it must read like sig1=(\"@method\" \"@authority\");created=1700000000;keyid=\"…\";nonce=\"…\"",
    );

    pub(super) fn lacks(what: &str) -> Self {
        Self::Lacks(what.to_owned())
    }
}

impl Refusal for Unsigned {
    fn details(&self) -> Details {
        match self {
            Self::Malformed(..)
            | Self::Several
            | Self::UnknownComponent(_)
            | Self::Twice(_)
            | Self::Length(_)
            | Self::Digest(_) => Details::bad_request("malformed_signature"),
            Self::Lacks(_) | Self::Absent(_) => Details::unauthenticated("signature_incomplete"),
            Self::Early => Details::unauthenticated("signature_early"),
            Self::Expired => Details::unauthenticated("signature_expired"),
            Self::Bad => Details::unauthenticated("invalid_signature"),
            Self::Replayed => Details::unauthenticated("signature_replayed"),
            Self::OtherBody => Details::unauthenticated("digest_mismatch"),
            Self::BadUrl => Details::unauthenticated("invalid_link"),
            Self::UrlExpired => Details::unauthenticated("link_expired"),
            Self::OtherAddress => Details::forbidden("address_not_allowed"),
            Self::UrlUsed => Details::unauthenticated("link_used"),
        }
    }
}
