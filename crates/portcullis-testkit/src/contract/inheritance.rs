//! Who has what by inheritance: after whatever changes of the graph, exactly what the graph says.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_core::account;
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::roles::{PermissionRecord, RolesError};

use super::Stores;
use super::fixtures::{START, by, registered, together};

/// How many roles the cases play with; a few, so that most ways between them are tried, several to the same among them.
const ROLES: usize = 7;

fn role(n: usize) -> String {
    format!("role{n}")
}

fn permission(n: usize) -> String {
    format!("of:role{n}")
}

/// Makes the role with its permission, and gives it to its holder.
async fn make<S: Stores>(db: &S, n: usize, holder: account::Id) {
    for change in [
        db.create_role(role(n), String::new(), by(START)).await,
        db.allow(role(n), permission(n), by(START)).await,
        db.assign(holder, role(n), by(START)).await,
    ] {
        assert_eq!(change.unwrap(), Ok(Effect::Changed));
    }
}

/// All roles, each with its permission and the one account that has it.
async fn with_roles<S: Stores>(db: &S) -> Vec<account::Id> {
    let permissions = (0..ROLES).map(|n| PermissionRecord {
        name: permission(n),
        description: String::new(),
        action: false,
    });
    db.declare(permissions.collect(), START).await.unwrap();
    let mut holders = Vec::new();
    for n in 0..ROLES {
        let holder = registered(db, &format!("holder{n}")).await.id;
        make(db, n, holder).await;
        holders.push(holder);
    }
    holders
}

/// Who inherits from whom directly, as a model of what the store should say.
#[derive(Default)]
struct Graph(BTreeMap<usize, BTreeSet<usize>>);

impl Graph {
    /// What the store says itself about who inherits from whom directly.
    async fn of<S: Stores>(db: &S) -> Self {
        let number = |name: &String| name.strip_prefix("role").and_then(|n| n.parse().ok());
        let mut graph = Self::default();
        for record in db.roles().await.unwrap() {
            if let Some(n) = number(&record.name) {
                graph
                    .0
                    .insert(n, record.inherits.iter().filter_map(number).collect());
            }
        }
        graph
    }

    /// The role and all that it inherits.
    fn reached(&self, from: usize) -> BTreeSet<usize> {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(n) = next.pop() {
            if reached.insert(n) {
                next.extend(self.0.get(&n).into_iter().flatten());
            }
        }
        reached
    }

    /// The roles and permissions of each holder are those that the graph leads to.
    async fn assert_held<S: Stores>(&self, db: &S, holders: &[account::Id]) {
        for (n, holder) in holders.iter().enumerate() {
            let facts = db.facts(*holder).await.unwrap().unwrap();
            let reached = self.reached(n);
            let names = |name: fn(usize) -> String| reached.iter().copied().map(name).collect::<Vec<_>>();
            assert_eq!(facts.roles, names(role), "of role{n} in {:?}", self.0);
            assert_eq!(facts.permissions, names(permission), "of role{n} in {:?}", self.0);
        }
    }
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }
}

/// Through long sequences of changes everybody holds what the graph leads to, over however many ways, and only what would
/// close a ring is refused.
pub async fn what_is_held_follows_every_change_of_the_graph<S: Stores>(db: S) {
    checks!("T025");
    let holders = with_roles(&db).await;
    let mut graph = Graph::default();
    for seed in [1, 0x5eed, 0x1234_5678_9abc] {
        let mut dice = Dice(seed);
        for _ in 0..50 {
            let (one, other) = (dice.below(ROLES), dice.below(ROLES));
            match dice.below(9) {
                0 => {
                    let deleted = db.delete_role(role(one), by(START)).await.unwrap();
                    assert_eq!(deleted, Ok(Effect::Changed));
                    graph.0.remove(&one);
                    for parents in graph.0.values_mut() {
                        parents.remove(&one);
                    }
                    make(&db, one, holders[one]).await;
                }
                1..=2 => {
                    let had = graph.0.entry(one).or_default().remove(&other);
                    let gone = db.disinherit(role(one), role(other), by(START)).await;
                    let expected = if had { Effect::Changed } else { Effect::Unchanged };
                    assert_eq!(gone.unwrap(), Ok(expected));
                }
                _ => {
                    let put = db.inherit(role(one), role(other), by(START)).await.unwrap();
                    if graph.reached(other).contains(&one) {
                        assert_eq!(put, Err(RolesError::Cycle));
                        continue;
                    }
                    let new = graph.0.entry(one).or_default().insert(other);
                    let expected = if new { Effect::Changed } else { Effect::Unchanged };
                    assert_eq!(put, Ok(expected));
                }
            }
            graph.assert_held(&db, &holders).await;
        }
    }
}

/// A crowd that puts and takes parents at once leaves everybody with what the graph of the end leads to.
pub async fn changes_of_the_graph_in_parallel_leave_what_it_says<S: Stores>(db: S) {
    checks!("T025");
    let holders = with_roles(&db).await;
    let answers = together(|n| {
        let mut dice = Dice(n + 1);
        let db = db.clone();
        async move {
            for _ in 0..3 {
                let (one, other) = (role(dice.below(ROLES)), role(dice.below(ROLES)));
                let changed = match dice.below(3) {
                    0 => db.disinherit(one, other, by(START)).await,
                    _ => db.inherit(one, other, by(START)).await,
                };
                match changed.unwrap() {
                    Ok(_) | Err(RolesError::Cycle) => {}
                    refused => panic!("{refused:?}"),
                }
            }
        }
    })
    .await;
    drop(answers);
    Graph::of(&db).await.assert_held(&db, &holders).await;
}
