//! Walks a value along its type's [`Plan`] and notes everything that is wrong with it.
//!
//! Flow: the walk is a visitor, so a body is checked as it is parsed: no tree of it is built, but below a rule of the program's
//! own and where several alternatives could be meant, which serde keeps whole too. What no node asks about is skipped.
//!
//! Invariants: what is wrong is said by place, code and a sentence of ours or the program's, never by the value (`T204`). The walk
//! ends at the first faults that fill an answer, and alternatives are tried within a budget, however they are nested (`T203`).

mod choice;
mod faults;
mod scalar;
mod texts;
mod walk;

use serde_json::Value;

pub(super) use self::faults::Faults;
use self::walk::Walk;
use crate::plan::Plan;

/// What is wrong with a text that is known to be JSON.
pub(super) fn json(plan: &Plan, text: &str) -> Faults {
    let mut faults = Faults::of_bytes(text.len());
    let mut reader = serde_json::Deserializer::from_str(text);
    // The only error there is says that there are faults enough.
    let _ = Walk::root(plan, &mut faults).read(&mut reader);
    faults
}

/// What is wrong with parameters by name, whose texts are taken for what the plan asks.
pub(super) fn named(plan: &Plan, pairs: &[(String, String)]) -> Faults {
    let pairs = pairs.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    value(plan, &texts::object(plan, pairs))
}

/// What is wrong with the parameters of a path, which a type without members takes in their order.
pub(super) fn ordered(plan: &Plan, pairs: &[(&str, &str)]) -> Faults {
    let made = texts::ordered(plan, pairs);
    let mut faults = value(plan, &made);
    if !made.is_object() {
        let names: Vec<_> = pairs.iter().map(|(name, _)| *name).collect();
        faults.name_places(&names);
    }
    faults
}

fn value(plan: &Plan, value: &Value) -> Faults {
    let mut faults = Faults::of_bytes(0);
    let _ = Walk::root(plan, &mut faults).read(value);
    faults
}

#[cfg(test)]
mod tests;
