//! Policies that are functions of the program, through the real router: alone, and beside those of a folder.

use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::authz::function::InvalidFunction;
use portcullis_core::authz::resource::{FieldKind, ResourceField, Tenancy, Value};
use portcullis_core::authz::{ResourceFacts, ResourceKind, Verdict};
use portcullis_core::checks;
use portcullis_identity::resource::Actions as _;
use portcullis_identity::{
    ActionName as _, Allow, Api, Authenticated, Authorized, Builder, FreshLogin, NoContent, OpenError,
    PoliciesError, Policy, Portcullis, Problem, Resource, Visible, actions, resource_actions,
};
use portcullis_testkit::{Account, Answer, TestApp};
use serde_json::json;

use crate::fixtures::decision_of;

actions! {
    PrintPages = "pages:print";
    ShredPages = "pages:shred";
}

struct Page(String);

resource_actions! {
    Page:
    OpenPage = "pages:open": "Open a page": owner;
    ListPage = "pages:list": "List pages": owner;
}

impl Resource for Page {
    type State = ();
    const KIND: &'static ResourceKind = &ResourceKind {
        name: "Page",
        tenancy: Tenancy::Anywhere,
        fields: &[ResourceField {
            name: "title",
            kind: FieldKind::Text,
            optional: false,
        }],
        actions: Self::NAMES,
    };

    async fn load((): &(), id: &str) -> Result<Option<Self>, Problem> {
        Ok(Some(Self(id.to_owned())))
    }

    fn facts(&self) -> ResourceFacts {
        ResourceFacts::new(Self::KIND, &self.0).with("title", self.0.as_str())
    }
}

async fn print(_: Allow<Policy<PrintPages>>) -> NoContent {
    NoContent
}

async fn open(_: Allow<Authenticated>, _: Authorized<Page, OpenPage>) -> NoContent {
    NoContent
}

async fn list(_: Allow<Authenticated>, _: Visible<Page, ListPage>) -> NoContent {
    NoContent
}

fn api(portcullis: &Portcullis) -> Api {
    let api = portcullis.api().post("/print", print);
    api.get("/pages/{id}", open).get("/pages", list)
}

const PRINT: &str = PrintPages::NAME;
const OPEN: &str = <OpenPage as portcullis_core::authz::resource::ActionOn<Page>>::RULE.name();
const LIST: &str = <ListPage as portcullis_core::authz::resource::ActionOn<Page>>::RULE.name();

async fn app(settings: impl FnOnce(Builder) -> Builder) -> TestApp {
    TestApp::with(settings, api).await
}

async fn ask(app: &TestApp, who: &Account) -> Answer {
    app.post("/print").bearer(&who.access_token).send().await
}

/// What is on record of a refusal.
async fn why(app: &TestApp, answer: &Answer) -> String {
    decision_of(app, answer).await.unwrap().tree.unwrap().why
}

async fn begin(settings: impl FnOnce(Builder) -> Builder) -> Result<(), PoliciesError> {
    let builder = settings(Portcullis::builder().database("sqlite::memory:"));
    let portcullis = builder.open().await.unwrap();
    portcullis.declare_actions(&api(&portcullis)).await
}

// Shows: AZ-4
#[tokio::test]
async fn a_function_decides_without_a_folder_and_is_named() {
    let app = app(|builder| {
        builder
            .policy("fresh-logins-print", &[PRINT], |question| {
                match question.holds::<FreshLogin<60>>() {
                    true => Verdict::Permitted,
                    false => Verdict::Silent,
                }
            })
            .policy("nobody-from-there", &[PRINT], |question| {
                match question.context.user_agent {
                    Some("There/1") => Verdict::Forbidden,
                    _ => Verdict::Silent,
                }
            })
    })
    .await;
    let anna = app.user("anna@example.com").await;
    ask(&app, &anna).await.expect(204);
    let there = app
        .post("/print")
        .bearer(&anna.access_token)
        .header("user-agent", "There/1");
    let refused = there.send().await.refused(403, "forbidden_by_policy");
    assert_eq!(
        why(&app, &refused).await,
        "forbidden by nobody-from-there; permitted by fresh-logins-print"
    );
    app.clock.advance(std::time::Duration::from_secs(60));
    let refused = ask(&app, &anna).await.refused(403, "no_policy_permits");
    assert_eq!(why(&app, &refused).await, "no policy speaks of it");
}

