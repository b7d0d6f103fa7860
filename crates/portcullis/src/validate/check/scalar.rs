//! What is asked of one value without levels, and of how many there are.

use std::cmp::Ordering;
use std::fmt::Write as _;

use portcullis_core::defends;
use serde_json::{Number, Value};

use super::faults::{Enough, Faults};
use crate::plan::{Bound, Node};

/// Checks what is asked of any value.
pub(super) fn any(node: &Node, value: &Value, faults: &mut Faults) -> Result<(), Enough> {
    match &node.values {
        Some(values) if !values.contains(value) => unknown_value(values, faults),
        _ => Ok(()),
    }
}

/// Checks a text: its length first, so that nothing longer than what is welcome is looked at further.
pub(super) fn text(node: &Node, text: &str, faults: &mut Faults) -> Result<(), Enough> {
    defends!("T204");
    if let Some(values) = &node.values
        && !values.iter().any(|value| value.as_str() == Some(text))
    {
        return unknown_value(values, faults);
    }
    if node.least.is_some() || node.most.is_some() {
        let length = text.chars().count() as u64;
        if let Some(least) = node.least.filter(|least| length < *least) {
            let detail = match least {
                1 => "must not be empty".to_owned(),
                least => format!("must have at least {least} characters"),
            };
            return faults.note("too_short", detail);
        }
        if let Some(most) = node.most.filter(|most| length > *most) {
            return faults.note(
                "too_long",
                format!("must have at most {}", counted(most, "characters")),
            );
        }
    }
    if let Some(pattern) = node.pattern.as_ref().filter(|pattern| !pattern.fits(text)) {
        faults.note("pattern", format!("must match the pattern {pattern}"))?;
    }
    match node.format {
        Some(format) if !format.fits(text) => {
            let (code, detail) = format.complaint();
            faults.note(code, detail)
        }
        _ => Ok(()),
    }
}

/// Checks a number.
pub(super) fn number(node: &Node, number: &Number, faults: &mut Faults) -> Result<(), Enough> {
    if let Some(values) = &node.values
        && !values.iter().any(|value| is_same(value, number))
    {
        return unknown_value(values, faults);
    }
    let asked = &node.number;
    if let (Some((least, most)), Some(whole)) = (asked.natural, number.as_i128())
        && !(least..=most).contains(&whole)
    {
        let detail = format!("expected a whole number from {least} to {most}");
        return faults.note("wrong_type", detail);
    }
    let outside = |bound: &Option<Bound>, beyond: Ordering| {
        let compared = bound
            .as_ref()
            .map(|bound| (compare(number, &bound.value), bound.exclusive));
        compared.is_some_and(|(order, exclusive)| order == beyond || exclusive && order == Ordering::Equal)
    };
    if outside(&asked.least, Ordering::Less) || outside(&asked.most, Ordering::Greater) {
        return faults.note("out_of_range", range(asked.least.as_ref(), asked.most.as_ref()));
    }
    match asked.multiple {
        Some(step) if !is_multiple(number, step) => {
            faults.note("not_a_multiple", format!("must be a multiple of {step}"))
        }
        _ => Ok(()),
    }
}

/// Notes that there are more than `most`.
pub(super) fn too_many(most: Option<u64>, what: &str, faults: &mut Faults) -> Result<(), Enough> {
    let most = most.unwrap_or_default();
    faults.note("too_many", format!("must have at most {}", counted(most, what)))
}

/// Notes that there are fewer than `least`, if there are.
pub(super) fn too_few(
    least: Option<u64>,
    count: usize,
    what: &str,
    faults: &mut Faults,
) -> Result<(), Enough> {
    match least {
        Some(least) if least > count as u64 => {
            faults.note("too_few", format!("must have at least {}", counted(least, what)))
        }
        _ => Ok(()),
    }
}

/// The values that may be there.
pub(super) fn unknown_value(values: &[Value], faults: &mut Faults) -> Result<(), Enough> {
    let mut detail = "expected ".to_owned();
    for (index, value) in values.iter().take(MOST_VALUES).enumerate() {
        if index > 0 {
            detail.push_str(if index + 1 == values.len() { " or " } else { ", " });
        }
        // Writing to a string can't fail.
        let _ = match value {
            Value::String(text) => write!(detail, "`{text}`"),
            value => write!(detail, "{value}"),
        };
    }
    if values.len() > MOST_VALUES {
        detail.push_str(" or another of those in the documentation");
    }
    faults.note("unknown_value", detail)
}

fn counted(count: u64, what: &str) -> String {
    let what = if count == 1 {
        what.trim_end_matches('s')
    } else {
        what
    };
    format!("{count} {what}")
}

fn range(least: Option<&Bound>, most: Option<&Bound>) -> String {
    let from = |bound: &Bound| {
        let words = if bound.exclusive { "more than" } else { "at least" };
        format!("{words} {}", bound.value)
    };
    let to = |bound: &Bound| {
        let words = if bound.exclusive { "less than" } else { "at most" };
        format!("{words} {}", bound.value)
    };
    match (least, most) {
        (Some(least), Some(most)) if !least.exclusive && !most.exclusive => {
            format!("must be from {} to {}", least.value, most.value)
        }
        (Some(least), Some(most)) => format!("must be {} and {}", from(least), to(most)),
        (Some(least), None) => format!("must be {}", from(least)),
        (None, Some(most)) => format!("must be {}", to(most)),
        (None, None) => "is outside of its range".to_owned(),
    }
}

/// Whole numbers are compared as such: as fractions, large ones would be rounded.
fn compare(one: &Number, other: &Number) -> Ordering {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => {
            let fractions = one.as_f64().zip(other.as_f64());
            let order = fractions.and_then(|(one, other)| one.partial_cmp(&other));
            order.unwrap_or(Ordering::Equal)
        }
    }
}

fn is_same(value: &Value, number: &Number) -> bool {
    matches!(value, Value::Number(value) if compare(value, number) == Ordering::Equal)
}

fn is_multiple(number: &Number, step: f64) -> bool {
    let times = number.as_f64().unwrap_or_default() / step;
    (times - times.round()).abs() <= f64::EPSILON * times.abs().max(1.0) * 4.0
}

/// As many values as fit into a sentence.
const MOST_VALUES: usize = 20;
