//! What a type's schema asks of what callers send: each constraint is declared once, and is in the document and in the check.

use std::collections::BTreeMap;

use http::Method;
use portcullis::core::checks;
use portcullis::validate::{rule, text_rule};
use portcullis::{Api, ApiError, FieldErrors, Form, Json, NoContent, Path, Public, Query};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Bench, Client};

/// Every constraint of one value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "only read")]
struct Flat {
    #[schemars(length(min = 2, max = 5))]
    full_name: Option<String>,
    #[schemars(regex(pattern = "^[A-Z]{2}[0-9]{2}$"))]
    code: Option<String>,
    #[schemars(range(min = 1, max = 6))]
    beds: Option<u8>,
    #[schemars(range(max = -1))]
    below: Option<i64>,
    #[schemars(range(min = 0.5, max = 2.5))]
    ratio: Option<f64>,
    #[schemars(extend("multipleOf" = 5))]
    minutes: Option<u32>,
    #[schemars(extend("exclusiveMinimum" = 0))]
    price: Option<f64>,
    #[schemars(email)]
    mail: Option<String>,
    #[schemars(url)]
    home: Option<String>,
    #[schemars(ipv4)]
    address: Option<String>,
    id: Option<Uuid>,
    kind: Option<Kind>,
    agreed: Option<bool>,
    #[schemars(transform = text_rule("odd_length", even))]
    letters: Option<String>,
    #[schemars(transform = rule(no_thirteen))]
    room: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Single,
    Double,
}

fn even(text: &str) -> Result<(), &'static str> {
    match text.len() % 2 {
        0 => Ok(()),
        _ => Err("must have an even number of letters"),
    }
}

fn no_thirteen(room: &u32, errors: &mut FieldErrors) {
    if *room == 13 {
        errors.push("", "no_such_room", "there is no such room");
    }
}