#[tokio::test]
async fn functions_are_listed_as_code_with_and_without_a_folder() {
    let app = app(|builder| builder.policy("nobody", &[PRINT, OPEN], |_| Verdict::Silent)).await;
    let root = app.administrator("root@example.com").await;
    let path = "/admin/api/v1/policies";
    let listed = app
        .get(path)
        .bearer(&root.access_token)
        .send()
        .await
        .expect(200)
        .json();
    let function = json!({ "name": "nobody", "actions": [PRINT, OPEN], "source": "code" });
    assert_eq!(listed["functions"], json!([function]));
    assert_eq!((&listed["policies"], &listed["files"]), (&json!(0), &json!([])));
    assert_eq!(app.portcullis.policy_status().functions[0].name, "nobody");
}

// Shows: AZ-4
#[tokio::test]
async fn a_function_decides_about_what_a_resource_says() {
    let app = app(|builder| {
        builder.policy("public-pages", &[OPEN], |question| {
            let title = question.resource.and_then(|page| page.fields.get("title"));
            match title {
                Some(Value::Text(title)) if title.starts_with("public") => Verdict::Permitted,
                _ => Verdict::Silent,
            }
        })
    })
    .await;
    let anna = app.user("anna@example.com").await;
    let open = async |id: &str| {
        let request = app.get(&format!("/pages/{id}")).bearer(&anna.access_token);
        request.send().await.status()
    };
    assert_eq!([open("public-1").await, open("private-1").await], [204, 404]);
}

