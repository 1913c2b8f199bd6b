//! A table's rows: declared once, packed for COPY, read back by type.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{GenericClient, Row};

use crate::columns::Column;
use crate::copy::Cells;
use crate::error::Error;
use crate::spans::asked;

/// The columns of one table in their order, and what its rows are ordered by: its primary key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Type)],
    pub(crate) key: &'static str,
}

impl Table {
    pub(crate) fn column_names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

pub(crate) trait TableRow: Sized + Sync {
    const TABLE: Table;

    /// Every cell, in the order of the columns.
    fn pack(&self, into: &mut Cells);

    fn read(row: &Row) -> Result<Self, Error>;
}

/// The rows that a condition lets through, in the order of their key.
pub(crate) async fn select<R: TableRow>(
    client: &impl GenericClient,
    condition: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<R>, Error> {
    let Table { name, key, .. } = R::TABLE;
    let names = R::TABLE.column_names();
    let query = format!("SELECT {names} FROM {name} WHERE {condition} ORDER BY {key}");
    asked(&query, client.query(&query, parameters)).await?.iter().map(R::read).collect()
}

/// The rows that a condition lets through, in an order of their own and, behind it, as many as it says.
pub(crate) async fn select_in_order<R: TableRow>(
    client: &impl GenericClient,
    condition: &str,
    order: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<R>, Error> {
    let query = in_order::<R>(condition, order);
    asked(&query, client.query(&query, parameters)).await?.iter().map(R::read).collect()
}

/// The query of `select_in_order`.
pub(crate) fn in_order<R: TableRow>(condition: &str, order: &str) -> String {
    let Table { name, .. } = R::TABLE;
    let names = R::TABLE.column_names();
    format!("SELECT {names} FROM {name} WHERE {condition} ORDER BY {order}")
}

/// A count as LIMIT takes it; nothing is no limit.
pub(crate) fn limit(most: Option<usize>) -> Option<i64> {
    most.map(|most| i64::try_from(most).unwrap_or(i64::MAX))
}

/// The value in a column; a value that this version does not know is an error that names the place.
pub(crate) fn cell<'a, C: Column + 'a>(
    row: &'a Row,
    index: usize,
    table: &'static str,
    column: &'static str,
) -> Result<C, Error> {
    let misread = |found| Error::Misread { table, column, found };
    let found: C::Sql<'a> = row.try_get(index).map_err(|error| misread(error.to_string()))?;
    C::read(found).map_err(misread)
}

/// Declares row types: a struct, its table, its columns by the fields' names. A row with a `stamp`
/// is a fact's.
macro_rules! tables {
    ($($(#[$doc:meta])* $row:ident in $table:ident { $($field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $row {
                pub stamp: Stamp,
                $(pub $field: $type,)*
            }

            impl TableRow for $row {
                const TABLE: Table = Table {
                    name: stringify!($table),
                    columns: &[
                        ("position", <u64 as Column>::TYPE),
                        ("fact_index", <i32 as Column>::TYPE),
                        ("at", <Timestamp as Column>::TYPE),
                        ("recorded_at", <Timestamp as Column>::TYPE),
                        $((stringify!($field), <$type as Column>::TYPE),)*
                    ],
                    key: "position, fact_index",
                };

                fn pack(&self, into: &mut Cells) {
                    let Stamp { position, fact_index, at, recorded_at } = &self.stamp;
                    into.push(&position.sql());
                    into.push(fact_index);
                    into.push(at);
                    into.push(recorded_at);
                    $(into.push(&self.$field.sql());)*
                }

                fn read(row: &Row) -> Result<Self, Error> {
                    let mut columns = Self::TABLE.columns.iter().enumerate();
                    Ok(Self {
                        stamp: Stamp {
                            position: next(row, &mut columns, Self::TABLE.name)?,
                            fact_index: next(row, &mut columns, Self::TABLE.name)?,
                            at: next(row, &mut columns, Self::TABLE.name)?,
                            recorded_at: next(row, &mut columns, Self::TABLE.name)?,
                        },
                        $($field: next(row, &mut columns, Self::TABLE.name)?,)*
                    })
                }
            }
        )*

        /// New rows of every table, to be added together.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Rows {
            $(pub $table: Vec<$row>,)*
        }

        impl Rows {
            pub(crate) const TABLES: &[Table] = &[$($row::TABLE,)*];

            pub fn count(&self) -> usize {
                0 $(+ self.$table.len())*
            }

            pub(crate) fn pack(&self, into: &mut Packing) {
                $(into.add_to_table(&self.$table);)*
            }
        }
    };
}
pub(crate) use tables;

/// The value of the next column.
pub(crate) fn next<'a, C: Column + 'a>(
    row: &'a Row,
    columns: &mut impl Iterator<Item = (usize, &'static (&'static str, Type))>,
    table: &'static str,
) -> Result<C, Error> {
    let (index, (column, _)) = columns.next().expect("a row is read field by field");
    cell(row, index, table, column)
}
