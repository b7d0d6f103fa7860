//! The program.

use portcullis_identity::Portcullis;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Portcullis::builder().database("sqlite:notes.db");
    let builder = stranger::rules::settings(stranger::notes::settings(builder));
    let portcullis = stranger::own::settings(builder).open().await?;
    let api = stranger::notes::api(&portcullis, Default::default());
    let api = api.merge(stranger::own::api(&portcullis)).merge(stranger::rules::api(&portcullis));
    let api = stranger::layers::around(api.merge(stranger::page::pages()));
    portcullis.serve(api, "127.0.0.1:8080").await?;
    Ok(())
}
