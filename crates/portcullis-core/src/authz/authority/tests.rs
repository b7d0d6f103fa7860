use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::authz::{Permission as _, RolesWrite};
use crate::checks;

const NEEDED: PermissionRef = RolesWrite::PERMISSION;

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The operator.
const OPERATOR: Authority<Everywhere> = Authority::OPERATOR;

fn account(roles: &[&str], permissions: &[&str], scopes: Option<&[&str]>) -> Authority<Everywhere> {
    let list = |names: &[&str]| set(names).into_iter().collect::<Vec<_>>();
    Authority::of_account(role(roles, permissions)).narrowed(&Scopes::from_list(scopes.map(list)))
}

fn role(roles: &[&str], permissions: &[&str]) -> Brings {
    Brings {
        roles: set(roles),
        permissions: set(permissions),
    }
}

#[test]
fn nobody_gives_a_role_that_they_do_not_have() {
    checks!("T089");
    let all = ["portcullis:roles:write", "portcullis:audit:read", "posts:read"];
    let root = account(&[ADMINISTRATOR], &all, None);
    let lead = account(
        &["lead", "reader"],
        &["portcullis:roles:write", "posts:read"],
        None,
    );
    let key = account(&[ADMINISTRATOR], &all, Some(&["portcullis:roles:write"]));
    let wide = account(&[ADMINISTRATOR, "reader"], &all, Some(&all));
    let stale = account(&["lead", "reader"], &["posts:read"], None);
    let reader = role(&["reader"], &["posts:read"]);
    for (who, what, missing) in [
        (&OPERATOR, role(&[ADMINISTRATOR], &all), &[][..]),
        (&root, role(&[ADMINISTRATOR], &all), &[]),
        (&root, role(&["boss"], &[]), &[]),
        (&lead, reader.clone(), &[]),
        (&lead, role(&["auditor"], &["posts:read"]), &["auditor"]),
        (&lead, role(&["boss"], &[]), &["boss"]),
        (
            &lead,
            role(&["lead", "auditor"], &["portcullis:audit:read"]),
            &["portcullis:audit:read", "auditor"],
        ),
        (
            &key,
            role(&[ADMINISTRATOR], &all),
            &["portcullis:audit:read", "posts:read", ADMINISTRATOR],
        ),
        (&wide, role(&[ADMINISTRATOR], &all), &[ADMINISTRATOR]),
        (&wide, reader.clone(), &["reader"]),
        (&stale, reader.clone(), &["portcullis:roles:write"]),
        (&Authority::NOBODY, role(&[], &[]), &["portcullis:roles:write"]),
    ] {
        assert_eq!(
            who.missing_to_give(NEEDED, &what),
            missing,
            "{who:?} gives {what:?}"
        );
    }
}

#[test]
fn nobody_takes_what_is_above_them() {
    checks!("T090");
    checks!("T178");
    let all = ["portcullis:roles:write", "posts:read"];
    let root = account(&[ADMINISTRATOR], &all, None);
    // Scopes name permissions, never roles.
    let named = account(&["lead"], &all, Some(&all));
    let lead = account(&["lead"], &["portcullis:roles:write", "posts:read"], None);
    let wide = account(&[ADMINISTRATOR], &all, Some(&all));
    for (who, what, missing) in [
        (&lead, role(&["reader"], &["posts:read"]), &[][..]),
        (&lead, role(&["boss"], &[]), &["boss"]),
        (&lead, role(&["lead"], &[]), &[]),
        (&lead, role(&["boss", "lead"], &[]), &["boss"]),
        (&named, role(&["lead"], &[]), &["lead"]),
        (&root, role(&["boss"], &[]), &[]),
        (&OPERATOR, role(&["boss"], &[]), &[]),
        (&lead, role(&["pay"], &["invoices:pay"]), &["invoices:pay"]),
        (&wide, role(&[ADMINISTRATOR], &all), &[ADMINISTRATOR]),
        (&OPERATOR, role(&[ADMINISTRATOR], &all), &[]),
        (
            &Authority::NOBODY,
            role(&["boss"], &[]),
            &["portcullis:roles:write", "boss"],
        ),
    ] {
        assert_eq!(
            who.missing_to_take(NEEDED, &what),
            missing,
            "{who:?} takes {what:?}"
        );
    }
    let theirs = set(&["invoices:pay", "portcullis:audit:read", "portcullis:roles:write"]);
    assert_eq!(lead.missing_over(NEEDED, &theirs), ["portcullis:audit:read"]);
    assert!(OPERATOR.missing_over(NEEDED, &theirs).is_empty());
    assert_eq!(lead.missing_over(NEEDED, &set(&["invoices:pay"])), [""; 0]);
}

/// Roles and who has them, as a store keeps them.
#[derive(Debug, Clone, Default)]
struct World {
    permissions: BTreeMap<String, BTreeSet<String>>,
    parents: BTreeMap<String, BTreeSet<String>>,
    /// The giver's, then the accomplice's.
    assigned: [BTreeSet<String>; 2],
}

