//! Reads the schema of another program.
//!
//! **Invariant:** what was read is declared, generated again and compared. So nothing is a schema but what
//! [`Schema::text`] writes: one that was edited by hand, or that another version wrote, is none.

use super::{APPLICATION, BASE, BEGIN, Declarations, FIELD_KINDS, KINDS, Schema, field_kind, type_of};
use crate::attribute::Definition;
use crate::authz::resource::{ResourceField, ResourceKind, Tenancy};

/// The text isn't what [`Schema::text`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this isn't a schema as this version of Portcullis writes it: put what `Portcullis::policy_schema` gives in the \
     application, built with the same version, into the file as it is"
)]
pub struct UnknownSchema;

impl Schema {
    /// Reads what [`Schema::text`] wrote, perhaps in another program. What it declares stays in memory for good, like
    /// what a program declares itself: this is for a tool that reads one schema and ends.
    ///
    /// # Errors
    /// [`UnknownSchema`] if [`Schema::text`] wouldn't write exactly this text again.
    pub fn read(text: &str) -> Result<Self, UnknownSchema> {
        let declarations = declarations(text).ok_or(UnknownSchema)?;
        let schema = Self::of(declarations).map_err(|_| UnknownSchema)?;
        if schema.text().trim_end() == text.trim_end() {
            Ok(schema)
        } else {
            Err(UnknownSchema)
        }
    }
}

/// A kind of resource that is being read.
struct Kind<'a> {
    name: &'a str,
    fields: Vec<ResourceField>,
    actions: Vec<&'static str>,
}

fn declarations(text: &str) -> Option<Declarations> {
    let mut declarations = Declarations::new();
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    let (attributes, rest) = text.trim_end().strip_prefix(BEGIN)?.split_once(BASE.trim_end())?;
    for line in attributes.lines() {
        declarations.attribute(read_attribute(line)?);
    }
    for line in rest.lines() {
        if let Some(name) = line.strip_prefix("entity ") {
            kinds.push(Kind {
                name: name.strip_suffix(" {")?,
                fields: Vec::new(),
                actions: Vec::new(),
            });
        } else if let Some(field) = line.strip_prefix("  \"") {
            kinds.last_mut()?.fields.push(read_field(field)?);
        } else if let Some(action) = line.strip_prefix("action \"") {
            let (name, rest) = action.split_once('"')?;
            let (resources, _) = rest.split_once("resource: [")?.1.split_once(']')?;
            for resource in resources.split(", ") {
                if resource == APPLICATION {
                    declarations.action(name);
                } else {
                    let kind = kinds.iter_mut().find(|kind| kind.name == resource)?;
                    kind.actions.push(kept(name));
                }
            }
        }
    }
    for kind in kinds {
        declarations.kind(Box::leak(Box::new(ResourceKind {
            name: kept(kind.name),
            tenancy: Tenancy::Anywhere,
            fields: kind.fields.leak(),
            actions: kind.actions.leak(),
        })));
    }
    Some(declarations)
}

fn read_attribute(line: &str) -> Option<Definition> {
    let (name, written) = line.strip_prefix("  ")?.strip_suffix(',')?.split_once("?: ")?;
    let kind = KINDS
        .into_iter()
        .find(|kind| type_of(field_kind(*kind)) == written)?;
    Some(Definition {
        name: kept(name),
        kind,
        in_policies: true,
        in_tokens: false,
    })
}

fn read_field(text: &str) -> Option<ResourceField> {
    let (name, rest) = text.split_once('"')?;
    let (optional, rest) = rest.strip_prefix('?').map_or((false, rest), |rest| (true, rest));
    let written = rest.strip_prefix(": ")?.strip_suffix(',')?;
    let kind = FIELD_KINDS.into_iter().find(|kind| type_of(*kind) == written)?;
    Some(ResourceField {
        name: kept(name),
        kind,
        optional,
    })
}

fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}
