//! E-mails: who may be sent how many, how they wait, and when they are tried again.
//!
//! Flow: a slice words a [`Email`] → [`Outbox::write`] seals it and says what it is counted against → the store writes it
//! as a [`job`](crate::job) with the change it follows → a worker opens it ([`Outbox::open`]) and hands it to the
//! [`Mailer`] → what isn't taken is tried again at [`next_try`], or given up.
//!
//! **Invariants:** no e-mail is written without being counted, but for those of the machine's operator; an address is
//! counted however its tag, case and width are written; an e-mail waits sealed, for it holds live codes; sent again, it has
//! the same id.
//!
//! **Deliberately absent:** text of strangers in an e-mail. What is known of a caller is said in words of ours
//! ([`device_of`]).

mod budgets;
mod device;
mod message;
mod outbox;
mod tries;

pub(crate) use self::budgets::fold;
pub use self::budgets::{About, Settings};
pub use self::device::device_of;
pub use self::message::{Email, MailError, Mailer};
pub use self::outbox::{Outbox, Undeliverable};
pub use self::tries::next_try;
#[doc(inline)]
pub use crate::job::Id;
