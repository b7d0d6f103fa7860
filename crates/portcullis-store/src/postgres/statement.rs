//! One statement on PostgreSQL: values in and out, nothing left behind.
//!
//! Statements are sent whole and unnamed each time. A named one lives on in the server's session, and behind a pooler that
//! shares sessions the next call may meet another's under the same name: not only an error, but another program's SQL.
//! Planning anew costs less than that is worth ([0023](../../../../docs/adr/0023-statements-are-sent-whole.md)).

use std::error::Error;

use futures_util::future::try_join_all;
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use tokio_postgres::Client;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::fault::Failure;
use crate::value::{Row, Value};

pub(crate) async fn query(client: &Client, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, Failure> {
    defends!("T163");
    let rows = client.query_typed(sql, &typed(params)).await?;
    Ok(rows.iter().map(row).collect::<Result<_, _>>()?)
}

pub(crate) async fn execute(client: &Client, sql: &str, params: &[Value<'_>]) -> Result<u64, Failure> {
    Ok(client.execute_typed(sql, &typed(params)).await?)
}

/// Sends all before waiting for any; the server runs them in order.
pub(crate) async fn execute_many(client: &Client, sql: &str, sets: &[Vec<Value<'_>>]) -> Result<(), Failure> {
    for some in sets.chunks(PIPELINED) {
        let sent = some.iter().map(|params| async move {
            let params = typed(params);
            client.execute_typed(sql, &params).await
        });
        try_join_all(sent).await?;
    }
    Ok(())
}

/// Enough to hide the way there and back, few enough to bound memory.
const PIPELINED: usize = 256;

/// Values with their types, so that nobody has to be asked for them first.
fn typed<'p>(params: &'p [Value<'_>]) -> Vec<(&'p (dyn ToSql + Sync), Type)> {
    let one = |value: &'p Value<'_>| (value as &(dyn ToSql + Sync), type_of(value));
    params.iter().map(one).collect()
}

fn type_of(value: &Value<'_>) -> Type {
    match value {
        // The server infers it from what it is compared with or stored into.
        Value::Null => Type::UNKNOWN,
        Value::Integer(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Bytes(_) => Type::BYTEA,
        Value::Uuid(_) => Type::UUID,
        Value::Bool(_) => Type::BOOL,
    }
}

fn row(row: &tokio_postgres::Row) -> Result<Row, Fault> {
    let columns = row.columns().iter().enumerate();
    let read = columns.map(|(index, column)| column_of(row, index, column.type_()));
    Ok(Row::new(read.collect::<Result<_, _>>()?))
}

fn column_of(row: &tokio_postgres::Row, index: usize, kind: &Type) -> Result<Value<'static>, Fault> {
    let value = match *kind {
        Type::INT8 => row
            .try_get::<_, Option<i64>>(index)
            .map(|v| v.map(Value::Integer)),
        Type::INT4 => row
            .try_get::<_, Option<i32>>(index)
            .map(|v| v.map(|n| Value::Integer(n.into()))),
        Type::INT2 => row
            .try_get::<_, Option<i16>>(index)
            .map(|v| v.map(|n| Value::Integer(n.into()))),
        Type::TEXT | Type::VARCHAR => row
            .try_get::<_, Option<String>>(index)
            .map(|v| v.map(|text| Value::Text(text.into()))),
        Type::BYTEA => row
            .try_get::<_, Option<Vec<u8>>>(index)
            .map(|v| v.map(|bytes| Value::Bytes(bytes.into()))),
        Type::UUID => row.try_get::<_, Option<Uuid>>(index).map(|v| v.map(Value::Uuid)),
        Type::BOOL => row.try_get::<_, Option<bool>>(index).map(|v| v.map(Value::Bool)),
        _ => return Err(Fault::Corrupt(format!("a column has the type {kind}"))),
    };
    let value = value.map_err(|e| Fault::Corrupt(e.to_string()))?;
    Ok(value.unwrap_or(Value::Null))
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, kind) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Integer(number), &Type::INT8) => number.to_sql(kind, out),
            (Self::Text(text), &Type::TEXT | &Type::VARCHAR) => text.to_sql(kind, out),
            (Self::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(kind, out),
            (Self::Uuid(id), &Type::UUID) => id.to_sql(kind, out),
            (Self::Bool(yes), &Type::BOOL) => yes.to_sql(kind, out),
            _ => Err(format!("a value does not fit a parameter of type {kind}").into()),
        }
    }

    /// Each value checks by itself.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