impl World {
    fn brings(&self, roles: &BTreeSet<String>) -> Brings {
        let (mut all, mut waiting) = (BTreeSet::new(), roles.iter().cloned().collect::<Vec<_>>());
        while let Some(role) = waiting.pop() {
            if all.insert(role.clone()) {
                waiting.extend(self.parents.get(&role).into_iter().flatten().cloned());
            }
        }
        let permissions = all.iter().filter_map(|role| self.permissions.get(role));
        Brings {
            permissions: permissions.flatten().cloned().collect(),
            roles: all,
        }
    }

    fn account(&self, who: usize) -> Brings {
        self.brings(&self.assigned[who])
    }
}

/// What somebody with roles:write may try.
#[derive(Debug, Clone)]
enum Step {
    Assign(usize, String),
    Allow(String, String),
    Inherit(String, String),
}

fn role_name() -> impl Strategy<Value = String> {
    proptest::sample::select(&["a", "b", "c", "d", ADMINISTRATOR][..]).prop_map(str::to_owned)
}

fn permission_name() -> impl Strategy<Value = String> {
    proptest::sample::select(&["x:1", "x:2", "x:3", "portcullis:roles:write"][..]).prop_map(str::to_owned)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..2, role_name()).prop_map(|(who, role)| Step::Assign(who, role)),
        (role_name(), permission_name()).prop_map(|(role, permission)| Step::Allow(role, permission)),
        (role_name(), role_name()).prop_map(|(role, parent)| Step::Inherit(role, parent)),
    ]
}

fn any_world() -> impl Strategy<Value = World> {
    let names = || proptest::collection::btree_set(role_name(), 0..3);
    let permissions = proptest::collection::btree_set(permission_name(), 0..3);
    let permissions = proptest::collection::btree_map(role_name(), permissions, 0..5);
    let parents = proptest::collection::btree_map(role_name(), names(), 0..3);
    (permissions, parents, [names(), names()]).prop_map(|(mut permissions, parents, assigned)| {
        let everything = ["x:1", "x:2", "x:3", "portcullis:roles:write"];
        permissions.insert(ADMINISTRATOR.to_owned(), set(&everything));
        World {
            permissions,
            parents,
            assigned,
        }
    })
}

proptest! {
    /// Whatever somebody who is no administrator, or whose credential is narrowed, gives, allows and lets inherit, in
    /// whatever order: neither they nor an accomplice, who does the same with what they got, may do more in the end than
    /// the two of them in the beginning. A narrowed credential adds at most the permissions it names.
    #[test]
    fn no_sequence_of_gifts_escalates(
        world in any_world(),
        scopes in proptest::option::of(proptest::collection::vec(permission_name(), 0..3)),
        steps in proptest::collection::vec((any::<bool>(), step()), 0..40),
    ) {
        let scopes = Scopes::from_list(scopes);
        let begin = [world.account(0), world.account(1)];
        prop_assume!(begin.iter().all(|who| !who.roles.contains(ADMINISTRATOR)) || scopes != Scopes::Everything);
        prop_assume!(!begin[1].roles.contains(ADMINISTRATOR));
        let mut now = world;
        for (accomplice, step) in steps {
            // The accomplice comes with whatever credential is best.
            let (who, narrowed) = if accomplice { (1, &Scopes::Everything) } else { (0, &scopes) };
            let own = now.account(who);
            let authority = Authority::<Everywhere>::of_account(own).narrowed(narrowed);
            match step {
                Step::Assign(whom, role) => {
                    let brings = now.brings(&set(&[&role]));
                    if authority.missing_to_give(NEEDED, &brings).is_empty() {
                        now.assigned[whom].insert(role);
                    }
                }
                Step::Allow(role, permission) => {
                    if authority.missing(NEEDED, [&permission]).is_empty() {
                        now.permissions.entry(role).or_default().insert(permission);
                    }
                }
                Step::Inherit(role, parent) => {
                    let brings = now.brings(&set(&[&parent]));
                    if authority.missing_to_give(NEEDED, &brings).is_empty() {
                        now.parents.entry(role).or_default().insert(parent);
                    }
                }
            }
        }
        let within = |name: &String| scopes.include(name);
        let given = begin[0].permissions.iter().filter(|name| within(name)).cloned();
        let most: BTreeSet<String> = given.chain(begin[1].permissions.iter().cloned()).collect();
        let gained = now.account(1);
        prop_assert!(gained.permissions.is_subset(&most), "{gained:?} above {most:?}");
        let roles: BTreeSet<String> = match scopes {
            Scopes::Everything => begin[0].roles.union(&begin[1].roles).cloned().collect(),
            Scopes::Only(_) => begin[1].roles.clone(),
        };
        prop_assert!(gained.roles.is_subset(&roles), "{gained:?} above {roles:?}");
    }
}