/// Member, a text that is accepted, one that isn't, and its code.
const TABLE: [(&str, &str, &str, &str); 26] = [
    ("fullName", "Ada", "A", "too_short"),
    ("fullName", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", "Adalie", "too_long"),
    ("fullName", "Ad", "", "too_short"),
    ("code", "AB12", "ab12", "pattern"),
    ("code", "AB12", "AB123", "pattern"),
    ("beds", "1", "0", "out_of_range"),
    ("beds", "6", "7", "out_of_range"),
    ("beds", "6", "300", "wrong_type"),
    ("beds", "6", "1.5", "wrong_type"),
    ("beds", "6", "many", "wrong_type"),
    ("below", "-1", "0", "out_of_range"),
    ("ratio", "0.5", "0.49", "out_of_range"),
    ("ratio", "2", "2.51", "out_of_range"),
    ("minutes", "15", "16", "not_a_multiple"),
    ("price", "0.01", "0", "out_of_range"),
    ("mail", "ada@example.com", "ada", "invalid_email"),
    (
        "mail",
        "ada@example.com",
        "Ada <ada@example.com>",
        "invalid_email",
    ),
    ("home", "https://example.com", "/home", "invalid_url"),
    (
        "home",
        "https://example.com",
        "javascript:alert(1)",
        "invalid_url",
    ),
    ("address", "192.0.2.1", "192.0.2", "invalid"),
    (
        "id",
        "67e55044-10b1-426f-9247-bb680e5fe0c8",
        "67e55044",
        "invalid",
    ),
    ("kind", "double", "triple", "unknown_value"),
    ("agreed", "true", "yes", "wrong_type"),
    ("letters", "ab", "abc", "odd_length"),
    ("room", "12", "13", "no_such_room"),
    ("room", "14", "-13", "wrong_type"),
];

async fn by_json(_: Public, Json(_): Json<Flat>) -> NoContent {
    NoContent
}
async fn by_form(_: Public, Form(_): Form<Flat>) -> NoContent {
    NoContent
}
async fn by_query(_: Public, Query(_): Query<Flat>) -> NoContent {
    NoContent
}
async fn by_path(_: Public, Path(_): Path<Flat>) -> NoContent {
    NoContent
}
async fn by_order(_: Public, Path(_): Path<(Beds, Word)>) -> NoContent {
    NoContent
}
async fn by_itself(_: Public, Path(_): Path<Word>) -> NoContent {
    NoContent
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only read")]
struct Beds(#[schemars(range(min = 1, max = 6))] u8);

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only read")]
struct Word(#[schemars(length(max = 4))] String);

fn flat() -> Client {
    let mut api = Api::new("Test", "1")
        .post("/json", by_json)
        .post("/form", by_form)
        .get("/query", by_query)
        .get("/order/{beds}/{word}", by_order)
        .get("/itself/{word}", by_itself);
    let mut members: Vec<_> = TABLE.iter().map(|(member, ..)| *member).collect();
    members.dedup();
    for member in members {
        api = api.get(&format!("/path/{member}/{{{member}}}"), by_path);
    }
    Bench::default().client(api)
}

/// A text as JSON says it, where its member is a number or a truth.
fn json_of(member: &str, text: &str) -> Value {
    let literal = ["beds", "below", "ratio", "minutes", "price", "agreed", "room"].contains(&member);
    let parsed = serde_json::from_str(text).ok().filter(|_| literal);
    parsed.unwrap_or_else(|| text.into())
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

async fn all_ways(client: &Client, member: &str, text: &str) -> Vec<(&'static str, String, Answer)> {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let pair = format!("{member}={}", encoded(text));
    let body = json!({ member: json_of(member, text) }).to_string();
    let mut answers = vec![
        (
            "json",
            format!("/{member}"),
            client.post_json("/json", &body).await,
        ),
        (
            "form",
            member.to_owned(),
            client.call(Method::POST, "/form", &form, &pair).await,
        ),
        (
            "query",
            member.to_owned(),
            client.get(&format!("/query?{pair}"), &[]).await,
        ),
    ];
    if !text.is_empty() {
        let path = format!("/path/{member}/{}", encoded(text));
        answers.push(("path", member.to_owned(), client.get(&path, &[]).await));
    }
    answers
}

fn faults(answer: &Answer) -> Vec<(String, String)> {
    let problem = answer.problem();
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    errors
        .iter()
        .map(|error| (text(error, "field"), text(error, "code")))
        .collect()
}

// Shows: KIT-3, WP-8
#[tokio::test]
async fn every_constraint_is_checked_wherever_the_value_comes_from() {
    let client = flat();
    for (member, good, bad, code) in TABLE {
        for (way, _, answer) in all_ways(&client, member, good).await {
            assert_eq!(answer.status, 204, "{way} {member}={good}: {}", answer.text);
        }
        for (way, field, answer) in all_ways(&client, member, bad).await {
            assert_eq!(answer.status, 422, "{way} {member}={bad}");
            assert_eq!(
                faults(&answer),
                [(field, code.to_owned())],
                "{way} {member}={bad}: {}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn path_parameters_without_names_of_their_own_are_named_by_the_path() {
    let client = flat();
    assert_eq!(client.get("/order/6/word", &[]).await.status, 204);
    let wrong = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    let both = client.get("/order/7/words", &[]).await;
    assert_eq!(
        faults(&both),
        [wrong("beds", "out_of_range"), wrong("word", "too_long")]
    );
    let both = client.get("/order/x/words", &[]).await;
    assert_eq!(
        faults(&both),
        [wrong("beds", "wrong_type"), wrong("word", "too_long")]
    );
    assert_eq!(client.get("/itself/word", &[]).await.status, 204);
    assert_eq!(
        faults(&client.get("/itself/words", &[]).await),
        [wrong("word", "too_long")]
    );
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "only read")]
struct Order {
    ordered_by: Customer,
    #[schemars(length(min = 1, max = 3))]
    order_lines: Vec<Line>,
    #[serde(default)]
    labels: BTreeMap<String, Label>,
    delivery: Delivery,
    payment: Payment,
    #[serde(default)]
    gift: Option<Gift>,
    #[serde(default)]
    #[schemars(inner(length(max = 3)))]
    tags: std::collections::HashSet<String>,
    #[serde(default)]
    stays: Vec<Stay>,
    #[serde(default)]
    corner: Option<(i32, Percent)>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Customer {
    #[serde(rename = "e-mail")]
    #[schemars(email)]
    email: String,
    #[serde(rename = "na/me")]
    #[schemars(length(min = 1))]
    name: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only read")]
struct Line {
    #[schemars(range(min = 1))]
    count: u32,
    article: Article,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only read")]
struct Article(#[schemars(regex(pattern = r"^\d{4}$"))] String);

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only read")]
struct Label(#[schemars(length(max = 3))] String);

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only read")]
struct Percent(#[schemars(range(max = 100))] u8);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(dead_code, reason = "only read")]
enum Delivery {
    Pickup,
    Courier {
        #[schemars(length(min = 3))]
        street: String,
    },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only read")]
enum Payment {
    Cash,
    Card {
        #[schemars(length(equal = 4))]
        digits: String,
    },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only read")]
enum Gift {
    Count(u8),
    Card(#[schemars(length(max = 5))] String),
    Wrapped { paper: String },
    Boxed { size: u8 },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = rule(Stay::ends_after_it_begins))]
struct Stay {
    first_night: u32,
    last_night: u32,
}

impl Stay {
    fn ends_after_it_begins(&self, errors: &mut FieldErrors) {
        if self.last_night < self.first_night {
            errors.push("/lastNight", "ends_too_early", "must not be before firstNight");
        }
    }
}

async fn order(_: Public, Json(_): Json<Order>) -> NoContent {
    NoContent
}

fn good() -> Value {
    json!({
        "orderedBy": { "e-mail": "ada@example.com", "na/me": "Ada" },
        "orderLines": [{ "count": 1, "article": "0001" }],
        "delivery": { "kind": "pickup" },
        "payment": "cash",
    })
}

fn orders() -> Client {
    Bench::default().client(Api::new("Test", "1").post("/orders", order))
}

// Shows: WP-8
#[tokio::test]
async fn everything_that_is_wrong_is_in_one_answer_by_the_names_that_clients_know() {
    let client = orders();
    assert_eq!(client.post_json("/orders", &good().to_string()).await.status, 204);
    let bad = json!({
        "orderedBy": { "e-mail": "ada", "na/me": "", "role": "admin" },
        "orderLines": [
            { "count": 0, "article": "1" },
            { "article": 5 },
        ],
        "labels": { "a/b": "long", "c": "ok" },
        "delivery": { "kind": "courier", "street": "x" },
        "payment": { "card": { "digits": "12345" } },
        "gift": "too long",
        "tags": ["a", "b", "a", "toolong"],
        "stays": [
            { "firstNight": 1, "lastNight": 2 },
            { "firstNight": 3, "lastNight": 2 },
            { "firstNight": 3 },
        ],
        "corner": [1, 101],
        "surprise": true,
    });
    let answer = client.post_json("/orders", &bad.to_string()).await;
    assert_eq!(answer.status, 422);
    insta::assert_json_snapshot!(answer.problem());
}

#[tokio::test]
async fn alternatives_are_told_apart_before_anything_is_said_of_them() {
    let client = orders();
    let table = [
        ("/delivery", json!({}), "/delivery/kind", "required"),
        ("/delivery", json!({ "kind": 1 }), "/delivery/kind", "wrong_type"),
        (
            "/delivery",
            json!({ "kind": "drone" }),
            "/delivery/kind",
            "unknown_value",
        ),
        (
            "/delivery",
            json!({ "kind": "courier" }),
            "/delivery/street",
            "required",
        ),
        ("/delivery", json!("courier"), "/delivery", "wrong_type"),
        ("/payment", json!("cheque"), "/payment", "unknown_value"),
        (
            "/payment",
            json!({ "card": {} }),
            "/payment/card/digits",
            "required",
        ),
        ("/payment", json!(1), "/payment", "wrong_type"),
        ("/gift", json!(256), "/gift", "wrong_type"),
        ("/gift", json!({ "paper": 1 }), "/gift", "invalid"),
        ("/gift", json!({}), "/gift", "invalid"),
        ("/gift", json!([]), "/gift", "wrong_type"),
        ("/corner", json!([1]), "/corner", "too_few"),
        ("/corner", json!([1, 2, 3]), "/corner", "too_many"),
        ("/orderLines", json!([]), "/orderLines", "too_few"),
        ("/labels", json!([]), "/labels", "wrong_type"),
    ];
    for (place, value, field, code) in table {
        let mut body = good();
        let shown = format!("{place}: {value}");
        body[&place[1..]] = value;
        let answer = client.post_json("/orders", &body.to_string()).await;
        assert_eq!(
            faults(&answer),
            [(field.to_owned(), code.to_owned())],
            "{shown}: {}",
            answer.text
        );
    }
    for (place, value) in [
        ("gift", json!(null)),
        ("gift", json!(255)),
        ("gift", json!("card")),
        ("gift", json!({ "paper": "red" })),
        ("gift", json!({ "size": 1 })),
        ("payment", json!({ "card": { "digits": "1234" } })),
        ("delivery", json!({ "kind": "courier", "street": "Long" })),
        ("corner", json!([-1, 100])),
    ] {
        let mut body = good();
        body[place] = value;
        let answer = client.post_json("/orders", &body.to_string()).await;
        assert_eq!(answer.status, 204, "{body}: {}", answer.text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands where, it isn't sent back.
    #[test]
    fn no_value_is_repeated(text in "[a-z\"\\\\/ ]{0,8}CANARY[a-z`, ]{0,8}", place in 0..9_usize) {
        checks!("T204");
        let mut body = good();
        match place {
            0 => body["orderedBy"] = json!({ "e-mail": text, "na/me": 5 }),
            1 => body["orderLines"] = json!([{ "count": text, "article": text }]),
            2 => body["labels"] = json!({ "a": text }),
            3 => body["delivery"] = json!({ "kind": text }),
            4 => body["payment"] = json!(text),
            5 => body["gift"] = json!(text),
            6 => body["stays"] = json!([{ "firstNight": text, "lastNight": [text] }]),
            7 => body["tags"] = json!([text, text]),
            _ => body = json!(text),
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(async { orders().post_json("/orders", &body.to_string()).await });
        prop_assert_eq!(answer.status.as_u16(), 422, "{}", body);
        prop_assert!(!answer.text.contains("CANARY"), "{}", answer.text);
    }
}

// Shows: WP-7
#[tokio::test]
async fn a_hostile_body_is_answered_shortly() {
    checks!("T203");
    let client = orders();
    let mut body = good();
    body["labels"] = (0..3_000)
        .map(|index| (index.to_string(), json!("long")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let many = client.post_json("/orders", &body.to_string()).await;
    assert_eq!((many.status.as_u16(), faults(&many).len()), (422, 32));
    assert!(many.text.len() < 8_000, "{}", many.text.len());
    body = good();
    body["orderLines"] = vec![json!({}); 10_000].into();
    let long = client.post_json("/orders", &body.to_string()).await;
    let missing = |index: usize| {
        ["count", "article"].map(|name| (format!("/orderLines/{index}/{name}"), "required".to_owned()))
    };
    let mut expected: Vec<_> = (0..3).flat_map(missing).collect();
    expected.push(("/orderLines".to_owned(), "too_many".to_owned()));
    assert_eq!(
        faults(&long),
        expected,
        "what is beyond the bound isn't looked at"
    );
    let name = "n".repeat(50_000);
    let unknown = client.post_json("/orders", &format!("{{\"{name}\":1}}")).await;
    assert!(unknown.text.len() < 2_000, "{}", unknown.text.len());
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only read")]
enum Nested {
    Left { below: Box<Nested> },
    Right { below: Box<Nested>, more: Option<u8> },
    Leaf(#[schemars(length(max = 1))] String),
}

async fn nested(_: Public, Json(_): Json<Nested>) -> NoContent {
    NoContent
}

/// Each level can be either of two, so whoever tries both at each level takes 2^31 steps for these 360 bytes.
#[tokio::test]
async fn alternatives_inside_of_each_other_are_tried_within_a_budget() {
    checks!("T203");
    let client = Bench::default().client(Api::new("Test", "1").post("/nested", nested));
    let of = |leaf: &str| format!("{}{leaf}{}", r#"{"below":"#.repeat(31), "}".repeat(31));
    assert_eq!(client.post_json("/nested", &of(r#""x""#)).await.status, 204);
    let answer = client.post_json("/nested", &of(r#""xy""#)).await;
    assert_eq!(
        (answer.status.as_u16(), faults(&answer).len()),
        (422, 1),
        "{}",
        answer.text
    );
}

/// A type with something wrong in its declaration.
macro_rules! flawed {
    ($($name:ident: $(#[$attribute:meta])* $type:ty;)+) => {$(
        #[derive(Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "never read")]
        struct $name {
            $(#[$attribute])*
            field: $type,
        }
    )+};
}

flawed! {
    LengthTurned: #[schemars(length(min = 5, max = 2))] String;
    RangeTurned: #[schemars(range(min = 5, max = 2))] u8;
    PatternOpen: #[schemars(regex(pattern = "["))] String;
    PatternBack: #[schemars(regex(pattern = r"(a)\1"))] String;
    KeywordUnknown: #[schemars(extend("not" = { "const": "x" }))] String;
    FormatUnknown: #[schemars(extend("format" = "hostname"))] String;
    FormatOfNumber: #[schemars(email)] u8;
    Bounded: #[schemars(length(max = 2))] String;
    Ruled: #[schemars(transform = text_rule("odd_length", even))] String;
    Plain: Option<(u8, char, [u8; 2], Uuid)>;
}

async fn reads<T>(_: Public, Json(_): Json<T>) -> NoContent {
    NoContent
}
async fn asks<T>(_: Public, Query(_): Query<T>) -> NoContent {
    NoContent
}
async fn axums<T>(_: Public, axum::Json(_): axum::Json<T>) -> NoContent {
    NoContent
}

fn errors(api: Api) -> Vec<ApiError> {
    api.into_router(Bench::default().gate)
        .map_or_else(|errors| errors.0, |_| Vec::new())
}

fn empty() -> Api {
    Api::new("Test", "1")
}

// Shows: KIT-3
#[test]
fn a_declaration_that_can_not_be_checked_is_refused_with_the_name_of_its_type() {
    checks!("T200");
    checks!("T201");
    let table = [
        (
            empty().post("/x", reads::<LengthTurned>),
            "LengthTurned",
            "minLength 5 is more than maxLength 2",
        ),
        (
            empty().get("/x", asks::<RangeTurned>),
            "RangeTurned",
            "minimum 5 is more than maximum 2",
        ),
        (
            empty().post("/x", reads::<PatternOpen>),
            "PatternOpen",
            "the pattern \"[\" can't be checked",
        ),
        (
            empty().post("/x", reads::<PatternBack>),
            "PatternBack",
            "can't be checked",
        ),
        (
            empty().post("/x", reads::<KeywordUnknown>),
            "KeywordUnknown",
            "/properties/field/not: this keyword isn't checked",
        ),
        (
            empty().post("/x", reads::<FormatUnknown>),
            "FormatUnknown",
            "the format hostname isn't checked",
        ),
        (
            empty().post("/x", reads::<FormatOfNumber>),
            "FormatOfNumber",
            "of what is no string",
        ),
    ];
    for (api, name, why) in table {
        let found = errors(api);
        let [ApiError::Flawed { .. }] = found.as_slice() else {
            panic!("{name}: {found:?}")
        };
        let said = found[0].to_string();
        assert!(said.contains(name) && said.contains(why), "{said}");
    }
}

#[test]
fn constraints_that_another_reader_would_not_check_are_refused() {
    checks!("T200");
    for (api, name) in [
        (empty().post("/x", axums::<Bounded>), "Bounded"),
        (empty().post("/x", axums::<Ruled>), "Ruled"),
    ] {
        let found = errors(api);
        let [ApiError::Unchecked { .. }] = found.as_slice() else {
            panic!("{name}: {found:?}")
        };
        let said = found[0].to_string();
        assert!(said.contains(name) && said.contains("portcullis::Json"), "{said}");
    }
    assert_eq!(errors(empty().post("/x", axums::<Plain>)), []);
    assert_eq!(errors(empty().post("/x", reads::<Bounded>)), []);
}

// Shows: KIT-1
#[test]
fn the_document_says_what_is_checked_and_nothing_of_how() {
    let document = empty().post("/x", by_json).openapi();
    let members = &document["components"]["schemas"]["Flat"]["properties"];
    assert_eq!(members["fullName"]["maxLength"], 5);
    assert_eq!(members["beds"]["maximum"], 6);
    assert_eq!(members["mail"]["format"], "email");
    assert!(!document.to_string().contains("x-portcullis-rules"), "{document}");
}
