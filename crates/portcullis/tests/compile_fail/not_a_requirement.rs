use portcullis::Allow;

struct NotAPermission;

fn list(_: Allow<NotAPermission>) {}

fn main() {}

//~ error[E0277]: `NotAPermission` is not an access requirement
//~ not_a_requirement.rs:5:12
//~ use a permission made by `permissions!`, `Role<…>`, `FreshLogin<SECONDS>`, `Authenticated`, a tuple of requirements (all of them) or `Any<(…)>` (one of them)
