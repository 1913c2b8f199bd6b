//! Rows in PostgreSQL's binary COPY format: made where there is time for it, sent as they are.
//!
//! Invariant: a row type's columns are those of its table; the schema fails a copy that names
//! others.

use std::collections::BTreeMap;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::SinkExt as _;
use futures::future::try_join_all;
use tokio_postgres::{Client, CopyInSink, Statement, ToStatement};

use crate::archive::ArchivedCommit;
use crate::cell::Cell;
use crate::error::Error;
use crate::rows::Rows;
use crate::spans::asked;
use crate::table::{Table, TableRow};

/// The signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In the place of a row's number of columns.
const TRAILER: &[u8] = &[0xff, 0xff];
/// Rows are packed into pieces of this size, and sent piece by piece.
const PIECE: usize = 256 * 1024;
/// So much of a table is gathered for one COPY of a load.
const AT_ONCE: usize = 16 * 1024 * 1024;

/// New rows of every table, ready to be sent.
#[derive(Debug, Clone, Default)]
pub struct PackedRows(Vec<Packed>);

#[derive(Debug, Clone)]
pub(crate) struct Packed {
    table: Table,
    rows: usize,
    /// In pieces of whole rows.
    data: Vec<Bytes>,
}

/// Rows that are packed as they are made, while they are still at hand for the processor.
#[derive(Debug, Default)]
pub struct Packing(BTreeMap<&'static str, Cells>);

impl Packing {
    pub fn add_commit(&mut self, commit: &ArchivedCommit) {
        self.add_to_table(std::slice::from_ref(commit));
    }

    pub fn add(&mut self, rows: &Rows) {
        rows.pack(self);
    }

    pub(crate) fn add_to_table<R: TableRow>(&mut self, rows: &[R]) {
        if rows.is_empty() {
            return;
        }
        let cells = self.0.entry(R::TABLE.name).or_insert_with(|| Cells::of(R::TABLE));
        for row in rows {
            cells.begin();
            row.pack(cells);
            cells.end();
        }
    }

    pub fn finish(self) -> Result<PackedRows, Error> {
        let packed: Result<_, Error> = self.0.into_values().map(Cells::finish).collect();
        packed.map(PackedRows)
    }
}

impl PackedRows {
    pub fn count(&self) -> usize {
        self.0.iter().map(|packed| packed.rows).sum()
    }

    pub(crate) fn into_tables(self) -> impl Iterator<Item = Packed> {
        self.0.into_iter()
    }

    /// Each table's rows by the statement for it, without waiting for one table before the next is sent.
    pub(crate) async fn send(&self, client: &Client, copies: &Copies) -> Result<(), Error> {
        let sent = self.0.iter().map(|packed| {
            let sending = send(client, copies.of(packed.table), &packed.data);
            asked(&format!("COPY {} FROM STDIN", packed.table.name), sending)
        });
        try_join_all(sent).await?;
        Ok(())
    }
}

/// Sends pieces of rows.
async fn send<S>(client: &Client, statement: &S, rows: &[Bytes]) -> Result<(), Error>
where
    S: ?Sized + ToStatement,
{
    let sink: CopyInSink<Bytes> = client.copy_in(statement).await?;
    let mut sink = std::pin::pin!(sink);
    sink.feed(Bytes::from_static(HEADER)).await?;
    for piece in rows {
        sink.feed(piece.clone()).await?;
    }
    sink.feed(Bytes::from_static(TRAILER)).await?;
    sink.finish().await?;
    Ok(())
}

impl Packed {
    pub(crate) const fn table(&self) -> Table {
        self.table
    }

    fn bytes(&self) -> usize {
        self.data.iter().map(Bytes::len).sum()
    }
}

/// Rows of one table that are sent together.
pub(crate) struct Gathered {
    table: Table,
    bytes: usize,
    rows: Vec<Bytes>,
}

impl Gathered {
    pub(crate) const fn new(table: Table) -> Self {
        Self { table, bytes: 0, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, rows: Packed) {
        self.bytes += rows.bytes();
        self.rows.extend(rows.data);
    }

    /// A COPY keeps a thousand rows at a time, each tied to the table's description in a list that is searched from its
    /// start: for every few thousand rows anew that took a sixth of all copying.
    pub(crate) const fn is_worth_sending(&self) -> bool {
        self.bytes >= AT_ONCE
    }

    /// To a table that the transaction has emptied: the rows need no second look to be seen by all.
    pub(crate) async fn send_frozen(&mut self, client: &Client) -> Result<(), Error> {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        send(client, &copy(self.table, "FORMAT BINARY, FREEZE"), &rows).await
    }
}

fn copy(table: Table, options: &str) -> String {
    let (name, columns) = (table.name, table.column_names());
    format!("COPY {name} ({columns}) FROM STDIN WITH ({options})")
}

/// What rows are added by, prepared for one connection.
#[derive(Default)]
pub(crate) struct Copies(BTreeMap<&'static str, Statement>);

impl Copies {
    /// Prepares what these rows need and is not prepared yet.
    pub(crate) async fn prepare(
        &mut self,
        client: &Client,
        rows: &PackedRows,
    ) -> Result<(), Error> {
        for Packed { table, .. } in &rows.0 {
            if !self.0.contains_key(table.name) {
                let statement = client.prepare(&copy(*table, "FORMAT BINARY")).await?;
                self.0.insert(table.name, statement);
            }
        }
        Ok(())
    }

    fn of(&self, table: Table) -> &Statement {
        self.0.get(table.name).expect("what rows need is prepared before they are sent")
    }
}

/// Which connection has which table, and how much each has been given.
#[derive(Debug)]
pub struct Deal {
    connections: BTreeMap<&'static str, usize>,
    bytes: Vec<usize>,
}

impl Deal {
    pub(crate) fn among(connections: usize) -> Self {
        Self { connections: BTreeMap::new(), bytes: vec![0; connections] }
    }

    /// Divides rows among the connections, all of a table to the same one.
    pub fn deal(&mut self, mut rows: PackedRows) -> Vec<PackedRows> {
        let mut parts = vec![PackedRows::default(); self.bytes.len()];
        rows.0.sort_by_key(|packed| std::cmp::Reverse(packed.bytes()));
        for packed in rows.0 {
            parts[self.connection(&packed)].0.push(packed);
        }
        parts
    }

    /// A table that is new goes to the one that has had least.
    fn connection(&mut self, packed: &Packed) -> usize {
        let least = (0..self.bytes.len()).min_by_key(|place| self.bytes[*place]);
        let new = least.expect("there is a connection");
        let place = *self.connections.entry(packed.table.name).or_insert(new);
        self.bytes[place] += packed.bytes();
        place
    }
}

/// The cells of a table's rows, one after the other.
#[derive(Debug)]
pub(crate) struct Cells {
    table: Table,
    rows: usize,
    /// The next cell's.
    column: usize,
    data: BytesMut,
    full: Vec<Bytes>,
    failed: Option<Error>,
}

impl Cells {
    fn of(table: Table) -> Self {
        let (data, full) = (BytesMut::new(), Vec::new());
        Self { table, rows: 0, column: 0, data, full, failed: None }
    }

    fn begin(&mut self) {
        self.rows += 1;
        self.column = 0;
        let columns = i16::try_from(self.table.columns.len());
        self.data.put_i16(columns.expect("a table has fewer than 2^15 columns"));
    }

    /// A piece that is full makes room for another, instead of being moved to where it can grow.
    fn end(&mut self) {
        if self.data.len() >= PIECE {
            let next = BytesMut::with_capacity(PIECE + PIECE / 4);
            self.full.push(std::mem::replace(&mut self.data, next).freeze());
        }
    }

    fn finish(self) -> Result<Packed, Error> {
        let Self { table, rows, data, mut full, failed, .. } = self;
        full.push(data.freeze());
        failed.map_or_else(|| Ok(Packed { table, rows, data: full }), Err)
    }

    /// The next cell of the row; a value that no cell can hold fails the whole.
    pub(crate) fn push(&mut self, value: &impl Cell) {
        let start = self.data.len();
        self.data.put_i32(-1);
        let (name, _) = &self.table.columns[self.column];
        self.column += 1;
        if !value.write(&mut self.data) {
            return;
        }
        match i32::try_from(self.data.len() - start - size_of::<i32>()) {
            Ok(length) => {
                self.data[start..start + size_of::<i32>()].copy_from_slice(&length.to_be_bytes());
            }
            Err(_) => self.fail(name, "it is 2 GiB or longer".to_owned()),
        }
    }

    fn fail(&mut self, column: &'static str, reason: String) {
        let table = self.table.name;
        self.failed.get_or_insert(Error::Unwritable { table, column, reason });
    }
}
