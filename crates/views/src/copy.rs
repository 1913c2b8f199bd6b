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
/// As much as is sent as one message.
const MESSAGE: usize = 256 * 1024;
/// The most that is set aside for rows before they are there.
const RESERVED: usize = 4 * 1024 * 1024;

/// New rows of every table, ready to be sent.
#[derive(Debug, Clone, Default)]
pub struct PackedRows(Vec<Packed>);

#[derive(Debug, Clone)]
struct Packed {
    table: Table,
    rows: usize,
    data: Bytes,
}

impl PackedRows {
    pub fn of(commits: &[ArchivedCommit], rows: &Rows) -> Result<Self, Error> {
        let mut packed = Self::default();
        packed.add(commits)?;
        rows.pack(&mut packed)?;
        Ok(packed)
    }

    pub fn count(&self) -> usize {
        self.0.iter().map(|packed| packed.rows).sum()
    }

    pub(crate) fn add<R: TableRow>(&mut self, rows: &[R]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut cells = Cells::of(R::TABLE);
        for (written, row) in rows.iter().enumerate() {
            cells.begin();
            row.pack(&mut cells);
            if written == 0 {
                // The others are about as long, or make do with less at first.
                cells.data.reserve((cells.data.len() * rows.len()).min(RESERVED));
            }
        }
        if let Some(error) = cells.failed {
            return Err(error);
        }
        cells.data.put_slice(TRAILER);
        self.0.push(Packed { table: R::TABLE, rows: rows.len(), data: cells.data.freeze() });
        Ok(())
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|packed| packed.table.name)
    }

    /// Each table's rows by the statement for it, without waiting for one table before the next is sent.
    pub(crate) async fn send(&self, client: &Client, copies: &Copies) -> Result<(), Error> {
        let sent = self.0.iter().map(|packed| {
            let sending = packed.send(client, copies.of(packed.table));
            asked(&format!("COPY {} FROM STDIN", packed.table.name), sending)
        });
        try_join_all(sent).await?;
        Ok(())
    }

    /// To tables that the transaction has emptied: the rows need no second look to be seen by all.
    pub(crate) async fn send_frozen(&self, client: &Client) -> Result<(), Error> {
        for packed in &self.0 {
            packed.send(client, &copy(packed.table, "FORMAT BINARY, FREEZE")).await?;
        }
        Ok(())
    }
}

impl Packed {
    async fn send<S>(&self, client: &Client, statement: &S) -> Result<(), Error>
    where
        S: ?Sized + ToStatement,
    {
        let sink: CopyInSink<Bytes> = client.copy_in(statement).await?;
        let mut sink = std::pin::pin!(sink);
        let mut rest = self.data.clone();
        while !rest.is_empty() {
            sink.feed(rest.split_to(rest.len().min(MESSAGE))).await?;
        }
        sink.finish().await?;
        Ok(())
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
        rows.0.sort_by_key(|packed| std::cmp::Reverse(packed.data.len()));
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
        self.bytes[place] += packed.data.len();
        place
    }
}

/// The cells of a table's rows, one after the other.
pub(crate) struct Cells {
    table: Table,
    /// The next cell's.
    column: usize,
    data: BytesMut,
    failed: Option<Error>,
}

impl Cells {
    fn of(table: Table) -> Self {
        Self { table, column: 0, data: BytesMut::from(HEADER), failed: None }
    }

    fn begin(&mut self) {
        self.column = 0;
        let columns = i16::try_from(self.table.columns.len());
        self.data.put_i16(columns.expect("a table has fewer than 2^15 columns"));
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
