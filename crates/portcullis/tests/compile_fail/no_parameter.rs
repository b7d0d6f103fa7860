use portcullis::Api;

async fn open() -> &'static str {
    "oops"
}

fn main() {
    let _: Api = Api::new("Blog", "1").get("/", open);
}
