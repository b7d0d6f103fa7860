//! Signatures over requests and over addresses, with keys that callers hold.
//!
//! Three forms. [RFC 9421](https://www.rfc-editor.org/rfc/rfc9421) says in two header fields what of a request is signed; the
//! [simple form](SimpleForm) signs six lines that every language can write; a [signed URL](Urls) carries its signature with
//! it and opens one address to whoever has it. The first two are verified by a [`SignatureVerifier`], with [keys](Keys) that the program
//! knows.
//!
//! Flow of a request: the fields are read strictly → what must be covered is covered, by a signature of the present → the key is
//! looked up, and the signature checked → the nonce is [taken](Nonces) → whoever reads the body compares it with the [`BodyDigest`]
//! that was signed.
//!
//! **Invariants:** what isn't covered isn't believed: the least that is covered is said by the [settings](Settings), never by
//! the message, and a body only by its digest (`T256`, `T257`). An unknown key is answered as a bad signature is, after the same work
//! (`T258`). A signature is good once, on all nodes; where that can't be told, it isn't good (`T255`, `T264`).
//!
//! **Deliberately absent:** RSA and ECDSA (the libraries that sign don't agree on them), `@target-uri` and `@query-param` (nor on
//! these), component parameters, signed responses, and a key or an algorithm taken from the message.
//!
//! Source: RFC 9421, RFC 9530, RFC 9651

mod base;
mod component;
mod digest;
mod field;
mod key;
mod nonce;
mod parameters;
mod proven;
mod refused;
mod settings;
mod sign;
mod simple;
#[cfg(test)]
mod tests;
mod url;
mod verify;

pub use self::base::{Fields, Request};
pub use self::component::{Component, InvalidComponent};
pub use self::digest::{BodyDigest, DigestAlgorithm, Hashing, InvalidDigest};
pub use self::key::{InvalidSigner, KeyList, Keys, KnownKey};
pub use self::nonce::{MemoryNonces, Nonce, Nonces};
pub use self::proven::{Proven, Signer};
pub use self::refused::{Part, SignatureError, Unsigned};
pub use self::settings::{InvalidSettings, Settings};
pub use self::sign::{RequestSigner, SignRequestError, Written};
pub use self::simple::SimpleForm;
pub use self::url::{InvalidGrant, UrlGrant, Urls, Visit};
pub use self::verify::SignatureVerifier;
