//! One walk through a value.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::faults::{Enough, Faults};
use super::{choice, scalar};
use crate::plan::{Id, Kind, Kinds, Members, Node, Other, Plan};
use crate::validate::strict::Name;

/// Where the walk is, and what is asked there.
pub(super) struct Walk<'w> {
    pub(super) plan: &'w Plan,
    pub(super) ask: Ask<'w>,
    /// Whether the value is needed as a whole further up.
    pub(super) keep: bool,
    pub(super) faults: &'w mut Faults,
}

/// What is asked of a value.
#[derive(Clone, Copy)]
pub(super) enum Ask<'w> {
    Nothing,
    /// All that the node says.
    Of(&'w Node),
    /// What the node says itself, without those that it leads on to, and without rules.
    Own(&'w Node),
}

/// What is asked when the kind of a value is known.
enum Begun<'w> {
    /// Nothing.
    Free,
    /// What a node says by itself, and whether its rules are run.
    At(&'w Node, bool),
    /// What several nodes say.
    Whole(&'w Node),
}

impl<'w> Walk<'w> {
    pub(super) fn root(plan: &'w Plan, faults: &'w mut Faults) -> Self {
        Self {
            ask: plan.node(plan.root()).map_or(Ask::Nothing, Ask::Of),
            plan,
            keep: false,
            faults,
        }
    }

    pub(super) fn read<'de, D: Deserializer<'de>>(self, from: D) -> Result<Option<Value>, D::Error> {
        from.deserialize_any(self)
    }

    fn begin<E: Error>(&mut self, kind: Kind) -> Result<Begun<'w>, E> {
        self.faults.step().map_err(enough)?;
        let mut node = match self.ask {
            Ask::Nothing => return Ok(Begun::Free),
            Ask::Own(node) if node.own_kinds().has(kind) => return Ok(Begun::At(node, false)),
            Ask::Own(node) => return self.wrong_kind(node.own_kinds()),
            Ask::Of(node) => node,
        };
        if !node.kinds().has(kind) {
            return self.wrong_kind(node.kinds());
        }
        while let Some(group) = node.choice() {
            let mut fitting = choice::of_kind(self.plan, group, kind);
            match (fitting.next(), fitting.next()) {
                (Some(one), None) => node = one,
                _ => return Ok(Begun::Whole(node)),
            }
        }
        Ok(match node.leads_on() {
            true => Begun::Whole(node),
            false => Begun::At(node, true),
        })
    }

    fn wrong_kind<E: Error>(&mut self, expected: Kinds) -> Result<Begun<'w>, E> {
        let detail = format!("expected {expected}");
        self.faults.note("wrong_type", detail).map_err(enough)?;
        Ok(Begun::Free)
    }

    /// A walk of what is below.
    fn below(&mut self, id: Option<Id>, keep: bool) -> Walk<'_> {
        Walk {
            plan: self.plan,
            ask: id.and_then(|id| self.plan.node(id)).map_or(Ask::Nothing, Ask::Of),
            keep,
            faults: self.faults,
        }
    }

    /// Checks a value without levels; `value` makes it, where it is needed.
    fn scalar<E: Error>(
        mut self,
        kind: Kind,
        value: impl Fn() -> Value,
        check: impl FnOnce(&Node, &mut Faults) -> Result<(), Enough>,
    ) -> Result<Option<Value>, E> {
        let before = self.faults.count();
        match self.begin(kind)? {
            Begun::Free => {}
            Begun::At(node, rules) => {
                check(node, self.faults).map_err(enough)?;
                if rules && !node.rules.is_empty() {
                    self.run(node, &value(), before).map_err(enough)?;
                }
            }
            Begun::Whole(node) => self.whole(node, &value()).map_err(enough)?,
        }
        Ok(self.keep.then(value))
    }

    /// Checks a value that several nodes speak of.
    fn whole(&mut self, node: &Node, value: &Value) -> Result<(), Enough> {
        let before = self.faults.count();
        choice::check(self.plan, node, value, self.faults)?;
        self.run(node, value, before)
    }

    /// Runs the rules of a node on a value with which nothing was wrong so far.
    fn run(&mut self, node: &Node, value: &Value, before: usize) -> Result<(), Enough> {
        if self.faults.count() > before || value.is_null() {
            return Ok(());
        }
        node.rules
            .iter()
            .try_for_each(|rule| self.faults.note_all(rule.run(value)))
    }

    /// Ends a value with levels, of which the whole is there if it was needed.
    fn end<E: Error>(
        mut self,
        node: &Node,
        rules: bool,
        value: Option<Value>,
        before: usize,
    ) -> Result<Option<Value>, E> {
        if let Some(value) = &value {
            scalar::any(node, value, self.faults).map_err(enough)?;
            if rules {
                self.run(node, value, before).map_err(enough)?;
            }
        }
        Ok(value)
    }

    fn items<'de, A: SeqAccess<'de>>(
        mut self,
        mut seq: A,
        node: &Node,
        rules: bool,
    ) -> Result<Option<Value>, A::Error> {
        let before = self.faults.count();
        let needed = self.keep || node.unique || is_whole_asked(node, rules);
        let mut kept = Vec::new();
        let mut index = 0_usize;
        loop {
            if node.many.is_some_and(|many| index as u64 >= many) {
                // Whether there is one more is seen; what there is isn't looked at.
                if seq.next_element::<IgnoredAny>()?.is_some() {
                    scalar::too_many(node.many, "items", self.faults).map_err(enough)?;
                    while seq.next_element::<IgnoredAny>()?.is_some() {}
                }
                break;
            }
            self.faults.enter_item(index);
            let item = self.below(node.first.get(index).copied().or(node.items), needed);
            let Some(value) = seq.next_element_seed(item)? else {
                self.faults.leave();
                break;
            };
            self.faults.leave();
            kept.extend(value);
            index += 1;
        }
        scalar::too_few(node.fewest, index, "items", self.faults).map_err(enough)?;
        if node.unique {
            let mut seen = HashSet::new();
            if !kept.iter().all(|value| seen.insert(value.to_string())) {
                self.faults
                    .note("not_unique", "no item may be there twice")
                    .map_err(enough)?;
            }
        }
        let value = needed.then_some(Value::Array(kept));
        self.end(node, rules, value, before)
    }

    fn members<'de, A: MapAccess<'de>>(
        mut self,
        mut map: A,
        node: &Node,
        rules: bool,
    ) -> Result<Option<Value>, A::Error> {
        let before = self.faults.count();
        let needed = self.keep || is_whole_asked(node, rules);
        let members = &node.members;
        let mut missing: Vec<&str> = members.required.iter().map(String::as_str).collect();
        let mut kept = Map::new();
        let mut count = 0_usize;
        while let Some(Name(name)) = map.next_key()? {
            count += 1;
            missing.retain(|required| *required != name);
            let asked = match asked_of(members, &name) {
                Member::Is(asked) => asked,
                // What isn't read isn't looked at, but where the whole is needed.
                Member::Ignored if needed => None,
                Member::Ignored => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                Member::Refused => {
                    map.next_value::<IgnoredAny>()?;
                    self.faults
                        .note_member(&name, "unknown", "there is no such field")
                        .map_err(enough)?;
                    continue;
                }
            };
            self.faults.enter(&name);
            let value = map.next_value_seed(self.below(asked, needed))?;
            self.faults.leave();
            kept.extend(value.map(|value| (name.into_owned(), value)));
        }
        for name in missing {
            self.faults
                .note_member(name, "required", "this field is required")
                .map_err(enough)?;
        }
        scalar::too_few(members.fewest, count, "members", self.faults).map_err(enough)?;
        if members.many.is_some_and(|many| count as u64 > many) {
            scalar::too_many(members.many, "members", self.faults).map_err(enough)?;
        }
        let value = needed.then_some(Value::Object(kept));
        self.end(node, rules, value, before)
    }

    /// A list of which the items aren't asked for anything, or only with the others.
    fn any_items<'de, A: SeqAccess<'de>>(
        &mut self,
        mut seq: A,
        keep: bool,
    ) -> Result<Option<Value>, A::Error> {
        let mut kept = Vec::new();
        while let Some(value) = seq.next_element_seed(self.below(None, keep))? {
            kept.extend(value);
        }
        Ok(keep.then_some(Value::Array(kept)))
    }

    fn any_members<'de, A: MapAccess<'de>>(
        &mut self,
        mut map: A,
        keep: bool,
    ) -> Result<Option<Value>, A::Error> {
        let mut kept = Map::new();
        while let Some(Name(name)) = map.next_key()? {
            let value = map.next_value_seed(self.below(None, keep))?;
            kept.extend(value.map(|value| (name.into_owned(), value)));
        }
        Ok(keep.then_some(Value::Object(kept)))
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<Value>, D::Error> {
        self.read(from)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Value>, E> {
        self.scalar(
            Kind::Null,
            || Value::Null,
            |node, faults| scalar::any(node, &Value::Null, faults),
        )
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Option<Value>, E> {
        let made = || Value::Bool(value);
        self.scalar(Kind::Bool, made, |node, faults| {
            scalar::any(node, &made(), faults)
        })
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Option<Value>, E> {
        self.number(Kind::Whole, &value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Option<Value>, E> {
        self.number(Kind::Whole, &value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Option<Value>, E> {
        match Number::from_f64(value) {
            Some(value) => self.number(Kind::Fraction, &value),
            None => self.visit_unit(),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Option<Value>, E> {
        let made = || Value::from(value);
        self.scalar(Kind::Text, made, |node, faults| scalar::text(node, value, faults))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, seq: A) -> Result<Option<Value>, A::Error> {
        match self.begin(Kind::List)? {
            Begun::At(node, rules) => self.items(seq, node, rules),
            Begun::Free => {
                let keep = self.keep;
                self.any_items(seq, keep)
            }
            Begun::Whole(node) => {
                let value = self.any_items(seq, true)?.unwrap_or_default();
                self.whole(node, &value).map_err(enough)?;
                Ok(self.keep.then_some(value))
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, map: A) -> Result<Option<Value>, A::Error> {
        match self.begin(Kind::Object)? {
            Begun::At(node, rules) => self.members(map, node, rules),
            Begun::Free => {
                let keep = self.keep;
                self.any_members(map, keep)
            }
            Begun::Whole(node) => {
                let value = self.any_members(map, true)?.unwrap_or_default();
                self.whole(node, &value).map_err(enough)?;
                Ok(self.keep.then_some(value))
            }
        }
    }
}

impl Walk<'_> {
    fn number<E: Error>(self, kind: Kind, value: &Number) -> Result<Option<Value>, E> {
        let made = || Value::Number(value.clone());
        self.scalar(kind, made, |node, faults| scalar::number(node, value, faults))
    }
}

/// Whether a node asks something of a value with levels as a whole.
fn is_whole_asked(node: &Node, rules: bool) -> bool {
    node.values.is_some() || rules && !node.rules.is_empty()
}

/// What is asked of a member.
enum Member {
    Is(Option<Id>),
    Ignored,
    Refused,
}

fn asked_of(members: &Members, name: &str) -> Member {
    if let Some(id) = members.known.get(name) {
        return Member::Is(Some(*id));
    }
    if let Some((_, id)) = members.patterns.iter().find(|(pattern, _)| pattern.fits(name)) {
        return Member::Is(Some(*id));
    }
    match members.other {
        Other::Taken(id) => Member::Is(id),
        Other::Ignored => Member::Ignored,
        Other::Refused => Member::Refused,
    }
}

/// The error that ends a walk. Nobody reads it: what was found is in the faults.
pub(super) fn enough<E: Error>(_: Enough) -> E {
    E::custom("enough")
}
