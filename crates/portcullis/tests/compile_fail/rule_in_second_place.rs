use portcullis::{Allow, Api, Authenticated, Path};

async fn late(Path(id): Path<u32>, _: Allow<Authenticated>) -> String {
    id.to_string()
}

fn main() {
    let _: Api = Api::new("Blog", "1").get("/{id}", late);
}
