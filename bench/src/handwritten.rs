//! A schema as one writes it by hand: rows locked with `SELECT ... FOR UPDATE`, one transaction a request.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls, Statement};

use crate::clients::Taken;
use crate::peer::{Ask, Peer, Work};

pub struct Handwritten {
    sessions: Vec<Mutex<Session>>,
    next: AtomicUsize,
}

const TABLES: &str = "
    CREATE TABLE invoices (id TEXT PRIMARY KEY, amount NUMERIC NOT NULL,
        paid NUMERIC NOT NULL DEFAULT 0 CHECK (paid <= amount),
        redeemed NUMERIC NOT NULL DEFAULT 0 CHECK (redeemed <= amount));
    CREATE TABLE vouchers (id TEXT PRIMARY KEY, locked NUMERIC NOT NULL,
        redeemed NUMERIC NOT NULL DEFAULT 0 CHECK (redeemed <= locked));
    CREATE TABLE payments (id TEXT PRIMARY KEY, invoice TEXT NOT NULL REFERENCES invoices,
        amount NUMERIC NOT NULL, at TIMESTAMPTZ NOT NULL, reference TEXT);
    CREATE TABLE redemptions (id TEXT PRIMARY KEY, voucher TEXT NOT NULL REFERENCES vouchers,
        invoice TEXT NOT NULL REFERENCES invoices, amount NUMERIC NOT NULL, at TIMESTAMPTZ NOT NULL);";

impl Peer for Handwritten {
    const NAME: &'static str = "PostgreSQL by hand";

    async fn prepare(url: &str, accounts: u32) -> anyhow::Result<()> {
        let client = connect(url).await?;
        client.batch_execute(TABLES).await?;
        let last = accounts - 1;
        let fill = format!(
            "INSERT INTO invoices SELECT 'in-' || n, 1000000 FROM generate_series(0, {last}) n;
             INSERT INTO vouchers SELECT 'v-' || n, 1000000 FROM generate_series(0, {last}) n;"
        );
        client.batch_execute(&fill).await?;
        Ok(client.batch_execute("ANALYZE; CHECKPOINT").await?)
    }

    async fn connect(url: &str, connections: usize) -> anyhow::Result<Self> {
        let mut sessions = Vec::new();
        for _ in 0..connections {
            sessions.push(Mutex::new(Session::new(url).await?));
        }
        Ok(Self { sessions, next: AtomicUsize::new(0) })
    }

    async fn add(&self, account: &str, units: u64) -> anyhow::Result<()> {
        let add = format!(
            "INSERT INTO invoices VALUES ('in-{account}', 1000000);
             INSERT INTO vouchers VALUES ('v-{account}', {units});"
        );
        Ok(self.sessions[0].lock().await.client.batch_execute(&add).await?)
    }

    async fn take(&self, _: usize, ask: &Ask) -> anyhow::Result<Taken> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.sessions.len();
        let free = self.sessions.iter().find_map(|session| session.try_lock().ok());
        let mut session = match free {
            Some(free) => free,
            None => self.sessions[next].lock().await,
        };
        match ask.work {
            Work::Redemptions => session.redeem(&ask.id, &ask.account).await,
            Work::Payments => session.pay(&ask.id, &ask.account).await,
        }
    }
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

struct Session {
    client: Client,
    invoice: Statement,
    pay: Statement,
    payment: Statement,
    voucher: Statement,
    take: Statement,
    claim: Statement,
    redemption: Statement,
}

impl Session {
    async fn new(url: &str) -> anyhow::Result<Self> {
        let client = connect(url).await?;
        let prepare = async |sql: &str| client.prepare(sql).await;
        Ok(Self {
            invoice: prepare("SELECT amount - paid >= 1 FROM invoices WHERE id = $1 FOR UPDATE")
                .await?,
            pay: prepare("UPDATE invoices SET paid = paid + 1 WHERE id = $1").await?,
            payment: prepare("INSERT INTO payments VALUES ($1, $2, 1, '2025-03-20', 'bank-0001')")
                .await?,
            voucher: prepare(
                "SELECT v.locked - v.redeemed >= 1 AND i.amount - i.redeemed >= 1
                 FROM vouchers v, invoices i WHERE v.id = $1 AND i.id = $2 FOR UPDATE",
            )
            .await?,
            take: prepare("UPDATE vouchers SET redeemed = redeemed + 1 WHERE id = $1").await?,
            claim: prepare("UPDATE invoices SET redeemed = redeemed + 1 WHERE id = $1").await?,
            redemption: prepare("INSERT INTO redemptions VALUES ($1, $2, $3, 1, '2025-03-20')")
                .await?,
            client,
        })
    }

    async fn pay(&mut self, id: &str, account: &str) -> anyhow::Result<Taken> {
        let invoice = format!("in-{account}");
        let transaction = self.client.transaction().await?;
        let enough: bool = transaction.query_one(&self.invoice, &[&invoice]).await?.get(0);
        if !enough {
            return Ok(Taken::Refused);
        }
        transaction.execute(&self.pay, &[&invoice]).await?;
        transaction.execute(&self.payment, &[&id, &invoice]).await?;
        transaction.commit().await?;
        Ok(Taken::Done)
    }

    async fn redeem(&mut self, id: &str, account: &str) -> anyhow::Result<Taken> {
        let (voucher, invoice) = (format!("v-{account}"), format!("in-{account}"));
        let transaction = self.client.transaction().await?;
        let enough: bool =
            transaction.query_one(&self.voucher, &[&voucher, &invoice]).await?.get(0);
        if !enough {
            return Ok(Taken::Refused);
        }
        transaction.execute(&self.take, &[&voucher]).await?;
        transaction.execute(&self.claim, &[&invoice]).await?;
        transaction.execute(&self.redemption, &[&id, &voucher, &invoice]).await?;
        transaction.commit().await?;
        Ok(Taken::Done)
    }
}
