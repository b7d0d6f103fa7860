//! What a type's schema asks of a value, made once for each type.
//!
//! Flow: [`Plan::of`] has the schema of a type generated as the OpenAPI document has it, compiles it (`compile`) into nodes
//! and keeps them. `validate/check` walks a value along them. So what the document says and what is checked are one thing.
//!
//! Invariants: a keyword that would ask something and isn't checked is a [`Flaw`], and a type with a flaw is neither built
//! into a router nor read (`T200`). Patterns run in linear time (`T201`). No node leads back to itself without a level of the
//! value between.
//!
//! **Deliberately absent:** JSON Schema as a whole. What stands here is what `JsonSchema` writes for types.

mod compile;
mod flaw;
mod format;
mod node;
mod pattern;
mod rule;
mod settle;

use std::any::{TypeId, type_name};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use portcullis_core::defends;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};

pub(crate) use self::flaw::Flaw;
pub(crate) use self::format::Format;
pub(crate) use self::node::{Bound, Id, Kind, Kinds, Members, Node, Other};
pub(crate) use self::pattern::Pattern;
pub use self::rule::by_hand;
pub(crate) use self::rule::{Complaint, Declaration};

/// What a type's schema asks.
#[derive(Debug)]
pub(crate) struct Plan {
    nodes: Vec<Node>,
    root: Id,
    /// Whether something is asked that reading into the type doesn't ask already.
    bounded: bool,
    /// Whether something is asked that certainly stands in an attribute, and not in a type that asks it itself.
    declared: bool,
}

impl Plan {
    /// The plan of `T`, whose schema `describe` gives, or why it can't be checked.
    pub(crate) fn of<T: 'static>(describe: Describe) -> Result<Arc<Self>, Arc<Flaw>> {
        let known = PLANS.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = known.as_ref().and_then(|plans| plans.get(&TypeId::of::<T>())) {
            return plan.clone();
        }
        drop(known);
        let plan = Self::make::<T>(describe).map(Arc::new).map_err(Arc::new);
        let mut known = PLANS.write().unwrap_or_else(PoisonError::into_inner);
        let plans = known.get_or_insert_default();
        plans.entry(TypeId::of::<T>()).or_insert(plan).clone()
    }

    /// A plan made for this once.
    pub(crate) fn make<T>(describe: Describe) -> Result<Self, Flaw> {
        defends!("T200");
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let (schema, rules) = rule::gathered(|| describe(&mut generator));
        let definitions = generator.take_definitions(true);
        compile::compile(&schema.to_value(), &definitions, rules).map_err(|why| why.of(type_name::<T>()))
    }

    /// The plan of a schema that no type has.
    #[cfg(test)]
    pub(crate) fn of_schema(schema: &serde_json::Value) -> Result<Self, String> {
        let definitions = schema
            .get("$defs")
            .and_then(serde_json::Value::as_object)
            .cloned();
        let plan = compile::compile(schema, &definitions.unwrap_or_default(), Vec::new());
        plan.map_err(|why| why.of("schema").to_string())
    }

    /// Where a value begins.
    pub(crate) fn root(&self) -> Id {
        self.root
    }

    /// A node. Every id was given out by the plan itself.
    pub(crate) fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get(id.0)
    }

    /// Whether a value that could be read may still be refused.
    pub(crate) fn bounded(&self) -> bool {
        self.bounded
    }

    /// Whether whoever reads the type without this plan leaves out what its attributes ask.
    pub(crate) fn declared(&self) -> bool {
        self.declared
    }
}

/// What gives the schema of a type.
pub(crate) type Describe = fn(&mut SchemaGenerator) -> Schema;

type Plans = HashMap<TypeId, Result<Arc<Plan>, Arc<Flaw>>>;

/// One for each type that is read: a program has a bounded number of types.
static PLANS: RwLock<Option<Plans>> = RwLock::new(None);

#[cfg(test)]
mod tests;
