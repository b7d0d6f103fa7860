//! Rules that are functions: declared beside the schema, and run with it.
//!
//! A schema is JSON, which holds no function. While a plan is made, a declaration leaves its function in a list of the thread
//! and its number in the schema; at any other time it leaves nothing, so the document never shows one.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use schemars::Schema;
use schemars::transform::Transform;
use serde_json::Value;

/// What a rule says is wrong: where, from the value on; a code; and what to do.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) field: String,
    pub(crate) code: Cow<'static, str>,
    pub(crate) detail: Cow<'static, str>,
}

/// A function over a value that the rest of the schema accepts.
#[derive(Clone)]
pub(crate) struct Rule(Arc<Function>);

type Function = dyn Fn(&Value) -> Vec<Complaint> + Send + Sync;

impl Rule {
    /// Runs it.
    pub(crate) fn run(&self, value: &Value) -> Vec<Complaint> {
        (self.0)(value)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule")
    }
}

/// What is said of a value is checked by this library's own services, which answer with codes of their own.
#[doc(hidden)]
pub fn by_hand(schema: &mut Schema) {
    if GATHERED.with_borrow(Option::is_some) {
        schema.insert(BY_HAND.to_owned(), true.into());
    }
}

/// A transform that leaves its rule where a plan is being made.
pub(crate) struct Declaration(Rule);

impl Declaration {
    pub(crate) fn of(function: impl Fn(&Value) -> Vec<Complaint> + Send + Sync + 'static) -> Self {
        Self(Rule(Arc::new(function)))
    }
}

impl Transform for Declaration {
    fn transform(&mut self, schema: &mut Schema) {
        GATHERED.with_borrow_mut(|gathered| {
            let Some(rules) = gathered else {
                return;
            };
            let number = rules.len();
            rules.push(self.0.clone());
            let mut numbers = match schema.remove(RULES) {
                Some(Value::Array(numbers)) => numbers,
                _ => Vec::new(),
            };
            numbers.push(number.into());
            schema.insert(RULES.to_owned(), numbers.into());
        });
    }
}

/// What `generate` gives, with the rules that were declared in it.
pub(super) fn gathered<T>(generate: impl FnOnce() -> T) -> (T, Vec<Rule>) {
    let before = GATHERED.replace(Some(Vec::new()));
    let made = generate();
    let rules = GATHERED.replace(before);
    (made, rules.unwrap_or_default())
}

thread_local! {
    static GATHERED: RefCell<Option<Vec<Rule>>> = const { RefCell::new(None) };
}

/// Where the numbers of rules stand in a schema that a plan is made of.
pub(super) const RULES: &str = "x-portcullis-rules";

/// Where it stands that somebody else checks.
pub(super) const BY_HAND: &str = "x-portcullis-by-hand";
