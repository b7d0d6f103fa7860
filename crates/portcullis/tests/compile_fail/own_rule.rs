//! A type can't claim a rule that it doesn't enforce.
use portcullis::enforcer::Caller;
use portcullis::core::authz::{Kinds, Rule};
use portcullis::Access;

struct Mine;

impl Access for Mine {
    const RULE: Rule = Rule::Authenticated;
    const KINDS: Kinds = Kinds::ALL;
    const CALLER: Caller = Caller::Required;
}

fn main() {}

//~ error[E0277]: the trait bound `Mine: portcullis::route::guarded::sealed::Sealed` is not satisfied
//~ own_rule.rs:8:17
//~ help: the trait `portcullis::route::guarded::sealed::Sealed` is not implemented for `Mine`
