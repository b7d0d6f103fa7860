use portcullis_core::authz::resource::{
    Comparison, FieldKind, Filter, Pattern, ResourceField, ResourceKind, Tenancy, Value,
};
use portcullis_core::{account, organization};
use uuid::Uuid;

use super::*;

static KIND: ResourceKind = ResourceKind {
    name: "Note",
    tenancy: Tenancy::Anywhere,
    fields: &[
        field("title", FieldKind::Text),
        field("size", FieldKind::Long),
        field("lost", FieldKind::Text),
        field("labels", FieldKind::TextSet),
    ],
    actions: &["notes:read"],
};

const fn field(name: &'static str, kind: FieldKind) -> ResourceField {
    ResourceField {
        name,
        kind,
        optional: true,
    }
}

const COLUMNS: Columns = Columns {
    id: Column::text("notes.id"),
    owner: Some(Column::uuid("owner")),
    organization: None,
    fields: &[("title", Column::text("title")), ("size", Column::text("size"))],
};

fn equal(field: &'static str, value: &str) -> Filter {
    Filter::Compare(field, Comparison::Equal, Value::Text(value.into()))
}

fn sqlite(filter: &Filter, columns: &Columns) -> Result<Condition, SqlError> {
    condition(filter, &KIND, Dialect::Sqlite, columns, 1)
}

#[test]
fn what_the_columns_do_not_say_is_an_error_and_never_a_guess() {
    assert_eq!(
        sqlite(&equal("lost", "a"), &COLUMNS),
        Err(SqlError::NoColumn("lost"))
    );
    assert_eq!(
        sqlite(&equal("nowhere", "a"), &COLUMNS),
        Err(SqlError::NoColumn("nowhere"))
    );
    assert_eq!(
        sqlite(&Filter::Present("size"), &COLUMNS),
        Err(SqlError::WrongColumn("size"))
    );
    let odd = Columns {
        owner: Some(Column::integer("owner")),
        ..COLUMNS
    };
    let owned = Filter::OwnedBy(account::Id::from_uuid(Uuid::nil()));
    assert_eq!(sqlite(&owned, &odd), Err(SqlError::WrongColumn("owner")));
    const QUERIED: Columns = Columns {
        fields: &[("labels", Column::set_of("SELECT label FROM labels"))],
        ..COLUMNS
    };
    assert_eq!(
        sqlite(&Filter::Present("labels"), &QUERIED),
        Err(SqlError::WrongColumn("labels"))
    );
    let long = Filter::Like("title", Pattern(vec!["a".into(); 33]));
    assert_eq!(sqlite(&long, &COLUMNS), Err(SqlError::TooManyPieces("title")));
    let most = Filter::Like("title", Pattern(vec!["a".into(); 32]));
    assert!(sqlite(&most, &COLUMNS).is_ok());
}

#[test]
fn a_name_that_is_none_is_refused_on_every_path() {
    for name in ["", "1a", "a b", "a\"", "a]", "a;--", "a.", ".a", "a..b", "naïve"] {
        let columns = Columns {
            id: Column::text(name),
            owner: Some(Column::uuid(name)),
            organization: Some(Column::uuid_text(name)),
            ..COLUMNS
        };
        for filter in [
            Filter::Ids(vec!["7".into()]),
            Filter::OwnedBy(account::Id::from_uuid(Uuid::nil())),
            Filter::Of(organization::Id::from_uuid(Uuid::nil())),
            Filter::Present("owner"),
        ] {
            assert_eq!(
                sqlite(&filter, &columns),
                Err(SqlError::InvalidName(name)),
                "{filter:?}"
            );
        }
    }
}

#[test]
fn values_never_stand_in_the_text() {
    let hostile = "'); DROP TABLE notes; --";
    let filters = [
        equal("title", hostile),
        Filter::OneOf("title", vec![Value::Text(hostile.into())]),
        Filter::Like(
            "title",
            Pattern(vec![hostile.into(), hostile.into(), hostile.into()]),
        ),
        Filter::Ids(vec![hostile.into()]),
    ];
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let all = Filter::All(filters.to_vec());
        let condition = condition(&all, &KIND, dialect, &COLUMNS, 1).unwrap();
        assert!(!condition.sql.contains("DROP"), "{}", condition.sql);
        assert!(condition.params.len() >= 4);
    }
}

#[test]
fn each_dialect_numbers_from_where_it_is_told() {
    let filter = Filter::Any(vec![
        equal("title", "a"),
        Filter::OwnedBy(account::Id::from_uuid(Uuid::nil())),
        Filter::Ids(vec!["7".into()]),
    ]);
    let sql = |dialect| condition(&filter, &KIND, dialect, &COLUMNS, 3).unwrap().sql;
    assert_eq!(
        sql(Dialect::Sqlite),
        "(([title] IS NOT NULL AND [title] = ?3 COLLATE BINARY) \
         OR (([owner] IS NOT NULL AND [owner] = ?4) \
         OR ([notes].[id] IS NOT NULL AND [notes].[id] COLLATE BINARY IN (SELECT value FROM json_each(?5)))))"
    );
    assert_eq!(
        sql(Dialect::Postgres),
        "((\"title\" IS NOT NULL AND \"title\" = $3::text) \
         OR ((\"owner\" IS NOT NULL AND \"owner\" = $4::uuid) \
         OR (\"notes\".\"id\" IS NOT NULL AND \"notes\".\"id\" = ANY($5::text[]))))"
    );
}

#[test]
fn a_condition_for_one_database_does_not_pass_for_another() {
    let owned = Filter::OwnedBy(account::Id::from_uuid(Uuid::nil()));
    let condition = condition(&owned, &KIND, Dialect::Postgres, &COLUMNS, 1).unwrap();
    assert!(rusqlite::ToSql::to_sql(&condition.params[0]).is_err());
}
