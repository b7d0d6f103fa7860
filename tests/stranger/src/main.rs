//! The program.

use portcullis_identity::Portcullis;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let portcullis = Portcullis::open("sqlite:notes.db").await?;
    let api = stranger::notes::api(&portcullis, Default::default());
    let api = stranger::layers::around(api.merge(stranger::page::pages()));
    portcullis.serve(api, "127.0.0.1:8080").await?;
    Ok(())
}
