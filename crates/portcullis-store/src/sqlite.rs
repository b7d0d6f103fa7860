//! SQLite as one thread sees it: a connection, its statements, and what its errors mean.
//!
//! Which threads there are, and what they share, is the [engine](crate::engine)'s.

mod connection;
mod fault;
mod wait;

pub(crate) use self::connection::Connection;
pub(crate) use self::fault::read_only;
pub(crate) use self::wait::wait;
