use portcullis::{Allow, Api};

struct NotAPermission;

async fn list(_: Allow<NotAPermission>) {}

fn main() {
    let _: Api = Api::new("Blog", "1").get("/", list);
}
