//! What the pages show of this server: what is there, how far set-up is, and how it looks.

use portcullis_core::checks;

use super::invitation::accept;
use super::{INVITATION, PASSWORD, app, branded, get, set_up, setup_token};

#[tokio::test]
async fn the_first_page_links_what_is_there() {
    let app = app().await;
    let page = get(&app, "/").await.expect(200);
    let html = page.text();
    assert!(
        html.contains(&format!("Portcullis {}", env!("CARGO_PKG_VERSION"))),
        "{html}"
    );
    let links: Vec<&str> = html
        .split("<a href=\".")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    for path in [
        "/docs",
        "/redoc",
        "/scalar",
        "/openapi.json",
        "/health/ready",
        "/.well-known/jwks.json",
    ] {
        assert!(links.contains(&path), "{path} in {links:?}");
    }
    for path in &links {
        get(&app, path).await.expect(200);
    }
    assert!(
        html.contains("No administrator exists yet") && !html.contains("pcsetup_"),
        "{html}"
    );
    let token = setup_token(&app).await;
    set_up(&app, &token, "chief@example.com", PASSWORD, PASSWORD)
        .await
        .expect(303);
    let page = get(&app, "/").await.expect(200);
    assert!(!page.text().contains("No administrator exists yet"));
}

#[tokio::test]
async fn the_last_page_of_set_up_says_how_things_are() {
    let app = app().await;
    let page = get(&app, "/setup/done").await.expect(200);
    assert!(
        page.text().contains("No administrator exists yet"),
        "{}",
        page.text()
    );
    let token = setup_token(&app).await;
    assert!(
        get(&app, "/setup/done")
            .await
            .text()
            .contains("No administrator exists yet")
    );
    set_up(&app, &token, "chief@example.com", PASSWORD, PASSWORD)
        .await
        .expect(303);
    for _ in 0..2 {
        let html = get(&app, "/setup/done").await.expect(200).text().to_owned();
        assert!(
            html.contains("An administrator exists") && html.contains("If you have just made"),
            "{html}"
        );
    }
}

#[tokio::test]
async fn every_page_has_the_name_the_logo_and_the_colour_that_were_set() {
    checks!("T198");
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("logo");
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    std::fs::write(&file, svg).unwrap();
    let app = branded(&[
        ("brand.name", "Böhm & <b>Söhne</b>"),
        ("brand.mark", file.to_str().unwrap()),
        ("brand.colour", "#a3161c"),
    ])
    .await;
    for path in [
        "/",
        "/setup",
        "/setup/done",
        "/accept-invitation",
        "/verify-email",
        "/verify-email/again",
    ] {
        let page = get(&app, path).await;
        let html = page.text();
        assert_eq!(
            html.matches("Böhm &#38; &#60;b&#62;Söhne&#60;/b&#62;").count(),
            2,
            "{path}: {html}"
        );
        assert!(
            !html.contains("brand-name") && html.contains("/mark\" alt=\"\""),
            "{path}: {html}"
        );
    }
    let mark = get(&app, "/assets/mark").await.expect(200);
    assert_eq!((mark.header("content-type"), mark.text()), ("image/svg+xml", svg));
    let policy = mark.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'") && policy.ends_with("sandbox"),
        "{policy}"
    );
    assert!(!policy.contains("script"), "{policy}");
    let style = get(&app, "/assets/portcullis.css").await.expect(200);
    assert!(style.text().ends_with("}\n") && style.text().contains(":root { --act: #a3161c; }"));
    // What somebody types is no place for the name.
    let typed = accept(&app, INVITATION, "<brand-name></brand-name>", PASSWORD).await;
    assert!(typed.text().contains("&#60;brand-name&#62;"), "{}", typed.text());
}
