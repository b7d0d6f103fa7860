use portcullis::{Api, Path};

async fn open(Path(id): Path<u32>) -> String {
    id.to_string()
}

fn main() {
    let _: Api = Api::new("Blog", "1").get("/{id}", open);
}
