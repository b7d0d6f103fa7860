use portcullis::Allow;

struct NotAPermission;

fn list(_: Allow<NotAPermission>) {}

fn main() {}