#[tokio::test]
async fn a_function_that_panics_refuses_and_nothing_else_stops() {
    checks!("T214");
    let app = app(|builder| {
        let lax = builder.policy("everybody", &[PRINT], |_| Verdict::Permitted);
        lax.policy("broken", &[PRINT], |_| panic!("a slip"))
    })
    .await;
    let anna = app.user("anna@example.com").await;
    let refused = ask(&app, &anna).await.refused(403, "forbidden_by_policy");
    let why = why(&app, &refused).await;
    assert_eq!(
        why,
        "forbidden by broken; permitted by everybody; failed: broken: panicked"
    );
    app.get("/auth/me")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn a_function_for_what_is_listed_or_never_asked_starts_nothing() {
    checks!("T215");
    for (action, wanted) in [
        (
            LIST,
            InvalidFunction::Listed {
                function: "slip".into(),
                action: LIST.into(),
                kind: "Page".into(),
            },
        ),
        (
            ShredPages::NAME,
            InvalidFunction::Unasked {
                function: "slip".into(),
                action: ShredPages::NAME.into(),
            },
        ),
    ] {
        let refused = begin(|builder| builder.policy("slip", &[action], |_| Verdict::Forbidden)).await;
        assert_eq!(refused, Err(PoliciesError::Function(wanted)));
    }
    assert_eq!(
        begin(|builder| builder.policy("good", &[PRINT, OPEN], |_| Verdict::Silent)).await,
        Ok(())
    );
}

#[tokio::test]
async fn functions_of_one_name_open_nothing() {
    let builder = Portcullis::builder().database("sqlite::memory:");
    let builder = builder.policy("one", &[PRINT], |_| Verdict::Silent);
    let refused = builder.policy("one", &[OPEN], |_| Verdict::Silent).open().await;
    let Err(OpenError::Policies(PoliciesError::Function(error))) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(error, InvalidFunction::Twice("one".into()));
}

/// The dry run asks the same functions as the route.
#[tokio::test]
async fn what_an_account_could_do_is_asked_of_functions_too() {
    static ALLOWED: AtomicUsize = AtomicUsize::new(0);
    let app = app(|builder| {
        builder.policy("switch", &[PRINT], |_| match ALLOWED.load(Ordering::Relaxed) {
            0 => Verdict::Forbidden,
            _ => Verdict::Permitted,
        })
    })
    .await;
    let admin = app.administrator("root@example.com").await;
    let anna = app.user("anna@example.com").await;
    let path = format!("/admin/api/v1/accounts/{}/access?path=/print", anna.id);
    for (allowed, code, why) in [
        (false, "forbidden_by_policy", "forbidden by switch"),
        (true, "holds", "permitted by switch"),
    ] {
        ALLOWED.store(usize::from(allowed), Ordering::Relaxed);
        let answer = app
            .get(&path)
            .bearer(&admin.access_token)
            .send()
            .await
            .expect(200)
            .json();
        let route = &answer["items"][0];
        assert_eq!(
            (&route["allowed"], &route["code"]),
            (&allowed.into(), &code.into()),
            "{answer}"
        );
        assert_eq!(route["why"], why, "{answer}");
    }
}

#[cfg(feature = "policies")]
mod beside_a_folder {
    use std::fs;

    use super::*;

    const NAMES: &str = "@id(\"in-the-file\")";

    fn folder(effect: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let policy = format!("{NAMES}\n{effect}(principal, action == Action::\"pages:print\", resource);");
        fs::write(folder.path().join("a.cedar"), policy).unwrap();
        folder
    }

    async fn together(effect: &str, function: Verdict) -> (TestApp, Account, tempfile::TempDir) {
        let folder = folder(effect);
        let path = folder.path().to_owned();
        let settings = |builder: Builder| {
            builder
                .policies(path)
                .policy("in-the-code", &[PRINT], move |_| function)
        };
        let app = app(settings).await;
        let anna = app.user("anna@example.com").await;
        (app, anna, folder)
    }

    // Shows: AZ-4
    #[tokio::test]
    async fn one_that_forbids_outweighs_one_that_permits_in_both_directions() {
        checks!("T214");
        for (effect, function, status, reason) in [
            (
                "permit",
                Verdict::Forbidden,
                403,
                "forbidden by in-the-code; permitted by in-the-file",
            ),
            (
                "forbid",
                Verdict::Permitted,
                403,
                "forbidden by in-the-file; permitted by in-the-code",
            ),
            ("permit", Verdict::Silent, 204, ""),
            ("permit", Verdict::Permitted, 204, ""),
        ] {
            let (app, anna, _folder) = together(effect, function).await;
            let answer = ask(&app, &anna).await;
            assert_eq!(answer.status(), status, "{effect} {function:?}");
            if status == 403 {
                assert_eq!(
                    why(&app, &answer.refused(403, "forbidden_by_policy")).await,
                    reason
                );
            }
        }
    }

    #[tokio::test]
    async fn a_policy_of_a_file_never_takes_a_functions_name() {
        let same = folder("permit");
        let path = same.path().to_owned();
        let settings = |builder: Builder| {
            builder
                .policies(path)
                .policy("in-the-file", &[PRINT], |_| Verdict::Silent)
        };
        let twice = PoliciesError::Function(InvalidFunction::Twice("in-the-file".into()));
        assert_eq!(begin(settings).await, Err(twice.clone()));

        // Nor later: the last good policies stay.
        let (app, anna, folder) = together("permit", Verdict::Silent).await;
        let policy = "@id(\"in-the-code\")\nforbid(principal, action, resource);";
        fs::write(folder.path().join("a.cedar"), policy).unwrap();
        let twice = PoliciesError::Function(InvalidFunction::Twice("in-the-code".into()));
        assert_eq!(app.portcullis.reload_policies().await, Err(twice));
        ask(&app, &anna).await.expect(204);
    }
}
