//! How a handler's parameters and answers describe themselves in the OpenAPI document.
//!
//! Flow: when a route is registered, each parameter ([`Input`]) and the answer ([`Output`]) writes what it reads or says
//! into one [`Operation`]. The rule of the route, its path and its texts are added when the document is made.
//!
//! What implements the traits: every extractor and answer of this library, those of axum, and whatever a program adds with
//! an empty `impl`. [`Opaque`] takes what comes from elsewhere. Type arguments that stand for JSON are [`Documented`],
//! which every type with a [`JsonSchema`](schemars::JsonSchema) is.
//!
//! **Deliberately absent:** the types of an OpenAPI crate: what a program writes against is this module alone.

mod axum;
mod input;
mod needed;
mod opaque;
mod operation;
mod output;
#[doc(hidden)]
pub mod shape;

pub use self::input::Input;
pub(crate) use self::needed::Needed;
pub use self::opaque::Opaque;
pub use self::operation::Operation;
pub(crate) use self::operation::{Settled, Unchecked, problem};
pub use self::output::Output;

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// A type that the document can describe: whatever implements [`JsonSchema`].
///
/// ```
/// # use portcullis::docs::Documented;
/// #[derive(serde::Serialize, portcullis::JsonSchema)]
/// #[schemars(crate = "portcullis::schemars")]
/// struct Note {
///     /// What it says.
///     text: String,
/// }
/// # fn documented<T: Documented>() {}
/// # documented::<Note>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no JSON Schema, so the OpenAPI document can't describe it",
    label = "`JsonSchema` is missing for `{Self}`",
    note = "derive it: `#[derive(portcullis::JsonSchema)]` and `#[schemars(crate = \"portcullis::schemars\")]`",
    note = "to leave it undescribed, write `portcullis::docs::Opaque<…>` around the extractor or the answer"
)]
pub trait Documented {
    /// Its schema, or a reference to it, in a document that `schemas` makes.
    fn schema(schemas: &mut SchemaGenerator) -> Schema;
}

#[diagnostic::do_not_recommend]
impl<T: JsonSchema> Documented for T {
    fn schema(schemas: &mut SchemaGenerator) -> Schema {
        schemas.subschema_for::<T>()
    }
}
