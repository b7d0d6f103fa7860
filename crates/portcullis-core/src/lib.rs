//! The rules of Portcullis.
//!
//! Everything that decides lives here: what a password must look like, which token is valid, whether a session
//! still lives, who may do what. A slice (a folder of this crate) owns one record of the domain, its rules and its
//! `Store` port, and imports only slices below it; `portcullis-store` makes the ports real and `portcullis` puts HTTP around them.
//!
//! **Deliberately absent:** sockets, SQL, HTTP, a clock, a source of randomness, an async runtime. Time and
//! randomness come in through [`environment::Environment`]; records come in through the ports.

pub mod account;
pub mod administration;
pub mod api_key;
pub mod attribute;
pub mod audit;
pub mod authn;
pub mod authz;
pub mod effect;
pub mod email;
pub mod environment;
pub mod fault;
pub mod grants;
pub mod hook;
pub mod id;
pub mod invalidation;
pub mod issuance;
pub mod job;
pub mod key;
pub mod login;
pub mod opaque;
pub mod organization;
pub mod password;
mod port;
pub mod problem;
pub mod roles;
pub mod scopes;
pub mod secret;
pub mod session;
pub mod signature;
pub mod text;
pub mod threat;
pub mod throttle;
pub mod tier;
pub mod token;
